//! The store's own firewall: a droplet is behind it from its first moment, because it bears the tag
//! that the firewall is for. A firewall that is not ours is never touched.

use std::time::{Duration, SystemTime};

use machine_driver::cloud::{Removal, arrange_common, drop_common};
use machine_driver::{Context, Result, tags};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::place::{Place, store_tag};

/// What the driver reads of a firewall.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Firewall {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    inbound_rules: Vec<Value>,
}

/// So old may the list be in which a machine's firewall was seen.
const AGE: Duration = Duration::from_secs(10);
const LIST: &str = "firewalls";

/// The tag that puts a droplet behind the store's firewall.
pub(crate) fn guard_tag(store: &str) -> String {
    tags::word("machine-guard", store)
}

pub(crate) fn name(store: &str) -> String {
    format!("machine-{store}")
}

impl Place {
    pub(crate) async fn firewall(&self, store: &str, age: Duration) -> Result<Option<Firewall>> {
        let fetch = async || self.all::<Firewall>("firewalls", "/v2/firewalls").await;
        let all = self.shared.get(LIST, age, SystemTime::UNIX_EPOCH, fetch).await?;
        Ok(all.into_iter().find(|it| it.name == name(store)))
    }

    /// Makes sure that the store's firewall is there and lets these networks in.
    pub(crate) async fn arrange_firewall(
        &self,
        cx: &Context,
        store: &str,
        networks: &[String],
    ) -> Result<()> {
        let _alone = arrange_common(cx, &self.name).await?;
        let Some(firewall) = self.firewall(store, AGE).await? else {
            cx.progress.line("Creating the firewall of this store...");
            // A firewall can only be for a tag that is there. Making one again changes nothing.
            let tag = guard_tag(store);
            let request = self.api.post("/v2/tags").json(&json!({ "name": tag })).repeatable();
            request.send().await?;
            let body = firewall(store, networks);
            let made = self.api.post("/v2/firewalls").json(&body).send().await;
            self.shared.forget(LIST);
            // One that was made all the same, by an attempt that seemed to fail, is as good.
            if made.is_err() && self.firewall(store, Duration::ZERO).await?.is_some() {
                return Ok(());
            }
            return made.map(drop);
        };
        let missing: Vec<&String> =
            networks.iter().filter(|network| !firewall.lets_in(network)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let path = format!("/v2/firewalls/{}/rules", firewall.id);
        let body = json!({ "inbound_rules": rules(&missing) });
        let made = self.api.post(path).json(&body).repeatable().send().await;
        self.shared.forget(LIST);
        made.map(drop)
    }

    /// Deletes the firewall and the tags of a store that has no droplet any more.
    pub(crate) async fn drop_firewall(&self, cx: &Context, store: &str) -> Result<()> {
        let Some(_unused) = drop_common(cx, &self.name)? else { return Ok(()) };
        if !self.droplets(store, SystemTime::now()).await?.is_empty() {
            return Ok(());
        }
        let mut removal = Removal::default();
        if let Some(firewall) = self.firewall(store, Duration::ZERO).await? {
            let gone = self.delete_firewall(&firewall.id).await;
            removal.is_gone("the store's firewall", gone);
        }
        for tag in [guard_tag(store), store_tag(store)] {
            removal.is_gone(&format!("the tag `{tag}`"), self.delete_tag(&tag).await);
        }
        removal.end()
    }

    pub(crate) async fn delete_firewall(&self, id: &str) -> Result<()> {
        let gone = self.api.delete(format!("/v2/firewalls/{id}")).send_if_there().await;
        self.shared.forget(LIST);
        gone.map(drop)
    }

    /// The names of all tags of the account.
    pub(crate) async fn tags(&self) -> Result<Vec<String>> {
        let all: Vec<Value> = self.all("tags", "/v2/tags").await?;
        Ok(all.iter().filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect())
    }

    pub(crate) async fn delete_tag(&self, tag: &str) -> Result<()> {
        self.api.delete(format!("/v2/tags/{tag}")).send_if_there().await.map(drop)
    }
}

impl Firewall {
    fn lets_in(&self, network: &str) -> bool {
        let has = |rule: &Value| {
            let addresses = rule["sources"]["addresses"].as_array();
            addresses.is_some_and(|all| all.iter().any(|it| it == network))
        };
        ["22", "2376"]
            .iter()
            .all(|port| self.inbound_rules.iter().any(|rule| rule["ports"] == *port && has(rule)))
    }
}

/// SSH, Docker and ping from `networks`, everything among the store's own droplets, and everything
/// out. Port `0` is DigitalOcean's word for all.
fn firewall(store: &str, networks: &[String]) -> Value {
    let among = json!({ "tags": [guard_tag(store)] });
    let world = json!({ "addresses": ["0.0.0.0/0", "::/0"] });
    let mut inbound = rules(&networks.iter().collect::<Vec<_>>());
    inbound.extend([
        json!({ "protocol": "tcp", "ports": "0", "sources": among }),
        json!({ "protocol": "udp", "ports": "0", "sources": among }),
    ]);
    let outbound = [
        json!({ "protocol": "tcp", "ports": "0", "destinations": world }),
        json!({ "protocol": "udp", "ports": "0", "destinations": world }),
        json!({ "protocol": "icmp", "ports": "0", "destinations": world }),
    ];
    json!({
        "name": name(store),
        "inbound_rules": inbound,
        "outbound_rules": outbound,
        "tags": [guard_tag(store)],
    })
}

fn rules(networks: &[&String]) -> Vec<Value> {
    let sources = json!({ "addresses": networks });
    vec![
        json!({ "protocol": "tcp", "ports": "22", "sources": sources }),
        json!({ "protocol": "tcp", "ports": "2376", "sources": sources }),
        json!({ "protocol": "icmp", "ports": "0", "sources": sources }),
    ]
}
