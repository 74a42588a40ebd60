//! Amazon's own model of EC2's interface: the names, types and choices of all parameters.

use std::path::Path;

use serde_json::Value;

pub(super) struct Model(Value);

/// The parameters of a call as a tree: `Filter.1.Name=x` is `{"Filter":{"1":{"Name":"x"}}}`.
type Tree = serde_json::Map<String, Value>;

impl Model {
    /// `None`, with a word on stderr, where it is not there.
    pub(super) fn load() -> Option<Self> {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/ec2/service-2.trim.json");
        let Ok(text) = std::fs::read(&path) else {
            crate::lab::skip(&format!("there is no `{}`", path.display()));
            return None;
        };
        Some(Self(serde_json::from_slice(&text).unwrap()))
    }

    /// What is wrong with a call, one line for each fault.
    pub(super) fn faults(&self, fields: &[(String, String)]) -> Vec<String> {
        let value = |name: &str| {
            fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        let mut faults = Vec::new();
        if value("Version") != self.0["metadata"]["apiVersion"] {
            faults.push(format!("the version is `{}`", value("Version")));
        }
        let action = value("Action");
        let operation = &self.0["operations"][action];
        if operation.is_null() {
            return vec![format!("there is no action `{action}`")];
        }
        let mut tree = Tree::new();
        for (key, value) in fields {
            if !["Action", "Version"].contains(&key.as_str()) {
                plant(&mut tree, key, value);
            }
        }
        let shape = operation["input"]["shape"].as_str().unwrap_or_default();
        self.walk(&Value::Object(tree), shape, action, &mut faults);
        faults
    }

    fn walk(&self, node: &Value, shape: &str, path: &str, faults: &mut Vec<String>) {
        let shape = &self.0["shapes"][shape];
        let kind = shape["type"].as_str().unwrap_or_default();
        match (kind, node) {
            ("structure", Value::Object(fields)) => {
                let empty = Tree::new();
                let members = shape["members"].as_object().unwrap_or(&empty);
                for (key, value) in fields {
                    let member = members.iter().find(|(name, it)| query_name(name, it) == *key);
                    match member.and_then(|(_, it)| it["shape"].as_str()) {
                        Some(shape) => self.walk(value, shape, &format!("{path}.{key}"), faults),
                        None => faults.push(format!("{path}.{key} is unknown")),
                    }
                }
                for required in shape["required"].as_array().into_iter().flatten() {
                    let name = required.as_str().unwrap_or_default();
                    if !fields.contains_key(&query_name(name, &members[name])) {
                        faults.push(format!("{path}.{name} is missing"));
                    }
                }
            }
            ("list", Value::Object(items)) => {
                let member = shape["member"]["shape"].as_str().unwrap_or_default();
                for number in 1..=items.len() {
                    match items.get(&number.to_string()) {
                        Some(item) => self.walk(item, member, &format!("{path}.{number}"), faults),
                        None => faults.push(format!("{path} has no item {number}")),
                    }
                }
            }
            ("structure" | "list", _) => faults.push(format!("{path} is a value, not a {kind}")),
            (_, Value::String(text)) => {
                let fits = match kind {
                    "integer" | "long" => text.parse::<i64>().is_ok(),
                    "boolean" => ["true", "false"].contains(&text.as_str()),
                    _ => true,
                };
                let choices = shape["enum"].as_array();
                if !fits || choices.is_some_and(|all| !all.iter().any(|it| it == text)) {
                    faults.push(format!("{path}: `{text}` is no {kind} that it takes"));
                }
            }
            _ => faults.push(format!("{path} has members and is a {kind}")),
        }
    }
}

fn plant(tree: &mut Tree, key: &str, value: &str) {
    match key.split_once('.') {
        None => {
            tree.insert(key.to_owned(), value.into());
        }
        Some((first, rest)) => {
            let branch = tree.entry(first).or_insert_with(|| Tree::new().into());
            plant(branch.as_object_mut().unwrap(), rest, value);
        }
    }
}

/// The rule of the `ec2` protocol: `queryName`, or `locationName` with a capital, or the name.
fn query_name(name: &str, member: &Value) -> String {
    if let Some(name) = member["queryName"].as_str() {
        return name.to_owned();
    }
    let location = member["locationName"].as_str().unwrap_or(name);
    let mut letters = location.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn wrong_calls_are_told() {
    let Some(model) = Model::load() else { return };
    let call = |body: &str| {
        let fields: Vec<(String, String)> = body
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        model.faults(&fields).join("; ")
    };
    let good = "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1";
    assert_eq!(call(good), "");
    for (wrong, told) in [
        ("&Imageid=ami-1", "RunInstances.Imageid is unknown"),
        ("&EbsOptimized=yes", "`yes` is no boolean"),
        ("&NetworkInterface.2.DeviceIndex=0", "RunInstances.NetworkInterface has no item 1"),
        ("&MetadataOptions.HttpTokens=maybe", "`maybe` is no string that it takes"),
        ("&Monitoring=true", "RunInstances.Monitoring is a value"),
    ] {
        let faults = call(&format!("{good}{wrong}"));
        assert!(faults.contains(told), "{wrong}: {faults}");
    }
    assert!(
        call("Action=RunInstances&Version=2016-11-15&MinCount=1").contains("MaxCount is missing")
    );
    assert!(call("Action=RunInstance&Version=2016-11-15").contains("no action"));
}
