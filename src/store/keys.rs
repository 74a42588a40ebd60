//! Keys as Go finds them: exactly, or else without regard to case.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

const RECORD: [&str; 5] = ["ConfigVersion", "Driver", "DriverName", "HostOptions", "Name"];

const OPTIONS: [(&str, &[&str]); 3] = [
    (
        "EngineOptions",
        &[
            "ArbitraryFlags",
            "Dns",
            "GraphDir",
            "Env",
            "Ipv6",
            "InsecureRegistry",
            "Labels",
            "LogLevel",
            "StorageDriver",
            "SelinuxEnabled",
            "TlsVerify",
            "RegistryMirror",
            "InstallURL",
        ],
    ),
    (
        "SwarmOptions",
        &[
            "IsSwarm",
            "Address",
            "Discovery",
            "Agent",
            "Master",
            "Host",
            "Image",
            "Strategy",
            "Heartbeat",
            "Overcommit",
            "ArbitraryFlags",
            "ArbitraryJoinFlags",
            "Env",
            "IsExperimental",
        ],
    ),
    (
        "AuthOptions",
        &[
            "CertDir",
            "CaCertPath",
            "CaPrivateKeyPath",
            "CaCertRemotePath",
            "ServerCertPath",
            "ServerKeyPath",
            "ClientKeyPath",
            "ServerCertRemotePath",
            "ServerKeyRemotePath",
            "ClientCertPath",
            "ServerCertSANs",
            "StorePath",
        ],
    ),
];

/// Gives the keys that docker-machine knows the case in which it writes them.
pub(super) fn canonical(record: &mut Map<String, Value>) {
    rename(record, &RECORD);
    let Some(Value::Object(options)) = record.get_mut("HostOptions") else { return };
    rename(options, &["Driver", "Memory", "Disk"]);
    rename(options, &OPTIONS.map(|(name, _)| name));
    for (name, keys) in OPTIONS {
        if let Some(Value::Object(inner)) = options.get_mut(name) {
            rename(inner, keys);
        }
    }
}

/// Renames, in place, the keys that differ from one of `wanted` in case only. A key that is there
/// in the right case as well stays as it is.
pub(crate) fn rename(object: &mut Map<String, Value>, wanted: &[impl AsRef<str>]) {
    let right = |key: &str| {
        let near = wanted.iter().map(AsRef::as_ref).find(|name| name.eq_ignore_ascii_case(key))?;
        (near != key && !object.contains_key(near)).then(|| near.to_owned())
    };
    if object.keys().all(|key| right(key).is_none()) {
        return;
    }
    let renamed: Vec<(String, Option<String>)> =
        object.keys().map(|key| (key.clone(), right(key))).collect();
    for (key, right) in renamed {
        let value = object.shift_remove(&key).expect("it is one of its keys");
        object.insert(right.unwrap_or(key), value);
    }
}

/// `null` stands for what the field is without a value.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_case_and_stay_in_place() {
        let mut record = serde_json::json!({
            "configversion": 3,
            "drivername": "none",
            "Other": {"name": 1},
            "HOSTOPTIONS": {"engineoptions": {"labels": ["a=b"], "Labels": null}},
        });
        canonical(record.as_object_mut().unwrap());
        let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["ConfigVersion", "DriverName", "Other", "HostOptions"]);
        assert_eq!(record["Other"]["name"], 1);
        assert_eq!(record["HostOptions"]["EngineOptions"]["labels"][0], "a=b");
    }
}
