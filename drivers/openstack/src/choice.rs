//! What the flags name, looked up: by name or id, with the nearest names where there is none.

use machine_driver::{Error, ErrorKind, Result, cloud};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::place::{Place, all, one, text};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flavor {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    /// MiB.
    #[serde(default)]
    pub(crate) ram: u64,
    /// GiB; 0 for flavors whose root disk is a volume, or is as large as the image.
    #[serde(default)]
    pub(crate) disk: u64,
    #[serde(default)]
    pub(crate) vcpus: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Network {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(rename = "router:external", default)]
    pub(crate) external: bool,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    tenant_id: Option<String>,
    #[serde(default)]
    pub(crate) port_security_enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(deserialize_with = "text")]
    id: String,
    name: String,
    #[serde(default)]
    tenant_id: Option<String>,
}

/// Whatever has no more than an id and a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
}

impl Place {
    pub(crate) async fn flavors(&self) -> Result<Vec<Flavor>> {
        self.catalogue("flavors", async || all(&self.nova, "flavors", "/flavors/detail", &[]).await)
            .await
    }

    /// The flavor that the record names. Names are exact, as are ids.
    pub(crate) async fn flavor(&self, id: &str, name: &str) -> Result<Flavor> {
        let flavors = self.flavors().await?;
        let found =
            flavors.iter().find(|it| if id.is_empty() { it.name == name } else { it.id == id });
        if let Some(found) = found {
            return Ok(found.clone());
        }
        // One that is not public is in no list.
        if !id.is_empty()
            && let Some(answer) = self.nova.get(format!("/flavors/{id}")).send_if_there().await?
        {
            let body: Value = answer.json()?;
            return Flavor::deserialize(&body["flavor"])
                .map_err(|error| Error::other("Nova's flavor is none").caused_by(error));
        }
        Err(match id {
            "" => {
                let names = flavors.iter().map(|it| it.name.as_str());
                cloud::unknown("openstack-flavor-name", "flavor", name, names)
                    .context(format!("Unable to find flavor named {name}"))
            }
            id => {
                let ids = flavors.iter().map(|it| it.id.as_str());
                cloud::unknown("openstack-flavor-id", "flavor", id, ids)
            }
        })
    }

    /// The network to which the machine is to belong: the one that is named, or the only one.
    pub(crate) async fn network(&self, id: &str, name: &str) -> Result<Network> {
        if id.is_empty() && name.is_empty() {
            let there: Vec<Network> = all(&self.neutron, "networks", "/networks", &[]).await?;
            let mine: Vec<&Network> = there
                .iter()
                .filter(|it| it.shared || it.tenant_id.as_deref() == Some(&self.project.id))
                .filter(|it| !it.external)
                .collect();
            if mine.len() > 1 {
                let names: Vec<&str> = mine.iter().map(|it| it.name.as_str()).collect();
                return Err(Error::new(ErrorKind::Flags, "the project has several networks")
                    .hint(format!("choose one with --openstack-net-name: {}", names.join(", "))));
            }
            return match mine.first() {
                Some(only) => Ok((*only).clone()),
                // Nova would make a server that nothing leads to.
                None => Err(Error::new(ErrorKind::Flags, "the project has no network")
                    .hint("openstack network create, openstack subnet create")),
            };
        }
        self.named_network(id, name).await
    }

    /// The network from which floating IPs come. Its flag takes a name or an id.
    pub(crate) async fn pool(&self, pool: &str) -> Result<Network> {
        let query = [("router:external", "true")];
        let there: Vec<Network> = all(&self.neutron, "networks", "/networks", &query).await?;
        let named: Vec<&Network> =
            there.iter().filter(|it| it.name == pool || it.id == pool).collect();
        match named.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let names = there.iter().map(|it| it.name.as_str());
                Err(cloud::unknown("openstack-floatingip-pool", "external network", pool, names)
                    .context(format!("Unable to find network named {pool}")))
            }
            several => Err(ambiguous("openstack-floatingip-pool", "external network", pool)
                .hint(ids(several.iter().map(|it| it.id.as_str())))),
        }
    }

    /// The ids of the security groups that the user names, by name or id.
    pub(crate) async fn group_ids(&self, names: &[String]) -> Result<Vec<String>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let fields = ["id", "name", "tenant_id"].map(|field| ("fields", field));
        let there: Vec<Group> =
            all(&self.neutron, "security_groups", "/security-groups", &fields).await?;
        let mut ids = Vec::new();
        for name in names {
            let mut named: Vec<&Group> =
                there.iter().filter(|it| it.name == *name || it.id == *name).collect();
            prefer_own(&mut named, |it| it.tenant_id.as_deref() == Some(&self.project.id));
            match named.as_slice() {
                [one] => ids.push(one.id.clone()),
                [] => {
                    let there = there.iter().map(|it| it.name.as_str());
                    return Err(cloud::unknown(
                        "openstack-sec-groups",
                        "security group",
                        name,
                        there,
                    ));
                }
                several => {
                    return Err(ambiguous("openstack-sec-groups", "security group", name)
                        .hint(self::ids(several.iter().map(|it| it.id.as_str()))));
                }
            }
        }
        Ok(ids)
    }

    /// The id of the server group that is named; empty if none is.
    pub(crate) async fn server_group(&self, id: &str, name: &str) -> Result<String> {
        if id.is_empty() && name.is_empty() {
            return Ok(String::new());
        }
        let there: Vec<Item> = all(&self.nova, "server_groups", "/os-server-groups", &[]).await?;
        let found =
            there.iter().find(|it| if id.is_empty() { it.name == name } else { it.id == id });
        found.map(|it| it.id.clone()).ok_or_else(|| match id {
            "" => {
                let names = there.iter().map(|it| it.name.as_str());
                cloud::unknown("openstack-server-group-name", "server group", name, names)
                    .context(format!("Unable to find server group named {name}"))
            }
            id => {
                let ids = there.iter().map(|it| it.id.as_str());
                cloud::unknown("openstack-server-group-id", "server group", id, ids)
            }
        })
    }
}

impl Place {
    async fn named_network(&self, id: &str, name: &str) -> Result<Network> {
        if !id.is_empty() {
            let found = one("network", self.neutron.get(format!("/networks/{id}"))).await;
            return found.map_err(|error| match error.kind() {
                ErrorKind::NotFound => {
                    Error::new(ErrorKind::Flags, format!("there is no network with the id `{id}`"))
                        .caused_by(error)
                        .hint("by name: --openstack-net-name")
                }
                _ => error,
            });
        }
        let query = [("name", name)];
        let mut named: Vec<Network> = all(&self.neutron, "networks", "/networks", &query).await?;
        prefer_own(&mut named, |it| it.tenant_id.as_deref() == Some(&self.project.id));
        match named.len() {
            1 => Ok(named.remove(0)),
            0 => {
                let there: Vec<Item> = all(&self.neutron, "networks", "/networks", &[]).await?;
                let names = there.iter().map(|it| it.name.as_str());
                Err(cloud::unknown("openstack-net-name", "network", name, names)
                    .context(format!("Unable to find network named {name}")))
            }
            _ => Err(ambiguous("openstack-net-name", "network", name)
                .hint("use --openstack-net-id")
                .hint(ids(named.iter().map(|it| it.id.as_str())))),
        }
    }
}

/// An administrator sees what all projects have.
fn prefer_own<T>(found: &mut Vec<T>, is_own: impl Fn(&T) -> bool) {
    if found.iter().any(&is_own) {
        found.retain(is_own);
    }
}

fn ambiguous(flag: &str, what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Flags, format!("--{flag}: there are several {what}s `{name}`"))
}

fn ids<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    format!("their ids: {}", ids.collect::<Vec<_>>().join(", "))
}
