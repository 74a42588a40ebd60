//! The store's own security group. One that the user names is never changed.

use std::time::{Duration, SystemTime};

use machine_driver::cloud::{Openings, Removal, arrange_common, drop_common, openings};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, ErrorKind, Result, Tags};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::place::{Place, all, one, text};

/// What the driver reads of a security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tenant_id: Option<String>,
    #[serde(rename = "security_group_rules", default)]
    rules: Vec<Value>,
}

/// So old may the list be in which a machine's group was seen.
const AGE: Duration = Duration::from_secs(10);
const LIST: &str = "groups";

/// How long the ports of a server that has gone may still be in a group.
const RELEASE: Duration = Duration::from_secs(60);

/// Everybody's networks. Machines that are open to the world have a group of their own, so that no
/// other machine is.
const WORLD: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// To whom machines are opened.
pub(crate) async fn networks(cx: &Context) -> Result<Vec<String>> {
    Ok(match openings(cx).await? {
        Openings::World => WORLD.map(str::to_owned).into(),
        Openings::From(networks) => networks,
    })
}

fn name(store: &str, networks: &[String]) -> String {
    let suffix = if networks.iter().any(|it| WORLD.contains(&it.as_str())) { "-world" } else { "" };
    format!("machine-{store}{suffix}")
}

impl Group {
    /// Whether it is one of the store's: it has the name and says so.
    fn is_of(&self, store: &str, project: &str) -> bool {
        [name(store, &[]), name(store, &WORLD.map(str::to_owned))].contains(&self.name)
            && self.tenant_id.as_deref().is_none_or(|it| it == project)
            && self.ours().is_some_and(|tags| tags.store == store)
    }

    pub(crate) fn ours(&self) -> Option<Tags> {
        Tags::from_label(&self.description)
    }

    fn missing(&self, networks: &[String]) -> Vec<Value> {
        rules(&self.id, networks).into_iter().filter(|rule| !self.has(rule)).collect()
    }

    fn has(&self, wanted: &Value) -> bool {
        let is_in = |rule: &Value| {
            wanted.as_object().into_iter().flatten().all(|(key, value)| rule[key] == *value)
        };
        self.rules.iter().any(is_in)
    }
}

impl Place {
    /// The security groups of a store.
    pub(crate) async fn groups(&self, store: &str, age: Duration) -> Result<Vec<Group>> {
        let query = [("tenant_id", self.project.id.as_str())];
        let fetch = async || {
            all::<Group>(&self.neutron, "security_groups", "/security-groups", &query).await
        };
        let all = self.shared.get(LIST, age, SystemTime::UNIX_EPOCH, fetch).await?;
        Ok(all.into_iter().filter(|it| it.is_of(store, &self.project.id)).collect())
    }

    /// How many groups, and how many rules, [`Self::arrange_group`] has still to make.
    pub(crate) async fn group_to_make(
        &self,
        store: &str,
        networks: &[String],
    ) -> Result<(u64, u64)> {
        let name = name(store, networks);
        let all = self.groups(store, AGE).await?;
        Ok(match all.iter().find(|it| it.name == name) {
            Some(group) => (0, group.missing(networks).len() as u64),
            // With two of its own, for what goes out.
            None => (1, rules("", networks).len() as u64 + 2),
        })
    }

    /// Makes sure that the store's group is there and lets these networks in. Its id.
    pub(crate) async fn arrange_group(
        &self,
        cx: &Context,
        tags: &Tags,
        networks: &[String],
    ) -> Result<String> {
        let _alone = arrange_common(cx, &self.name).await?;
        let name = name(&tags.store, networks);
        let find = async |age| -> Result<Option<Group>> {
            let all = self.groups(&tags.store, age).await?;
            Ok(all.into_iter().find(|it| it.name == name))
        };
        let mut found = find(AGE).await?;
        if found.is_none() {
            found = find(Duration::ZERO).await?;
        }
        let group = match found {
            Some(group) => group,
            None => {
                cx.progress.line("Creating the security group of this store...");
                let description = tags.clone().shared().label();
                let body =
                    json!({ "security_group": { "name": name, "description": description } });
                let request = self.neutron.post("/security-groups").json(&body);
                let made = one::<Group>("security_group", request).await;
                self.shared.forget(LIST);
                match made {
                    Ok(group) => group,
                    // It may have been made all the same.
                    Err(error) => find(Duration::ZERO).await?.ok_or(error)?,
                }
            }
        };
        let missing = group.missing(networks);
        if missing.is_empty() {
            return Ok(group.id);
        }
        let body = json!({ "security_group_rules": missing });
        let made = self.neutron.post("/security-group-rules").json(&body).send().await;
        self.shared.forget(LIST);
        if let Err(error) = made {
            let now = find(Duration::ZERO).await?;
            if !now.is_some_and(|group| missing.iter().all(|rule| group.has(rule))) {
                return Err(error);
            }
        }
        Ok(group.id)
    }

    /// Deletes the groups of a store that has no server any more.
    pub(crate) async fn drop_groups(&self, cx: &Context, store: &str) -> Result<()> {
        let Some(_unused) = drop_common(cx, &self.name)? else { return Ok(()) };
        let groups = self.groups(store, Duration::ZERO).await?;
        if groups.is_empty() {
            return Ok(());
        }
        let of_store = |tags: Tags| tags.store == store;
        let servers = self.servers(SystemTime::now()).await?;
        if servers.iter().any(|it| it.ours().is_some_and(of_store)) {
            return Ok(());
        }
        let mut removal = Removal::default();
        for group in groups {
            let gone = self.delete_group(&group.id).await;
            removal.is_gone(&format!("the security group `{}`", group.name), gone);
        }
        self.shared.forget(LIST);
        removal.end()
    }

    async fn delete_group(&self, id: &str) -> Result<()> {
        Wait::new("the security group to be free", RELEASE)
            .until(async || {
                let path = format!("/security-groups/{id}");
                match self.neutron.delete(path).send_if_there().await {
                    Ok(_) => Look::Ready(()),
                    Err(error) if error.kind() == ErrorKind::Conflict => Look::NotYet(Some(error)),
                    Err(error) => Look::Hopeless(error),
                }
            })
            .await
    }
}

/// SSH, Docker and ping from `networks`, and everything from the group's own servers. What goes
/// out Neutron allows by itself.
fn rules(group: &str, networks: &[String]) -> Vec<Value> {
    let rule = |ethertype: &str, more: Value| {
        let mut rule = json!({
            "security_group_id": group, "direction": "ingress", "ethertype": ethertype,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            rule[key] = value.clone();
        }
        rule
    };
    let mut all: Vec<Value> =
        ["IPv4", "IPv6"].map(|it| rule(it, json!({ "remote_group_id": group }))).into();
    for network in networks {
        let (ethertype, icmp) =
            if network.contains(':') { ("IPv6", "ipv6-icmp") } else { ("IPv4", "icmp") };
        for port in [22, 2376] {
            let port = json!({
                "protocol": "tcp", "port_range_min": port, "port_range_max": port,
                "remote_ip_prefix": network,
            });
            all.push(rule(ethertype, port));
        }
        all.push(rule(ethertype, json!({ "protocol": icmp, "remote_ip_prefix": network })));
    }
    all
}
