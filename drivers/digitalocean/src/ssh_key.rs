use std::path::{Path, PathBuf};

use machine_driver::rest::problem;
use machine_driver::{Context, Error, ErrorKind, Result, Tags, file};
use serde::Deserialize;
use serde_json::json;

use crate::place::Place;

/// What the driver reads of a key of the account.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SshKey {
    pub(crate) id: u64,
    pub(crate) name: String,
    public_key: String,
}

impl Place {
    pub(crate) async fn keys(&self) -> Result<Vec<SshKey>> {
        self.all("ssh_keys", "/v2/account/keys").await
    }

    /// The id of a key with that fingerprint.
    pub(crate) async fn key_with(&self, fingerprint: &str) -> Result<u64> {
        let found = self.api.get(format!("/v2/account/keys/{fingerprint}"));
        let key: Result<SshKey> = self.one("ssh_key", found).await;
        key.map(|key| key.id).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::new(
                ErrorKind::Flags,
                format!("Digital Ocean SSH key with fingerprint {fingerprint} doesn't exist"),
            )
            .hint("the account's keys are at https://cloud.digitalocean.com/account/security"),
            _ => error,
        })
    }

    /// Makes the machine's key, or finds it: an account has each key once, so that trying again
    /// makes no second one.
    pub(crate) async fn make_key(&self, tags: &Tags, public_key: &str) -> Result<u64> {
        let body = json!({ "name": tags.label(), "public_key": public_key });
        let request = self.api.post("/v2/account/keys").json(&body).repeatable();
        match self.one::<SshKey>("ssh_key", request).await {
            Ok(key) => Ok(key.id),
            Err(error) if problem(&error).is_some_and(|it| it.status == 422) => {
                let keys = self.keys().await?;
                let same = keys.into_iter().find(|key| is_same(&key.public_key, public_key));
                same.map(|key| key.id).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn delete_key(&self, id: u64) -> Result<()> {
        self.api.delete(format!("/v2/account/keys/{id}")).send_if_there().await.map(drop)
    }
}

/// Whether two lines are the same key; their comments do not count.
fn is_same(a: &str, b: &str) -> bool {
    let key = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    key(a).is_some() && key(a) == key(b)
}

/// Where docker-machine copies the user's own key.
pub(crate) fn copied(machine_dir: &Path, key: &str) -> Option<PathBuf> {
    let name = Path::new(key).file_name()?.to_string_lossy().into_owned();
    // Never in the place of what the engine keeps there.
    let kind = Path::new(&name).extension().and_then(|it| it.to_str());
    let taken = matches!(kind, Some("pem" | "json" | "jsonl")) || name.starts_with('.');
    Some(machine_dir.join(if taken { format!("ssh-{name}") } else { name }))
}

/// Copies the user's own key into the machine's directory, for the owner alone.
pub(crate) fn copy(cx: &Context, key: &str) -> Result<PathBuf> {
    let failed = |error| Error::other("unable to copy ssh key").caused_by(error);
    let to = copied(&cx.machine_dir, key)
        .ok_or_else(|| Error::new(ErrorKind::Flags, format!("SSH key does not exist: {key:?}")))?;
    let content = std::fs::read(key).map_err(failed)?;
    file::write_atomic(&to, &content, 0o600).map_err(failed)?;
    if let Ok(public) = std::fs::read(format!("{key}.pub")) {
        let mut name = to.as_os_str().to_owned();
        name.push(".pub");
        file::write_atomic(Path::new(&name), &public, 0o600).map_err(failed)?;
    }
    Ok(to)
}
