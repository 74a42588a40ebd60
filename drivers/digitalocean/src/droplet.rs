use std::time::SystemTime;

use machine_driver::{Result, State, Tags};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::place::{POLL, Place, read_expiry, store_tag};

/// What the driver reads of a droplet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Droplet {
    pub(crate) id: u64,
    pub(crate) name: String,
    status: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    networks: Networks,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Networks {
    #[serde(default)]
    v4: Vec<Address>,
    #[serde(default)]
    v6: Vec<Address>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Address {
    ip_address: String,
    /// `public` or `private`.
    #[serde(rename = "type")]
    kind: String,
}

impl Droplet {
    /// The words of DigitalOcean; `archive` has no counterpart.
    pub(crate) fn state(&self) -> State {
        match self.status.as_str() {
            "new" => State::Starting,
            "active" => State::Running,
            "off" => State::Stopped,
            _ => State::None,
        }
    }

    pub(crate) fn public_v4(&self) -> Option<&str> {
        address(&self.networks.v4, "public")
    }

    pub(crate) fn private_v4(&self) -> Option<&str> {
        address(&self.networks.v4, "private")
    }

    pub(crate) fn public_v6(&self) -> Option<&str> {
        address(&self.networks.v6, "public")
    }

    /// What its name, its tags and DigitalOcean itself say of it; `None` if it is not ours.
    pub(crate) fn ours(&self) -> Option<Tags> {
        let tags = Tags::from_words(self.tags.iter().map(String::as_str))?;
        let created = OffsetDateTime::parse(&self.created_at, &Rfc3339);
        let created = created.map_or(0, |at| u64::try_from(at.unix_timestamp()).unwrap_or(0));
        let expires = self.tags.iter().find_map(|tag| read_expiry(tag, &tags.store));
        let expires = expires.map(|(_, at)| at);
        Some(Tags { machine: self.name.clone(), created, expires, ..tags })
    }
}

fn address<'a>(addresses: &'a [Address], kind: &str) -> Option<&'a str> {
    addresses.iter().find(|it| it.kind == kind).map(|it| it.ip_address.as_str())
}

impl Place {
    /// All droplets of a store, in a list that was asked for after `since`: one call answers for
    /// all who wait.
    pub(crate) async fn droplets(&self, store: &str, since: SystemTime) -> Result<Vec<Droplet>> {
        let path = format!("/v2/droplets?tag_name={}", store_tag(store).replace(':', "%3A"));
        let fetch = async || self.all("droplets", &path).await;
        self.shared.get(&format!("droplets-{store}"), POLL, since, fetch).await
    }

    /// All droplets of the account.
    pub(crate) async fn every_droplet(&self, since: SystemTime) -> Result<Vec<Droplet>> {
        let fetch = async || self.all("droplets", "/v2/droplets").await;
        self.shared.get("droplets", POLL, since, fetch).await
    }

    pub(crate) async fn droplet(&self, id: u64) -> Result<Droplet> {
        self.one("droplet", self.api.get(format!("/v2/droplets/{id}"))).await
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
        let droplet: Droplet = serde_json::from_str(text).unwrap();
        let tags = droplet.ours().unwrap();
        assert_eq!((tags.store.as_str(), tags.machine.as_str()), ("0123456789ab", "web-1"));
        assert_eq!((tags.created, tags.expires), (1_795_608_000, Some(1_795_000_000)));
        assert_eq!(droplet.public_v4(), Some("192.0.2.9"));
        assert_eq!(droplet.private_v4(), Some("10.0.0.2"));
        assert_eq!(droplet.public_v6(), None);
    }
}
