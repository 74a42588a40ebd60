//! The store's own firewall: a droplet is behind it from its first moment, because it bears the tag
//! that the firewall is for.

use machine_driver::cloud;
use serde_json::{Value, json};

use crate::tags::guard_tag;

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
