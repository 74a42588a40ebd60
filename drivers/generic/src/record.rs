use machine_driver::{BaseRecord, Context};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `Driver` object of `config.json`: docker-machine's base keys, `EnginePort` and `SSHKey`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// An empty `SSHKeyPath` stands for the user's agent and default keys.
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    /// 0 marks a host that was adopted: its Engine is reached through SSH and has no port.
    #[serde(rename = "EnginePort", default)]
    pub(crate) engine_port: u16,
    /// The key as the user named it; `SSHKeyPath` is the copy of it.
    #[serde(rename = "SSHKey", default)]
    pub(crate) ssh_key: String,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(cx: &Context, address: &str) -> Self {
        let base = BaseRecord { ip_address: address.to_owned(), ..BaseRecord::of(cx) };
        Self { base, ..Self::default() }
    }

    /// Whether nothing was or will be changed on the host.
    pub(crate) fn is_adopted(&self) -> bool {
        self.engine_port == 0
    }
}
