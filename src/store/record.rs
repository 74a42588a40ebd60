use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{HostOptions, StoreError};

/// `config.json`, version 3. Keys that are not known here survive a rewrite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record {
    #[serde(default)]
    pub config_version: u64,
    /// The driver's own record.
    pub driver: Value,
    pub driver_name: String,
    #[serde(default)]
    pub host_options: HostOptions,
    #[serde(default)]
    pub name: String,
    /// The journal is to be read: the machine's making or removal may not have come to an end. A
    /// complete record has docker-machine's keys and no other, so that reading it is enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The version that is written, and the only one that is read.
const VERSION: u64 = 3;

impl Record {
    pub fn new(name: &str, driver_name: &str, driver: Value, host_options: HostOptions) -> Self {
        Self {
            config_version: VERSION,
            driver,
            driver_name: driver_name.to_owned(),
            host_options,
            name: name.to_owned(),
            unfinished: false,
            unknown: Map::new(),
        }
    }

    pub(super) fn parse(name: &str, path: &Path, text: &[u8]) -> Result<Self, StoreError> {
        let broken =
            |source| StoreError::Broken { name: name.to_owned(), path: path.to_owned(), source };
        let value: Value = serde_json::from_slice(text).map_err(broken)?;
        let version = value.get("ConfigVersion").and_then(Value::as_u64).unwrap_or(0);
        if version != VERSION && value.is_object() {
            return Err(StoreError::Version { name: name.to_owned(), version });
        }
        let mut record: Self = serde_json::from_value(value).map_err(broken)?;
        name.clone_into(&mut record.name);
        Ok(record)
    }

    /// The bytes of the file: four spaces of indentation and no newline at the end, as
    /// docker-machine writes it.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        self.serialize(&mut serializer).expect("a record is plain data");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Record, StoreError> {
        Record::parse("lab1", Path::new("config.json"), text.as_bytes())
    }

    #[test]
    fn unknown_keys_survive_at_every_level() {
        let text = r#"{
            "ConfigVersion": 3,
            "Driver": {"IPAddress": "1.2.3.4", "Mystery": {"a": [1]}},
            "DriverName": "none",
            "HostOptions": {
                "EngineOptions": {"Labels": null, "New": 1},
                "SwarmOptions": null,
                "AuthOptions": {"CertDir": "/c", "Later": true},
                "MachineOS": "linux"
            },
            "Name": "other",
            "Extra": "kept"
        }"#;
        let record = parse(text).unwrap();
        assert_eq!(record.name, "lab1");
        assert!(record.host_options.engine_options.labels.is_empty());
        let again: Value = serde_json::from_slice(&record.to_json()).unwrap();
        assert_eq!(again["Extra"], "kept");
        assert_eq!(again["Driver"]["Mystery"]["a"][0], 1);
        assert_eq!(again["HostOptions"]["MachineOS"], "linux");
        assert_eq!(again["HostOptions"]["EngineOptions"]["New"], 1);
        assert_eq!(again["HostOptions"]["AuthOptions"]["Later"], true);
    }

    #[test]
    fn keys_stand_in_docker_machines_order() {
        let record = Record::new("n", "none", serde_json::json!({}), HostOptions::default());
        let text = String::from_utf8(record.to_json()).unwrap();
        let keys = ["ConfigVersion", "Driver", "DriverName", "HostOptions", "Name"];
        let places: Vec<_> =
            keys.iter().map(|key| text.find(&format!("\n    \"{key}\"")).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        assert!(text.contains("\n            \"Dns\": null,"), "{text}");
        assert!(!text.contains("Unfinished"), "{text}");
        assert!(!text.ends_with('\n'));
    }

    #[test]
    fn a_record_from_the_future_is_refused() {
        let error = parse(r#"{"ConfigVersion": 4, "Driver": {}, "DriverName": "x"}"#).unwrap_err();
        assert!(matches!(error, StoreError::Version { version: 4, .. }));
        assert!(matches!(parse("[]"), Err(StoreError::Broken { .. })));
        assert!(matches!(parse(""), Err(StoreError::Broken { .. })));
    }
}
