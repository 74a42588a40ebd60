use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{HostOptions, StoreError, keys, migrate};

/// `config.json`, version 3.
///
/// The file is kept as it was read, and a rewrite changes in it only what was changed here: keys
/// that are not known, `null` where we would write `[]`, and their order all survive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record {
    #[serde(default)]
    pub config_version: u64,
    /// The driver's own record.
    #[serde(default)]
    pub driver: Value,
    #[serde(default)]
    pub driver_name: String,
    #[serde(default, deserialize_with = "keys::or_default")]
    pub host_options: HostOptions,
    #[serde(default)]
    pub name: String,
    /// The journal is to be read: the machine's making or removal may not have come to an end. A
    /// complete record has docker-machine's keys and no other, so that reading it is enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    #[serde(skip)]
    origin: Option<Origin>,
}

/// What a record was read from.
#[derive(Debug, Clone)]
struct Origin {
    /// The file, brought to version 3.
    document: Value,
    /// The file's bytes, if it had an older version.
    old: Option<Vec<u8>>,
}

/// The version that is written.
pub(super) const VERSION: u64 = 3;

impl Record {
    pub fn new(name: &str, driver_name: &str, driver: Value, host_options: HostOptions) -> Self {
        Self {
            config_version: VERSION,
            driver,
            driver_name: driver_name.to_owned(),
            host_options,
            name: name.to_owned(),
            unfinished: false,
            origin: None,
        }
    }

    /// Reads a record of any version up to 3. `base` is the store that it lies in, `name` the name
    /// of its directory, which is the machine's name whatever the file says.
    pub(super) fn parse(
        base: &Path,
        name: &str,
        path: &Path,
        text: &[u8],
    ) -> Result<Self, StoreError> {
        let broken =
            |source| StoreError::Broken { name: name.to_owned(), path: path.to_owned(), source };
        let mut document: Map<String, Value> = serde_json::from_slice(text).map_err(broken)?;
        keys::canonical(&mut document);
        let version = document.get("ConfigVersion").and_then(Value::as_u64).unwrap_or(0);
        if version > VERSION {
            return Err(StoreError::Future { name: name.to_owned(), version });
        }
        migrate::migrate(&mut document, version, base, name);
        let old = (version != VERSION).then(|| text.to_owned());
        let document = Value::Object(document);
        let mut record = Self::deserialize(&document).map_err(broken)?;
        name.clone_into(&mut record.name);
        record.origin = Some(Origin { document, old });
        Ok(record)
    }

    /// The file as it was before it was brought to version 3; none if it had that version.
    pub(super) fn old_bytes(&self) -> Option<&[u8]> {
        self.origin.as_ref().and_then(|origin| origin.old.as_deref())
    }

    /// Whether the file has an older version than it will be written in.
    pub fn is_old(&self) -> bool {
        self.old_bytes().is_some()
    }

    /// The content of the file.
    pub fn to_value(&self) -> Value {
        let now = plain(self);
        let Some(origin) = &self.origin else { return now };
        let before = Self::deserialize(&origin.document).expect("it was read from this");
        let mut document = origin.document.clone();
        apply(&mut document, &plain(&before), now);
        document
    }

    /// The bytes of the file: four spaces of indentation and no newline at the end, as
    /// docker-machine writes it.
    pub fn to_json(&self) -> Vec<u8> {
        crate::output::json::pretty(&self.to_value()).expect("a record is plain data").into_bytes()
    }
}

fn plain(record: &Record) -> Value {
    serde_json::to_value(record).expect("a record is plain data")
}

/// Puts into `document` what is different in `now` from `before`. The driver's object is replaced
/// whole, for only the driver knows what a missing key means.
fn apply(document: &mut Value, before: &Value, now: Value) {
    let (Some(document), Value::Object(now)) = (document.as_object_mut(), now) else { return };
    for key in before.as_object().into_iter().flat_map(Map::keys) {
        if !now.contains_key(key) {
            document.shift_remove(key);
        }
    }
    for (key, value) in now {
        let was = &before[&key];
        if *was == value {
            continue;
        }
        match document.get_mut(&key) {
            Some(inner @ Value::Object(_)) if value.is_object() && key != "Driver" => {
                apply(inner, was, value);
            }
            _ => {
                document.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Record, StoreError> {
        Record::parse(Path::new("/s"), "lab1", Path::new("config.json"), text.as_bytes())
    }

    #[test]
    fn a_rewrite_changes_only_what_was_changed() {
        let text = r#"{
            "Extra": "kept",
            "ConfigVersion": 3,
            "Driver": {"IPAddress": "1.2.3.4", "Mystery": {"a": [1, 2.5, 1e+30]}},
            "DriverName": "none",
            "HostOptions": {
                "MachineOS": "linux",
                "EngineOptions": {"Labels": null, "New": 1, "Env": []},
                "SwarmOptions": null,
                "AuthOptions": {"CertDir": "/c", "Later": true}
            },
            "Name": "lab1"
        }"#;
        let mut record = parse(text).unwrap();
        assert!(record.host_options.engine_options.labels.is_empty());
        let document: Value = serde_json::from_str(text).unwrap();
        let expected = crate::output::json::pretty(&document).unwrap();
        assert_eq!(String::from_utf8(record.to_json()).unwrap(), expected);

        record.host_options.engine_options.labels.push("a=b".into());
        record.driver = serde_json::json!({"IPAddress": "5.6.7.8"});
        let again = record.to_value();
        assert_eq!(again["HostOptions"]["EngineOptions"]["Labels"][0], "a=b");
        assert_eq!(again["HostOptions"]["EngineOptions"]["New"], 1);
        assert_eq!(again["HostOptions"]["SwarmOptions"], Value::Null);
        assert_eq!(again["Driver"], serde_json::json!({"IPAddress": "5.6.7.8"}));
        assert_eq!(again["Extra"], "kept");
        let keys: Vec<&String> = again.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["Extra", "ConfigVersion", "Driver", "DriverName", "HostOptions", "Name"]);
    }

    #[test]
    fn the_directory_names_the_machine() {
        let record =
            parse(r#"{"ConfigVersion": 3, "DriverName": "none", "Name": "other"}"#).unwrap();
        assert_eq!(record.name, "lab1");
        assert_eq!(record.to_value()["Name"], "lab1");
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
        assert!(text.contains("\n            \"Overcommit\": 0,"), "{text}");
        assert!(!text.ends_with('\n'));
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        let error = parse(r#"{"ConfigVersion": 4, "Driver": {}, "DriverName": "x"}"#).unwrap_err();
        assert!(matches!(error, StoreError::Future { version: 4, .. }));
        for bad in ["", "[]", "null", "{\"ConfigVersion\": 3, \"Dri", r#"{"ConfigVersion": "3"}"#] {
            assert!(matches!(parse(bad), Err(StoreError::Broken { .. })), "{bad}");
        }
    }
}
