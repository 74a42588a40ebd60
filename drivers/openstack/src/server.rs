use std::collections::BTreeMap;
use std::time::SystemTime;

use machine_driver::{Error, Result, State, Tags};
use serde::{Deserialize, Serialize};

use crate::place::{POLL, Place, all, one, text};

/// What the driver reads of a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) status: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    addresses: BTreeMap<String, Vec<Address>>,
    #[serde(default)]
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Address {
    addr: String,
    version: u8,
    /// `fixed` or `floating`; clouds without floating IPs may not say it.
    #[serde(rename = "OS-EXT-IPS:type", default)]
    kind: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

impl Server {
    /// Nova's words; docker-machine expected `BUILDING`, which it never was.
    pub(crate) fn state(&self) -> State {
        match self.status.as_str() {
            "ACTIVE" | "REBOOT" | "HARD_REBOOT" | "PASSWORD" | "RESIZE" | "VERIFY_RESIZE"
            | "REVERT_RESIZE" | "MIGRATING" | "RESCUE" => State::Running,
            "BUILD" | "BUILDING" | "REBUILD" => State::Starting,
            "PAUSED" => State::Paused,
            "SUSPENDED" => State::Saved,
            "SHUTOFF" | "SHELVED" | "SHELVED_OFFLOADED" => State::Stopped,
            "ERROR" => State::Error,
            "DELETED" | "SOFT_DELETED" => State::Missing,
            _ => State::None,
        }
    }

    /// What the marks on it say; `None` if it is not ours.
    pub(crate) fn ours(&self) -> Option<Tags> {
        Tags::from_labels(&self.metadata)
    }

    /// An address of its own ports, best of the network that is named.
    pub(crate) fn fixed(&self, version: u8, network: &str) -> Option<&str> {
        let fits = |it: &&Address| {
            it.version == version && it.kind.as_deref().is_none_or(|kind| kind == "fixed")
        };
        let named = self.addresses.get(network).into_iter();
        let mut all = named.chain(self.addresses.values()).flatten();
        all.find(fits).map(|it| it.addr.as_str())
    }

    /// Why it is in state `ERROR`.
    pub(crate) fn failure(&self) -> Error {
        let error = Error::other("Instance creation failed. Instance is in ERROR state");
        match self.fault.as_ref().map(|it| it.message.as_str()) {
            None | Some("") => error,
            Some(why) if why.contains("No valid host") => error.caused_by(why.to_owned()).hint(
                "no host has room for it: choose a smaller flavor, or another availability zone",
            ),
            // What Nova makes of "it is not allowed to create an interface on external network".
            Some(why) if why.contains("Failed to allocate the network") => {
                error.caused_by(why.to_owned()).hint(
                    "most clouds put no server onto an external network: name that one with \
                     --openstack-floatingip-pool, and one of the project with --openstack-net-name",
                )
            }
            Some(why) if why.to_lowercase().contains("quota") => error
                .caused_by(why.to_owned())
                .hint("see what there is: openstack quota show --usage"),
            Some(why) => error.caused_by(why.to_owned()),
        }
    }
}

impl Place {
    /// All servers of the project, in a list that was asked for after `since`: one call answers
    /// for all who wait.
    pub(crate) async fn servers(&self, since: SystemTime) -> Result<Vec<Server>> {
        let fetch = async || all(&self.nova, "servers", "/servers/detail", &[]).await;
        self.shared.get("servers", POLL, since, fetch).await
    }

    /// Why a server of a list is in state `ERROR`. Nova's list does not say it of one that no host has
    /// taken.
    pub(crate) async fn failure(&self, server: Server) -> Error {
        self.server(&server.id).await.unwrap_or(server).failure()
    }

    pub(crate) async fn server(&self, id: &str) -> Result<Server> {
        one("server", self.nova.get(format!("/servers/{id}"))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_whose_it_is_and_where() {
        let text = r#"{"id":"s1","name":"web-1","status":"ACTIVE","metadata":{"team":"a",
            "machine-store":"0123456789ab","machine-name":"web-1","machine-created":"1795000000"},
            "addresses":{"b":[{"addr":"10.0.0.9","version":4,"OS-EXT-IPS:type":"fixed"},
              {"addr":"198.51.100.4","version":4,"OS-EXT-IPS:type":"floating"}],
             "a":[{"addr":"10.1.0.2","version":4},{"addr":"2001:db8::2","version":6}]}}"#;
        let server: Server = serde_json::from_str(text).unwrap();
        let tags = server.ours().unwrap();
        assert_eq!((tags.machine.as_str(), tags.created), ("web-1", 1_795_000_000));
        assert_eq!(server.fixed(4, "b"), Some("10.0.0.9"));
        assert_eq!(server.fixed(4, ""), Some("10.1.0.2"));
        assert_eq!(server.fixed(6, "b"), Some("2001:db8::2"));
        assert_eq!(server.state(), State::Running);
    }
}
