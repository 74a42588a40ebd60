//! Floating IPs: one for each machine, made in the call that also leads it to the server's port.

use machine_driver::rest::problem;
use machine_driver::{Error, ErrorKind, Result, Tags};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::place::{Place, all, one, text};

/// What the driver reads of a floating IP.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FloatingIp {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(rename = "floating_ip_address")]
    pub(crate) address: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    port_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Port {
    id: String,
    #[serde(default)]
    fixed_ips: Vec<FixedIp>,
}

#[derive(Debug, Deserialize)]
struct FixedIp {
    ip_address: String,
}

impl FloatingIp {
    /// What its description says; `None` if it is not ours.
    pub(crate) fn ours(&self) -> Option<Tags> {
        Tags::from_label(self.description.as_deref()?)
    }
}

/// What Neutron calls a port that the pool's network does not lead to.
const NO_WAY: &str = "ExternalGatewayForFloatingIPNotFound";

impl Place {
    /// All floating IPs of the project.
    pub(crate) async fn floating_ips(&self) -> Result<Vec<FloatingIp>> {
        let query = [("tenant_id", self.project.id.as_str())];
        all(&self.neutron, "floatingips", "/floatingips", &query).await
    }

    /// The floating IP of this machine that an earlier attempt may have made.
    pub(crate) async fn floating_ip_of(&self, tags: &Tags) -> Result<Option<FloatingIp>> {
        let is_its = |it: &Tags| it.store == tags.store && it.machine == tags.machine;
        let all = self.floating_ips().await?;
        Ok(all.into_iter().find(|it| it.ours().as_ref().is_some_and(is_its)))
    }

    /// Takes a floating IP out of the pool, for the port of the server that has `fixed`.
    pub(crate) async fn make_floating_ip(
        &self,
        tags: &Tags,
        pool: &str,
        server: &str,
        fixed: &str,
    ) -> Result<FloatingIp> {
        let port = self.port(server, fixed).await?;
        let mut floating_ip = json!({
            "floating_network_id": pool, "port_id": port, "fixed_ip_address": fixed,
        });
        if self.has_descriptions().await? {
            floating_ip["description"] = tags.label().into();
        }
        let body = json!({ "floatingip": floating_ip });
        let made = one("floatingip", self.neutron.post("/floatingips").json(&body)).await;
        match made {
            Ok(made) => Ok(made),
            Err(error) if error.kind() == ErrorKind::Denied => Err(error),
            Err(error) if problem(&error).is_some_and(|it| it.code == NO_WAY) => Err(error
                .hint("the server's network needs a router whose gateway is in the pool's network")
                .hint("choose another network: --openstack-net-name")),
            // It may have been made all the same: a port's address has one at the most.
            Err(error) => match self.floating_ip_at(&port).await {
                Ok(Some(made)) if made.ours().is_some_and(|it| it.machine == tags.machine) => {
                    Ok(made)
                }
                _ => Err(error),
            },
        }
    }

    async fn floating_ip_at(&self, port: &str) -> Result<Option<FloatingIp>> {
        let query = [("port_id", port)];
        let all: Vec<FloatingIp> =
            all(&self.neutron, "floatingips", "/floatingips", &query).await?;
        Ok(all.into_iter().find(|it| it.port_id.as_deref() == Some(port)))
    }

    /// The id of the server's port that has this address.
    async fn port(&self, server: &str, fixed: &str) -> Result<String> {
        let ports: Vec<Port> =
            all(&self.neutron, "ports", "/ports", &[("device_id", server)]).await?;
        let has = |port: &&Port| port.fixed_ips.iter().any(|it| it.ip_address == fixed);
        ports.iter().find(has).map(|it| it.id.clone()).ok_or_else(|| {
            Error::other(format!("no port of the server has the address {fixed}"))
                .caused_by(format!("it has {} ports", ports.len()))
        })
    }

    /// Whether Neutron takes a description for everything, as it does since 2016.
    async fn has_descriptions(&self) -> Result<bool> {
        let extensions = self.catalogue("extensions", async || {
            #[derive(Serialize, Deserialize)]
            struct Extension {
                alias: String,
            }
            let all: Vec<Extension> = all(&self.neutron, "extensions", "/extensions", &[]).await?;
            Ok(all.into_iter().map(|it| it.alias).collect::<Vec<String>>())
        });
        Ok(extensions.await?.iter().any(|alias| alias == "standard-attr-description"))
    }

    pub(crate) async fn delete_floating_ip(&self, id: &str) -> Result<()> {
        self.neutron.delete(format!("/floatingips/{id}")).send_if_there().await.map(drop)
    }
}
