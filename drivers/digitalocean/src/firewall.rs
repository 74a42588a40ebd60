//! The store's own firewall: a droplet is behind it from its first moment, because it bears the tag
//! that the firewall is for.

use machine_driver::cloud;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tags::guard_tag;

/// What the driver reads of a firewall.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Firewall {
    id: String,
    name: String,
    #[serde(default)]
    inbound_rules: Vec<Value>,
}

impl From<Firewall> for cloud::Firewall {
    fn from(firewall: Firewall) -> Self {
        let open = |port| -> Vec<String> {
            let rules = firewall.inbound_rules.iter().filter(|rule| rule["ports"] == port);
            let addresses = rules.filter_map(|rule| rule["sources"]["addresses"].as_array());
            addresses.flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let docker = open("2376");
        let open_to = open("22").into_iter().filter(|it| docker.contains(it)).collect();
        Self { id: firewall.id, name: firewall.name, open_to }
    }
}

/// SSH, Docker and ping from `networks`, everything among the store's own droplets, and everything
/// out. Port `0` is DigitalOcean's word for all.
pub(crate) fn firewall(store: &str, networks: &[String]) -> Value {
    let among = json!({ "tags": [guard_tag(store)] });
    let world = json!({ "addresses": ["0.0.0.0/0", "::/0"] });
    let mut inbound = rules(networks);
    inbound.extend([
        json!({ "protocol": "tcp", "ports": "0", "sources": among }),
        json!({ "protocol": "udp", "ports": "0", "sources": among }),
    ]);
    let outbound = ["tcp", "udp", "icmp"]
        .map(|protocol| json!({ "protocol": protocol, "ports": "0", "destinations": world }));
    json!({
        "name": cloud::Firewall::name(store),
        "inbound_rules": inbound,
        "outbound_rules": outbound,
        "tags": [guard_tag(store)],
    })
}

pub(crate) fn rules(networks: &[String]) -> Vec<Value> {
    [("tcp", "22"), ("tcp", "2376"), ("icmp", "0")]
        .map(|(protocol, ports)| {
            json!({ "protocol": protocol, "ports": ports, "sources": { "addresses": networks } })
        })
        .into()
}
