use std::path::{Path, PathBuf};

use machine_driver::{BaseRecord, Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Script;

/// The `Driver` object of `config.json`. An empty id stands for a resource that is not made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    #[serde(rename = "CloudPath", default)]
    pub(crate) cloud: PathBuf,
    /// The tag on everything that this machine owns in the cloud.
    #[serde(rename = "Owner", default)]
    pub(crate) owner: String,
    #[serde(rename = "KeyID", default)]
    pub(crate) key: String,
    #[serde(rename = "DiskID", default)]
    pub(crate) disk: String,
    #[serde(rename = "ServerID", default)]
    pub(crate) server: String,
    /// Replaces the server's own address where it is not empty.
    #[serde(rename = "URL", default)]
    pub(crate) url: String,
    /// Empty for a machine that boots none, `default`, or where the user has it from.
    #[serde(rename = "Image", default, skip_serializing_if = "String::is_empty")]
    pub(crate) image: String,
    #[serde(rename = "HasSSH", default)]
    pub(crate) has_ssh: bool,
    #[serde(rename = "Script", default)]
    pub(crate) script: Script,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(cx: &Context, cloud: Option<&str>, script: Script) -> Result<Self> {
        let base = BaseRecord {
            ssh_key_path: cx.machine_dir.join("id_rsa").display().to_string(),
            ..BaseRecord::of(cx)
        };
        let cloud = cloud.map_or_else(|| cx.shared_dir.join("cloud.json"), PathBuf::from);
        let owner = format!("{}/{}", cx.store_id.get()?, cx.machine);
        Ok(Self { base, cloud, owner, script, ..Self::default() })
    }

    pub(crate) fn cloud(&self) -> &Path {
        &self.cloud
    }

    /// The place where the id of a resource is recorded.
    pub(crate) fn id(&mut self, kind: &str) -> &mut String {
        match kind {
            "key" => &mut self.key,
            "disk" => &mut self.disk,
            _ => &mut self.server,
        }
    }
}
