use std::time::{Duration, SystemTime};

use machine_driver::cloud::{Interface, Place};
use machine_driver::rest::{Answer, Complaint, Rate};
use machine_driver::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::SshKey;

/// An account of DigitalOcean, which has droplets of all regions.
pub(crate) struct DigitalOcean {
    pub(crate) place: Place,
}

pub(crate) static INTERFACE: Interface = Interface {
    vendor: "DigitalOcean",
    // 250 calls a minute, as the vendor's page on rate limits has it; the burst is ours.
    rate: Rate { per_second: 250.0 / 60.0, burst: 3 },
    complaint,
    per_page: "200",
    next: |page, _path| page["links"]["pages"]["next"].as_str().map(str::to_owned),
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    #[serde(default)]
    pub(crate) uuid: String,
    #[serde(default)]
    pub(crate) droplet_limit: u64,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) status_message: String,
    #[serde(default)]
    team: Team,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Team {
    #[serde(default)]
    uuid: String,
}

impl Account {
    /// Droplets belong to the team where there is one: a colleague's token does as well.
    pub(crate) fn owner(&self) -> &str {
        if self.team.uuid.is_empty() { &self.uuid } else { &self.team.uuid }
    }
}

impl DigitalOcean {
    pub(crate) async fn account(&self) -> Result<Account> {
        let minute = Duration::from_secs(60);
        let fetch = async || self.place.one("account", self.place.api.get("/v2/account")).await;
        self.place.shared.get("account", minute, SystemTime::UNIX_EPOCH, fetch).await
    }

    /// The id of a key with that fingerprint.
    pub(crate) async fn key_with(&self, fingerprint: &str) -> Result<u64> {
        let found = self.place.api.get(format!("/v2/account/keys/{fingerprint}"));
        let key: Result<SshKey> = self.place.one("ssh_key", found).await;
        key.map(|key| key.id).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::new(
                ErrorKind::Flags,
                format!("Digital Ocean SSH key with fingerprint {fingerprint} doesn't exist"),
            )
            .hint("the account's keys are at https://cloud.digitalocean.com/account/security"),
            _ => error,
        })
    }
}

fn complaint(answer: &Answer) -> Complaint {
    told(&answer.body)
}

/// DigitalOcean has two forms of errors.
fn told(body: &[u8]) -> Complaint {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let message = if body["message"].is_string() { text("message") } else { text("error") };
    Complaint { code: text("id"), message, request_id: Some(text("request_id")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_errors_are_read() {
        let said = told(br#"{"id":"not_found","message":"gone","request_id":"r1"}"#);
        assert_eq!((said.code.as_str(), said.message.as_str()), ("not_found", "gone"));
        assert_eq!(said.request_id.as_deref(), Some("r1"));
        let said = told(br#"{"error":"no","messages":null,"root_causes":[]}"#);
        assert_eq!(said.message, "no");
        assert_eq!(told(b"<html>").message, "");
    }
}
