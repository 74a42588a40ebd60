//! What the driver reads of the interface's objects.

use machine_driver::cloud::{self, Key, Server};
use machine_driver::{State, Tags};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::tags::read_expiry;

/// What the driver reads of a droplet.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Droplet {
    id: u64,
    name: String,
    status: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    networks: Networks,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Networks {
    #[serde(default)]
    v4: Vec<Address>,
    #[serde(default)]
    v6: Vec<Address>,
}

#[derive(Debug, Clone, Deserialize)]
struct Address {
    ip_address: String,
    /// `public` or `private`.
    #[serde(rename = "type")]
    kind: String,
}

impl From<Droplet> for Server {
    fn from(droplet: Droplet) -> Self {
        Self {
            id: droplet.id.to_string(),
            tags: droplet.ours(),
            // The words of DigitalOcean; `archive` has no counterpart.
            state: match droplet.status.as_str() {
                "new" => State::Starting,
                "active" => State::Running,
                "off" => State::Stopped,
                _ => State::None,
            },
            public_v4: address(&droplet.networks.v4, "public"),
            private_v4: address(&droplet.networks.v4, "private"),
            public_v6: address(&droplet.networks.v6, "public"),
            name: droplet.name,
        }
    }
}

impl Droplet {
    /// What its name, its tags and DigitalOcean itself say of it; `None` if it is not ours.
    fn ours(&self) -> Option<Tags> {
        let tags = Tags::from_words(self.tags.iter().map(String::as_str))?;
        let created = OffsetDateTime::parse(&self.created_at, &Rfc3339);
        let created = created.map_or(0, |at| u64::try_from(at.unix_timestamp()).unwrap_or(0));
        let expires = self.tags.iter().find_map(|tag| read_expiry(tag, &tags.store));
        let expires = expires.map(|(_, at)| at);
        Some(Tags { machine: self.name.clone(), created, expires, ..tags })
    }
}

fn address(addresses: &[Address], kind: &str) -> Option<String> {
    addresses.iter().find(|it| it.kind == kind).map(|it| it.ip_address.clone())
}

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

/// What the driver reads of a key of the account, whose name is all that says whose it is.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SshKey {
    pub(crate) id: u64,
    name: String,
    public_key: String,
}

impl From<SshKey> for Key {
    fn from(SshKey { id, name, public_key }: SshKey) -> Self {
        Self { id: id.to_string(), public_key, tags: Tags::from_label(&name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_droplet_says_whose_it_is() {
        let text = r#"{"id":7,"name":"web-1","status":"active","created_at":"2026-11-25T12:00:00Z",
            "tags":["team","machine-store:0123456789ab","machine-expires-0123456789ab-web-1:1795000000"],
            "networks":{"v4":[{"ip_address":"10.0.0.2","type":"private"},
                {"ip_address":"192.0.2.9","type":"public"}],"v6":[]}}"#;
        let droplet: Server = serde_json::from_str::<Droplet>(text).unwrap().into();
        let tags = droplet.tags.unwrap();
        assert_eq!((tags.store.as_str(), tags.machine.as_str()), ("0123456789ab", "web-1"));
        assert_eq!((tags.created, tags.expires), (1_795_608_000, Some(1_795_000_000)));
        assert_eq!(droplet.public_v4.as_deref(), Some("192.0.2.9"));
        assert_eq!(droplet.private_v4.as_deref(), Some("10.0.0.2"));
        assert_eq!(droplet.public_v6, None);
    }

    /// What `key` holds in an answer that others have recorded (libcloud's). `None`, with a word on
    /// stderr, where it is not there.
    #[expect(clippy::print_stderr, reason = "a test says what it leaves out")]
    fn recorded<T: for<'a> Deserialize<'a>>(name: &str, key: &str) -> Option<T> {
        let path = "../../../shared/specs/fixtures/digitalocean_v2";
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path).join(name);
        let Ok(text) = std::fs::read(&path) else {
            eprintln!("skipped: there is no `{}`", path.display());
            return None;
        };
        let mut answer: Value = serde_json::from_slice(&text).unwrap();
        Some(serde_json::from_value(answer[key].take()).unwrap())
    }

    #[test]
    fn recorded_droplets_and_keys_are_read() {
        let Some(droplets) = recorded::<Vec<Droplet>>("list_nodes.json", "droplets") else {
            return;
        };
        let [droplet] = <[Droplet; 1]>::try_from(droplets).unwrap();
        let droplet = Server::from(droplet);
        assert_eq!((droplet.id.as_str(), droplet.state), ("3164444", State::Running));
        assert_eq!(droplet.public_v4.as_deref(), Some("128.199.13.158"));
        assert_eq!(droplet.private_v4.as_deref(), Some("10.124.0.2"));
        assert_eq!(droplet.public_v6.as_deref(), Some("2604:a880:4:1d0::142:9000"));
        assert!(droplet.tags.is_none(), "it is somebody else's");

        let tagged: Vec<Droplet> = recorded("list_nodes_page_1.json", "droplets").unwrap();
        assert!(Server::from(tagged[0].clone()).tags.is_none(), "with tags of theirs");
        let keys: Vec<SshKey> = recorded("list_key_pairs.json", "ssh_keys").unwrap();
        let key = Key::from(keys.into_iter().next().unwrap());
        assert_eq!(key.id, "7717");
        assert!(key.public_key.starts_with("ssh-rsa ") && key.tags.is_none());
    }
}
