use machine_driver::cloud::is_same_key;
use machine_driver::rest::problem;
use machine_driver::{Error, ErrorKind, Result, Tags};
use serde::Deserialize;
use serde_json::json;

use crate::place::DigitalOcean;

/// What the driver reads of a key of the account.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SshKey {
    pub(crate) id: u64,
    pub(crate) name: String,
    public_key: String,
}

impl DigitalOcean {
    pub(crate) async fn keys(&self) -> Result<Vec<SshKey>> {
        self.place.all("ssh_keys", "/v2/account/keys").await
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

    /// Uploads the machine's key, or finds it: an account has each key once, so that trying again
    /// makes no second one.
    pub(crate) async fn upload_key(&self, tags: &Tags, public_key: &str) -> Result<u64> {
        let body = json!({ "name": tags.label(), "public_key": public_key });
        let request = self.place.api.post("/v2/account/keys").json(&body).repeatable();
        match self.place.one::<SshKey>("ssh_key", request).await {
            Ok(key) => Ok(key.id),
            Err(error) if problem(&error).is_some_and(|it| it.status == 422) => {
                let keys = self.keys().await?;
                let same = keys.into_iter().find(|key| is_same_key(&key.public_key, public_key));
                same.map(|key| key.id).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}
