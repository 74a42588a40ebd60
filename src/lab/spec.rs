use std::collections::BTreeMap;
use std::path::PathBuf;

use machine_driver::{FlagKind, FlagValue, FlagValues, Kind, file};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked of one machine. Kept in its directory, to see later what has changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Spec {
    #[serde(skip)]
    pub name: String,
    pub driver: String,
    /// The flags of the driver that the file gives, by full name: text, numbers, truth values and
    /// lists of text.
    pub flags: BTreeMap<String, Value>,
    pub engine: EngineSpec,
    pub tls_san: Vec<String>,
    /// The user's file for cloud-init, absolute.
    pub cloud_init: Option<PathBuf>,
    pub publish: Vec<Publish>,
    pub files: Vec<CopyFile>,
    pub run: Vec<String>,
    pub role: Option<Role>,
}

/// Options of the Engine, as `create` takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct EngineSpec {
    pub labels: Vec<String>,
    pub options: Vec<String>,
    pub env: Vec<String>,
    pub registry_mirrors: Vec<String>,
    pub insecure_registries: Vec<String>,
    pub storage_driver: Option<String>,
    pub install_url: Option<String>,
    pub install: Option<String>,
    pub version: Option<String>,
}

/// A port of the machine on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Publish {
    /// 0 for any free port.
    pub host: u16,
    pub guest: u16,
}

/// Something to copy to a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFile {
    /// Absolute.
    pub from: PathBuf,
    pub to: String,
}

/// The part of a machine in the swarm of its lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Manager,
    Worker,
}

/// The swarm that a lab asks for. Who is what stands in the machines' [`Spec::role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swarm {
    pub managers: usize,
    pub workers: usize,
}

impl Role {
    /// Docker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }
}

impl Spec {
    /// The values for the driver: what the file gives, before `base`.
    pub fn values(&self, kind: &dyn Kind, mut base: FlagValues) -> FlagValues {
        for flag in kind.flags() {
            let Some(value) = self.flags.get(flag.name.as_ref()) else { continue };
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let value = match flag.kind {
                FlagKind::Bool => FlagValue::Bool(value.as_bool().unwrap_or_default()),
                FlagKind::Int(_) => FlagValue::Int(value.as_i64().unwrap_or_default()),
                FlagKind::Text(_) => FlagValue::Text(text(value)),
                FlagKind::List(_) => {
                    FlagValue::List(value.as_array().into_iter().flatten().map(text).collect())
                }
            };
            base.set(flag.name.as_ref(), value);
        }
        base
    }

    /// The same without secrets, of which only a hash is left: what is kept on disk.
    #[must_use]
    pub fn without_secrets(&self, kind: &dyn Kind) -> Self {
        let mut spec = self.clone();
        for flag in kind.flags().iter().filter(|flag| flag.secret) {
            if let Some(value) = spec.flags.get_mut(flag.name.as_ref()) {
                *value =
                    format!("sha256:{}", file::sha256_hex(value.to_string().as_bytes())).into();
            }
        }
        spec
    }
}
