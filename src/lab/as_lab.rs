//! The lab file for machines that exist.

use machine_driver::{FlagValue, Kind};
use serde_json::{Map, Value, json};

use super::schema::short_name;
use super::spec::{EngineSpec, Publish, Spec};
use crate::engine::Machine;
use crate::store::EngineOptions;

impl Spec {
    /// What would have to be asked for to get a machine like this one.
    pub fn of(machine: &Machine<'_>) -> Self {
        let values = machine.driver.values();
        let flags = values.iter().map(|(name, value)| (name.to_owned(), plain(value))).collect();
        let options = &machine.record.host_options;
        let defaults = EngineOptions::default();
        let given = |text: &String, default: &String| (text != default).then(|| text.clone());
        let engine = &options.engine_options;
        Self {
            name: machine.name().to_owned(),
            driver: machine.record.driver_name.clone(),
            flags,
            engine: EngineSpec {
                labels: engine.labels.clone(),
                options: engine.arbitrary_flags.clone(),
                env: engine.env.clone(),
                registry_mirrors: engine.registry_mirror.clone(),
                insecure_registries: engine.insecure_registry.clone(),
                storage_driver: given(&engine.storage_driver, &defaults.storage_driver),
                install_url: given(&engine.install_url, &defaults.install_url),
                install: None,
                version: None,
            },
            tls_san: options.auth_options.server_cert_sans.clone(),
            publish: publish(machine),
            ..Self::default()
        }
    }

    /// The same without flags of which `asked` says nothing: they are as they are.
    #[must_use]
    pub fn as_far_as(mut self, asked: &Self) -> Self {
        self.flags.retain(|name, _| asked.flags.contains_key(name));
        self
    }
}

/// The text of a lab file that asks for these machines.
pub fn as_lab(machines: &[Machine<'_>]) -> String {
    let entries: Vec<Value> =
        machines.iter().map(|machine| entry(machine.kind, &Spec::of(machine))).collect();
    serde_yaml::to_string(&json!({ "network": "none", "machines": entries }))
        .expect("plain data is YAML")
}

fn entry(kind: &dyn Kind, spec: &Spec) -> Value {
    let mut entry = Map::new();
    let mut add = |key: &str, value: Value| {
        let empty = value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty);
        if !empty {
            entry.insert(key.to_owned(), value);
        }
    };
    add("name", json!(spec.name));
    add("driver", json!(spec.driver));
    for (flag, value) in &spec.flags {
        let is_network = kind.network_flag() == Some(flag);
        let key = if is_network { short_name(kind.name(), flag).unwrap_or(flag) } else { flag };
        add(key, value.clone());
    }
    let ports = spec.publish.iter().map(|Publish { host, guest }| format!("{host}:{guest}"));
    add("publish", json!(ports.collect::<Vec<_>>()));
    add("tls-san", json!(spec.tls_san));
    add("labels", json!(spec.engine.labels));
    let mut engine = Map::new();
    let parts = [
        ("options", json!(spec.engine.options)),
        ("env", json!(spec.engine.env)),
        ("registry-mirrors", json!(spec.engine.registry_mirrors)),
        ("insecure-registries", json!(spec.engine.insecure_registries)),
        ("storage-driver", json!(spec.engine.storage_driver)),
        ("install-url", json!(spec.engine.install_url)),
    ];
    for (key, value) in parts {
        if !value.is_null() && !value.as_array().is_some_and(Vec::is_empty) {
            engine.insert(key.to_owned(), value);
        }
    }
    add("engine", Value::Object(engine));
    Value::Object(entry)
}

fn publish(machine: &Machine<'_>) -> Vec<Publish> {
    // Listing needs no change, but the forwards are only there for who could change them.
    let Ok(mut driver) = machine.kind.load(machine.driver.record()) else { return Vec::new() };
    let forwards = driver.forwards().map(|forwards| forwards.list()).unwrap_or_default();
    forwards.iter().map(|it| Publish { host: it.host_port, guest: it.guest_port }).collect()
}

fn plain(value: &FlagValue) -> Value {
    match value {
        FlagValue::Bool(truth) => json!(truth),
        FlagValue::Int(number) => json!(number),
        FlagValue::Text(text) => json!(text),
        FlagValue::List(list) => json!(list),
    }
}
