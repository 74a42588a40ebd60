use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use machine_driver::{Context, Error, ErrorKind, Result, Tags, file, tags};
use serde::Deserialize;

use crate::params::Params;
use crate::place::Place;
use crate::xml::{Set, Tag};

/// What the driver reads of a key pair.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyPair {
    #[serde(rename = "keyName")]
    pub(crate) name: String,
    #[serde(default, rename = "tagSet")]
    tags: Set<Tag>,
}

#[derive(Deserialize)]
struct KeyPairs {
    #[serde(default, rename = "keySet")]
    keys: Set<KeyPair>,
}

impl KeyPair {
    pub(crate) fn ours(&self) -> Option<Tags> {
        self.tags.ours()
    }
}

impl Place {
    /// All key pairs of a store.
    pub(crate) async fn keys(&self, store: &str) -> Result<Vec<KeyPair>> {
        let params = Params::new().filter(&format!("tag:{}", tags::STORE), [store]);
        let found: KeyPairs = self.fetch("DescribeKeyPairs", params).await?;
        Ok(found.keys.items)
    }

    /// The text is docker-machine's.
    pub(crate) async fn check_key(&self, name: &str) -> Result<()> {
        let params = Params::new().list("KeyName", [name]);
        match self.call("DescribeKeyPairs", params).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::new(
                ErrorKind::Flags,
                format!(
                    "There is no keypair with the name {name}. Please verify the key name provided."
                ),
            )
            .hint("aws ec2 describe-key-pairs")),
            Err(error) => Err(error),
        }
    }

    /// Makes the machine's key pair. Its name is its own, so that one of that name is the one that
    /// an earlier attempt made.
    pub(crate) async fn import_key(
        &self,
        name: &str,
        public_key: &str,
        tags: &[(String, String)],
    ) -> Result<()> {
        let params = Params::new()
            .set("KeyName", name)
            .set("PublicKeyMaterial", BASE64_STANDARD.encode(public_key.trim()))
            .tags(&["key-pair"], tags);
        match self.call("ImportKeyPair", params).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            made => made.map(drop),
        }
    }

    /// A key pair that is not there is success for EC2 too.
    pub(crate) async fn delete_key(&self, name: &str) -> Result<()> {
        let params = Params::new().set("KeyName", name);
        self.call("DeleteKeyPair", params).await.map(drop)
    }
}

/// Copies the user's own key and its public half into the machine's directory, where docker-machine
/// has it, and gives the public half.
pub(crate) fn copy(cx: &Context, key: &str) -> Result<String> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |error: std::io::Error| {
            Error::new(ErrorKind::Flags, format!("the key `{path}` cannot be copied"))
                .caused_by(error)
        }
    };
    let public_path = format!("{key}.pub");
    let private = std::fs::read(key).map_err(failed(key))?;
    let public = std::fs::read_to_string(&public_path).map_err(failed(&public_path))?;
    let put = |name: &str, content: &[u8]| {
        file::write_atomic(Path::new(&cx.machine_dir.join(name)), content, 0o600)
    };
    put("id_rsa", &private)?;
    put("id_rsa.pub", public.as_bytes())?;
    Ok(public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_list() {
        let Some(list) = crate::recorded::answer("describe_key_pairs.xml") else { return };
        let list: KeyPairs = crate::xml::read(&list).unwrap();
        assert_eq!(list.keys.items[0].name, "gsg-keypair");
        assert_eq!(list.keys.items[0].ours(), None);
    }
}
