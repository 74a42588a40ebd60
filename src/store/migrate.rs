//! Records of docker-machine before 0.5, brought to version 3 in memory. Nothing is written before
//! the machine is.
//!
//! docker-machine takes the store's directory from a key that not all of these files have, and then
//! records `.` for it; here the store in which the file lies is used instead.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{HostOptions, record::VERSION};

/// Brings a record of version `from`, 0 to 2, to version 3. One of version 3 is left alone.
pub(super) fn migrate(record: &mut Map<String, Value>, from: u64, base: &Path, name: &str) {
    if from >= VERSION {
        return;
    }
    let root = root(record).unwrap_or_else(|| base.to_owned());
    if from == 0 {
        first_to_second(record);
    }
    if from <= 1 {
        second_to_third(record);
    }
    third_to_fourth(record, &root, name);
    record.shift_remove("StorePath");
    let rest = std::mem::take(record);
    record.insert("ConfigVersion".to_owned(), VERSION.into());
    record.extend(rest.into_iter().filter(|(key, _)| key != "ConfigVersion"));
    record.insert("Name".to_owned(), name.into());
}

/// The store: the directory `machines/NAME` in it stands in the file.
fn root(record: &Map<String, Value>) -> Option<PathBuf> {
    let dir = Path::new(record.get("StorePath")?.as_str()?);
    dir.ancestors().nth(2).filter(|root| root.is_absolute()).map(Path::to_owned)
}

/// Version 0 (0.1) is flat: what is an option later stands at the top.
fn first_to_second(record: &mut Map<String, Value>) {
    let mut options = serde_json::to_value(HostOptions::default()).expect("plain data");
    let mut take = |from: &str, into: &mut Value| {
        if let Some(value) = record.shift_remove(from).filter(|value| !value.is_null()) {
            *into = value;
        }
    };
    for key in ["SwarmHost", "SwarmMaster", "SwarmDiscovery"] {
        take(key, &mut options["SwarmOptions"][key.trim_start_matches("Swarm")]);
    }
    for key in [
        "CaCertPath",
        "PrivateKeyPath",
        "ServerCertPath",
        "ServerKeyPath",
        "ClientCertPath",
        "ClientKeyPath",
    ] {
        take(key, &mut options["AuthOptions"][key]);
    }
    // Version 0 had no options, whatever the file says.
    record.shift_remove("HostOptions");
    record.insert("HostOptions".to_owned(), options);
}

/// Version 1 (0.2) calls the authority's key by another name.
fn second_to_third(record: &mut Map<String, Value>) {
    let auth = auth_options(record);
    if let Some(key) = auth.shift_remove("PrivateKeyPath") {
        auth.insert("CaPrivateKeyPath".to_owned(), key);
    }
}

/// Version 2 (0.3 and 0.4) knows the store nowhere but at the top.
fn third_to_fourth(record: &mut Map<String, Value>, root: &Path, name: &str) {
    let path = |path: PathBuf| Value::from(path.display().to_string());
    let auth = auth_options(record);
    let is_known = |value: Option<&Value>| {
        value.and_then(Value::as_str).is_some_and(|it| Path::new(it).is_absolute())
    };
    if !is_known(auth.get("CertDir")) {
        auth.insert("CertDir".to_owned(), path(root.join("certs")));
    }
    // Clients look for the certificates in this directory; the store itself, which docker-machine
    // wrote here, has none.
    auth.insert("StorePath".to_owned(), path(root.join("machines").join(name)));
    if let Value::Object(driver) = record.entry("Driver").or_insert_with(|| json!({}))
        && !is_known(driver.get("StorePath"))
    {
        driver.insert("StorePath".to_owned(), path(root.to_owned()));
    }
}

fn auth_options(record: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let options = object(record.entry("HostOptions").or_insert(Value::Null));
    object(options.entry("AuthOptions").or_insert(Value::Null))
}

/// The value as an object, which it becomes if it is none.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it is one now")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrated(mut record: Value, from: u64) -> Value {
        migrate(record.as_object_mut().unwrap(), from, Path::new("/base"), "dev");
        assert_eq!(record["ConfigVersion"], 3);
        assert_eq!(record["Name"], "dev");
        assert!(record.get("StorePath").is_none());
        record
    }

    #[test]
    fn version_0_is_flat() {
        let record = migrated(
            json!({
                "DriverName": "virtualbox",
                "Driver": {"CPU": 1, "MachineName": "dev"},
                "StorePath": "/home/u/.docker/machine/machines/dev",
                "CaCertPath": "/c/ca.pem",
                "PrivateKeyPath": "/c/ca-key.pem",
                "ServerCertPath": "/m/server.pem",
                "ServerKeyPath": "/m/server-key.pem",
                "ClientCertPath": "/c/cert.pem",
                "ClientKeyPath": "/c/key.pem",
                "SwarmHost": "tcp://0.0.0.0:3376",
                "SwarmMaster": true,
                "SwarmDiscovery": "token://x",
                "HostOptions": {"Driver": "ignored"},
                "Mine": 1,
            }),
            0,
        );
        let auth = &record["HostOptions"]["AuthOptions"];
        assert_eq!(auth["CaPrivateKeyPath"], "/c/ca-key.pem");
        assert_eq!(auth["ClientKeyPath"], "/c/key.pem");
        assert_eq!(auth["CertDir"], "/home/u/.docker/machine/certs");
        assert_eq!(auth["StorePath"], "/home/u/.docker/machine/machines/dev");
        assert_eq!(record["HostOptions"]["SwarmOptions"]["Master"], true);
        assert_eq!(record["HostOptions"]["SwarmOptions"]["Discovery"], "token://x");
        assert_eq!(record["HostOptions"]["EngineOptions"]["TlsVerify"], true);
        assert_eq!(record["HostOptions"]["Driver"], "");
        assert_eq!(record["Driver"]["StorePath"], "/home/u/.docker/machine");
        assert_eq!(record["Mine"], 1);
        assert!(record.get("CaCertPath").is_none());
    }

    #[test]
    fn a_file_that_does_not_know_its_store_gets_the_one_it_is_in() {
        for from in 0..3 {
            let record =
                migrated(json!({"DriverName": "none", "Driver": {"URL": "tcp://x"}}), from);
            assert_eq!(record["Driver"]["StorePath"], "/base");
            assert_eq!(record["HostOptions"]["AuthOptions"]["CertDir"], "/base/certs");
            assert_eq!(record["HostOptions"]["AuthOptions"]["StorePath"], "/base/machines/dev");
        }
    }

    #[test]
    fn version_1_names_the_authoritys_key_otherwise() {
        let record = migrated(
            json!({
                "ConfigVersion": 1,
                "Driver": {"Memory": 1024},
                "DriverName": "virtualbox",
                "StorePath": "/s/machines/dev",
                "HostOptions": {
                    "EngineOptions": {"Labels": ["a=b"]},
                    "AuthOptions": {"PrivateKeyPath": "/c/ca-key.pem", "StorePath": "/s"},
                },
            }),
            1,
        );
        assert_eq!(record["HostOptions"]["EngineOptions"]["Labels"][0], "a=b");
        let auth = &record["HostOptions"]["AuthOptions"];
        assert_eq!(auth["CaPrivateKeyPath"], "/c/ca-key.pem");
        assert_eq!(auth["StorePath"], "/s/machines/dev");
        assert!(auth.get("PrivateKeyPath").is_none());
    }

    #[test]
    fn a_current_record_is_left_alone() {
        let mut record = json!({"StorePath": "/x", "Driver": {}});
        let before = record.clone();
        migrate(record.as_object_mut().unwrap(), 3, Path::new("/base"), "dev");
        assert_eq!(record, before);
    }
}
