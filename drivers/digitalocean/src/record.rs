use machine_driver::{BaseRecord, Context, FlagValues, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::flags::{API_URL, IMAGE, TOKEN, TOKEN_VARIABLE};

/// The `Driver` object of `config.json`: docker-machine's keys in its order, rancher-machine's, and
/// ours where they say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
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
    #[serde(rename = "PrivateIPAddress", skip_serializing_if = "String::is_empty")]
    pub(crate) private_ip_address: String,
    #[serde(rename = "IPv6Address", skip_serializing_if = "String::is_empty")]
    pub(crate) ipv6_address: String,
    #[serde(rename = "VPCUUID", skip_serializing_if = "String::is_empty")]
    pub(crate) vpc_uuid: String,
    #[serde(rename = "APIURL", skip_serializing_if = "String::is_empty")]
    api_url: String,
    /// The account, so that "not found" in another one is not taken for "gone".
    #[serde(rename = "AccountUUID", skip_serializing_if = "String::is_empty")]
    pub(crate) account_uuid: String,
    /// Something may have been made whose id is not recorded.
    #[serde(rename = "MayHaveMore", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) may_have_more: bool,
    /// The droplet's tag that says when its time is up.
    #[serde(rename = "ExpiryTag", skip_serializing_if = "String::is_empty")]
    pub(crate) expiry_tag: String,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(cx: &Context, values: &FlagValues) -> Self {
        let text = |name: &str| values.text(name).unwrap_or_default().to_owned();
        let base = BaseRecord {
            ssh_user: text("digitalocean-ssh-user"),
            ssh_port: values
                .int("digitalocean-ssh-port")
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or_default(),
            ..BaseRecord::of(cx)
        };
        let api_url = text("digitalocean-api-url");
        Self {
            base,
            access_token: Secret::from_flag(cx, values, TOKEN, TOKEN_VARIABLE).unwrap_or_default(),
            image: text("digitalocean-image"),
            region: text("digitalocean-region"),
            ssh_key_fingerprint: text("digitalocean-ssh-key-fingerprint"),
            ssh_key: text("digitalocean-ssh-key-path"),
            size: text("digitalocean-size"),
            ipv6: values.bool("digitalocean-ipv6"),
            backups: values.bool("digitalocean-backups"),
            private_networking: values.bool("digitalocean-private-networking"),
            user_data_file: text("digitalocean-userdata"),
            monitoring: values.bool("digitalocean-monitoring"),
            tags: text("digitalocean-tags"),
            vpc_uuid: text("digitalocean-vpc-uuid"),
            api_url: if api_url == API_URL { String::new() } else { api_url },
            ..Self::default()
        }
    }

    pub(crate) fn api_url(&self) -> &str {
        if self.api_url.is_empty() { API_URL } else { &self.api_url }
    }

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
