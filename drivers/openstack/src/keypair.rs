use std::path::PathBuf;

use machine_driver::{Context, Error, ErrorKind, Result, Tags, cloud, file};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::place::{Place, all, one};

/// What the driver reads of a key pair. It belongs to a user, and its name is its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeyPair {
    name: String,
    #[serde(default)]
    public_key: String,
}

/// Of the characters that Nova takes; a dot of the machine's name becomes an underscore, which no
/// name has.
pub(crate) fn name(tags: &Tags) -> String {
    tags.label().replace('.', "_")
}

/// What such a name says.
pub(crate) fn read(name: &str) -> Option<Tags> {
    let tags = Tags::from_label(name)?;
    Some(Tags { machine: tags.machine.replace('_', "."), ..tags })
}

impl Place {
    /// Uploads a public key under a name that nothing else has, so that doing it again changes
    /// nothing.
    pub(crate) async fn make_keypair(&self, name: &str, public_key: &str) -> Result<()> {
        let body = json!({ "keypair": { "name": name, "public_key": public_key } });
        let made = self.nova.post("/os-keypairs").json(&body).repeatable().send().await;
        match made {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let there: KeyPair = self.keypair(name).await?;
                match cloud::is_same_key(&there.public_key, public_key) {
                    true => Ok(()),
                    false => Err(error),
                }
            }
            made => made.map(drop),
        }
    }

    async fn keypair(&self, name: &str) -> Result<KeyPair> {
        one("keypair", self.nova.get(format!("/os-keypairs/{}", escaped(name)))).await
    }

    /// Makes sure that the user's own key pair is there.
    pub(crate) async fn check_keypair(&self, name: &str) -> Result<()> {
        match self.keypair(name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let names = self.keypairs().await?;
                let names = names.iter().map(String::as_str);
                Err(cloud::unknown("openstack-keypair-name", "key pair", name, names))
            }
            found => found.map(drop),
        }
    }

    /// The names of all key pairs of the user.
    pub(crate) async fn keypairs(&self) -> Result<Vec<String>> {
        let all: Vec<Value> = all(&self.nova, "keypairs", "/os-keypairs", &[]).await?;
        let name = |it: &Value| it["keypair"]["name"].as_str().map(str::to_owned);
        Ok(all.iter().filter_map(name).collect())
    }

    pub(crate) async fn delete_keypair(&self, name: &str) -> Result<()> {
        self.nova.delete(format!("/os-keypairs/{}", escaped(name))).send_if_there().await.map(drop)
    }
}

/// A name as a part of a path: old ones may have blanks.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |text, byte| {
        let is_plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if is_plain { text + &char::from(byte).to_string() } else { text + &format!("%{byte:02X}") }
    })
}

/// Copies the private half of the user's own key pair into the machine's directory, for the owner
/// alone, as docker-machine does.
pub(crate) fn copy_private(cx: &Context, from: &str) -> Result<PathBuf> {
    let wrong = |error| {
        Error::new(ErrorKind::Flags, format!("the private key `{from}` cannot be read"))
            .caused_by(error)
    };
    let to = cx.machine_dir.join("ssh-key");
    file::write_atomic(&to, &std::fs::read(from).map_err(wrong)?, 0o600)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_whose_it_is() {
        let tags = Tags {
            store: "0123456789ab".into(),
            machine: "web-1.lab".into(),
            created: 1_795_000_000,
            expires: None,
        };
        let name = name(&tags);
        assert_eq!(name, "machine-0123456789ab-1795000000-web-1_lab");
        assert_eq!(read(&name), Some(tags));
        assert_eq!(read("my key"), None);
        assert_eq!(escaped("my key"), "my%20key");
    }
}
