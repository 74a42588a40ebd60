use machine_driver::cloud::{self, Given};
use machine_driver::{Context, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::flags::{API_URL, IMAGE};

/// The `Driver` object of `config.json`: docker-machine's keys in its order, then ours where they say
/// something.
pub(crate) type Record = cloud::Record<Own>;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Own {
    pub(crate) access_token: Secret,
    /// 0 while there is none, as for the key.
    #[serde(rename = "DropletID")]
    pub(crate) droplet_id: u64,
    droplet_name: String,
    pub(crate) image: String,
    pub(crate) region: String,
    #[serde(rename = "SSHKeyID")]
    pub(crate) ssh_key_id: u64,
    #[serde(rename = "SSHKeyFingerprint")]
    pub(crate) ssh_key_fingerprint: String,
    #[serde(rename = "SSHKey")]
    pub(crate) ssh_key: String,
    pub(crate) size: String,
    #[serde(rename = "IPv6")]
    pub(crate) ipv6: bool,
    pub(crate) backups: bool,
    pub(crate) private_networking: bool,
    pub(crate) user_data_file: String,
    pub(crate) monitoring: bool,
    pub(crate) tags: String,
    #[serde(rename = "VPCUUID", skip_serializing_if = "String::is_empty")]
    pub(crate) vpc_uuid: String,
    /// The account, so that "not found" in another one is not taken for "gone".
    #[serde(rename = "AccountUUID", skip_serializing_if = "String::is_empty")]
    pub(crate) account_uuid: String,
    /// The droplet's tag that says when its time is up.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) expiry_tag: String,
}

pub(crate) fn record(cx: &Context, given: &Given<'_>) -> Result<Record> {
    let missing = "digitalocean driver requires the --digitalocean-access-token option";
    let own = Own {
        access_token: given.token(cx, "access-token", missing)?,
        image: given.text("image"),
        region: given.text("region"),
        ssh_key_fingerprint: given.text("ssh-key-fingerprint"),
        ssh_key: given.text("ssh-key-path"),
        size: given.text("size"),
        ipv6: given.bool("ipv6"),
        backups: given.bool("backups"),
        private_networking: given.bool("private-networking"),
        user_data_file: given.text("userdata"),
        monitoring: given.bool("monitoring"),
        tags: given.text("tags"),
        vpc_uuid: given.text("vpc-uuid"),
        ..Own::default()
    };
    Record::new(cx, given, API_URL, own)
}

impl Own {
    /// Whether the user chose the image.
    pub(crate) fn has_default_image(&self) -> bool {
        self.image == IMAGE
    }

    /// The user's tags, without blanks and empty ones.
    pub(crate) fn user_tags(&self) -> impl Iterator<Item = &str> {
        self.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty())
    }

    /// Whether the key in the account is this machine's own.
    pub(crate) fn owns_key(&self) -> bool {
        self.ssh_key_fingerprint.is_empty()
    }
}
