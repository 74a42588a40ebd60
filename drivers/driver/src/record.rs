use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Context;

/// The keys that the `Driver` object of every docker-machine record starts with.
///
/// Names and order are docker-machine's. A driver's own record flattens this first and keeps
/// the keys that it does not know in a flattened map, so that they survive a rewrite:
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use machine_driver::BaseRecord;
/// #[derive(Serialize, Deserialize)]
/// struct Record {
///     #[serde(flatten)]
///     base: BaseRecord,
///     #[serde(rename = "CPU", default)]
///     cpus: u32,
///     #[serde(flatten)]
///     unknown: serde_json::Map<String, serde_json::Value>,
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BaseRecord {
    #[serde(rename = "IPAddress")]
    pub ip_address: String,
    pub machine_name: String,
    #[serde(rename = "SSHUser")]
    pub ssh_user: String,
    /// 0 stands for the driver's default.
    #[serde(rename = "SSHPort")]
    pub ssh_port: u16,
    /// Empty stands for `id_rsa` in the machine's directory.
    #[serde(rename = "SSHKeyPath")]
    pub ssh_key_path: String,
    pub store_path: String,
    pub swarm_master: bool,
    pub swarm_host: String,
    pub swarm_discovery: String,
}

impl BaseRecord {
    /// The one of a new machine: its name and its store.
    pub fn of(cx: &Context) -> Self {
        // The machine's directory is `<store>/machines/<name>`.
        let store = cx.machine_dir.ancestors().nth(2).unwrap_or(&cx.machine_dir);
        Self {
            machine_name: cx.machine.clone(),
            store_path: store.display().to_string(),
            ..Self::default()
        }
    }

    /// The recorded address, if there is one.
    pub fn ip(&self) -> Option<&str> {
        Some(self.ip_address.as_str()).filter(|address| !address.is_empty())
    }

    /// The machine's SSH key.
    pub fn key(&self) -> PathBuf {
        match self.ssh_key_path.as_str() {
            "" => self.machine_dir().join("id_rsa"),
            path => path.into(),
        }
    }

    /// The machine's directory, as it was when it was made.
    pub fn machine_dir(&self) -> PathBuf {
        PathBuf::from(&self.store_path).join("machines").join(&self.machine_name)
    }
}
