//! What the driver reads of the interface's objects.

use machine_driver::cloud::{self, Key, Server};
use machine_driver::{State, Tags};
use serde::Deserialize;
use serde_json::Value;

use crate::record::Labels;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HetznerServer {
    id: u64,
    name: String,
    status: String,
    #[serde(default)]
    labels: Labels,
    public_net: Value,
    #[serde(default)]
    private_net: Vec<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SshKey {
    id: u64,
    public_key: String,
    #[serde(default)]
    labels: Labels,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Firewall {
    id: u64,
    name: String,
    rules: Vec<Value>,
}

impl From<HetznerServer> for Server {
    fn from(server: HetznerServer) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // A server has a whole network of version 6, and listens on its first address.
        let v6 = server.public_net["ipv6"]["ip"].as_str();
        Self {
            id: server.id.to_string(),
            name: server.name,
            state: match server.status.as_str() {
                "initializing" | "starting" => State::Starting,
                "running" => State::Running,
                "stopping" => State::Stopping,
                "off" => State::Stopped,
                "deleting" => State::Missing,
                _ => State::None,
            },
            tags: Tags::from_labels(&server.labels),
            public_v4: text(&server.public_net["ipv4"]["ip"]),
            private_v4: server.private_net.first().and_then(|net| text(&net["ip"])),
            public_v6: v6
                .map(|it| it.split_once("::/").map_or(it.into(), |(net, _)| format!("{net}::1"))),
        }
    }
}

impl From<Firewall> for cloud::Firewall {
    fn from(firewall: Firewall) -> Self {
        let docker = firewall.rules.iter().filter(|rule| rule["port"] == "2376");
        let networks = docker.filter_map(|rule| rule["source_ips"].as_array()).flatten();
        let open_to = networks.filter_map(|it| it.as_str().map(str::to_owned)).collect();
        Self { id: firewall.id.to_string(), name: firewall.name, open_to }
    }
}

impl From<SshKey> for Key {
    fn from(SshKey { id, public_key, labels }: SshKey) -> Self {
        Self { id: id.to_string(), public_key, tags: Tags::from_labels(&labels) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_whose_it_is_and_where() {
        let text = r#"{"id":7,"name":"m1","status":"running","labels":{"a":"b","machine-name":"m1",
            "machine-store":"0123456789ab","machine-created":"1795000000"},
            "public_net":{"ipv4":{"ip":"192.0.2.9"},"ipv6":{"ip":"2001:db8:1::/64"}},
            "private_net":[{"ip":"10.0.0.2"}]}"#;
        let server: Server = serde_json::from_str::<HetznerServer>(text).unwrap().into();
        assert_eq!((server.id.as_str(), server.state), ("7", State::Running));
        assert_eq!(server.tags.unwrap().machine, "m1");
        assert_eq!(server.public_v4.as_deref(), Some("192.0.2.9"));
        assert_eq!(server.private_v4.as_deref(), Some("10.0.0.2"));
        assert_eq!(server.public_v6.as_deref(), Some("2001:db8:1::1"));
        let private =
            r#"{"id":7,"name":"m1","status":"off","public_net":{"ipv4":null,"ipv6":null}}"#;
        let server: Server = serde_json::from_str::<HetznerServer>(private).unwrap().into();
        assert_eq!((server.public_v4, server.public_v6, server.tags), (None, None, None));
    }
}
