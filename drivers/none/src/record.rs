use machine_driver::{BaseRecord, Context};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `Driver` object of `config.json`: docker-machine's base keys and `URL`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// `IPAddress` holds host *and* port, as in docker-machine.
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    #[serde(rename = "URL", default)]
    pub(crate) url: String,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(cx: &Context, url: &str, host: &str) -> Self {
        let base = BaseRecord { ip_address: host.to_owned(), ..BaseRecord::of(cx) };
        Self { base, url: url.to_owned(), unknown: Map::new() }
    }
}
