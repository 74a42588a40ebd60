use std::collections::BTreeMap;

use machine_driver::cloud::{self, Given, or_default};
use machine_driver::{Context, Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::flags::{API_URL, IMAGE};

pub(crate) type Record = cloud::Record<Own>;
pub(crate) type Labels = BTreeMap<String, String>;

/// The plugin's keys in its order, then ours where they say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Own {
    pub(crate) access_token: Secret,
    pub(crate) image: String,
    #[serde(rename = "ImageID")]
    pub(crate) image_id: u64,
    pub(crate) image_arch: String,
    #[serde(rename = "Type")]
    pub(crate) server_type: String,
    pub(crate) location: String,
    /// 0 while there is none, as for the server.
    #[serde(rename = "KeyID")]
    pub(crate) key_id: u64,
    pub(crate) is_existing_key: bool,
    #[serde(rename = "ServerID")]
    pub(crate) server_id: u64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) volumes: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) networks: Vec<String>,
    pub(crate) use_private_network: bool,
    pub(crate) disable_public4: bool,
    pub(crate) disable_public6: bool,
    #[serde(rename = "PrimaryIPv4")]
    pub(crate) primary_ipv4: String,
    #[serde(rename = "PrimaryIPv6")]
    pub(crate) primary_ipv6: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) firewalls: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) server_labels: Labels,
    #[serde(deserialize_with = "or_default")]
    pub(crate) additional_keys: Vec<String>,
    #[serde(rename = "AdditionalKeyIDs", deserialize_with = "or_default")]
    pub(crate) additional_key_ids: Vec<u64>,
    wait_on_error: i64,
    wait_on_polling: i64,
    wait_for_running_timeout: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) existing_key_path: String,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub(crate) key_labels: Labels,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) placement_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_data: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_data_file: String,
}

pub(crate) fn record(cx: &Context, given: &Given<'_>) -> Result<Record> {
    let private = given.bool("disable-public");
    let key_id = given.number("existing-key-id")?;
    let mut own = Own {
        access_token: given.token(
            cx,
            "api-token",
            "hetzner requires --hetzner-api-token to be set",
        )?,
        image: given.text("image"),
        image_id: given.number("image-id")?,
        image_arch: given.text("image-arch"),
        server_type: given.text("server-type"),
        location: given.text("server-location"),
        key_id,
        is_existing_key: key_id != 0,
        volumes: given.list("volumes").to_vec(),
        networks: given.list("networks").to_vec(),
        use_private_network: private || given.bool("use-private-network"),
        disable_public4: private || given.either("disable-public-ipv4", "disable-public-4"),
        disable_public6: private || given.either("disable-public-ipv6", "disable-public-6"),
        primary_ipv4: given.text("primary-ipv4"),
        primary_ipv6: given.text("primary-ipv6"),
        firewalls: given.list("firewalls").to_vec(),
        server_labels: given.pairs("server-label", "server label")?,
        additional_keys: given.list("additional-key").to_vec(),
        wait_on_error: given.int("wait-on-error").unwrap_or_default(),
        wait_on_polling: given.int("wait-on-polling").unwrap_or_default(),
        wait_for_running_timeout: given.int("wait-for-running-timeout").unwrap_or_default(),
        existing_key_path: given.text("existing-key-path"),
        key_labels: given.pairs("key-label", "key label")?,
        placement_group: given.text("placement-group"),
        user_data: given.text("user-data"),
        user_data_file: given.text("user-data-file"),
        ..Own::default()
    };
    if given.bool("user-data-from-file") && own.user_data_file.is_empty() {
        own.user_data_file = std::mem::take(&mut own.user_data);
    }
    contradictions(&own, given)?;
    Record::new(cx, given, API_URL, own)
}

/// The texts are the plugin's.
fn contradictions(own: &Own, given: &Given<'_>) -> Result<()> {
    let wrong = |message: &str| Error::new(ErrorKind::Flags, message);
    let by_id = own.image_id != 0;
    given.exclude(&[
        ("image", "image-id", by_id && own.image != IMAGE),
        ("image-arch", "image-id", by_id && !own.image_arch.is_empty()),
        (
            "user-data",
            "user-data-file",
            !own.user_data.is_empty() && !own.user_data_file.is_empty(),
        ),
        (
            "primary-ipv4",
            "disable-public-ipv4",
            own.disable_public4 && !own.primary_ipv4.is_empty(),
        ),
        (
            "primary-ipv6",
            "disable-public-ipv6",
            own.disable_public6 && !own.primary_ipv6.is_empty(),
        ),
    ])?;
    if own.disable_public4 && own.disable_public6 && !own.use_private_network {
        return Err(wrong(
            "--hetzner-use-private-network must be used if public networking is disabled (hint: \
             implicitly set by --hetzner-disable-public)",
        ));
    }
    if own.use_private_network && own.networks.is_empty() {
        return Err(wrong("no private network attached").hint("name one: --hetzner-networks"));
    }
    if !["", "x86", "arm"].contains(&own.image_arch.as_str()) {
        return Err(wrong(&format!("unknown architecture {}", own.image_arch)));
    }
    if own.is_existing_key && own.existing_key_path.is_empty() {
        return Err(wrong(
            "specifying an existing key ID requires the existing key path to be set as well",
        ));
    }
    match given.bool("auto-spread") {
        true => Err(wrong("--hetzner-auto-spread is not supported")
            .hint("name a group: --hetzner-placement-group")),
        false => Ok(()),
    }
}
