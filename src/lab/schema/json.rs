use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Key, Shape, Text, flag_keys, lab};
use crate::engine::Registry;

/// The JSON Schema of the lab file, for editors. A variable may stand where a number or a truth
/// value is expected. Which driver a key belongs to is for `plan` to check: the schema knows the
/// keys of all of them. A key without a value is an empty list or map.
pub fn json_schema(registry: &Registry) -> Value {
    let drivers: Vec<Text> = registry.iter().map(|kind| kind.name().to_owned().into()).collect();
    let mut flags: BTreeMap<Text, Key> = BTreeMap::new();
    for key in registry.iter().flat_map(flag_keys) {
        flags.entry(key.name.clone()).or_insert(key);
    }
    let flags: Vec<Key> = flags.into_values().collect();
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A lab: Docker hosts from one file",
    });
    let lab = shape(&lab(drivers, vec![flags.clone()], flags));
    if let (Some(schema), Value::Object(lab)) = (schema.as_object_mut(), lab) {
        schema.extend(lab);
        schema.extend([
            ("type".to_owned(), json!("object")),
            ("required".to_owned(), json!(["machines"])),
        ]);
    }
    schema
}

fn shape(shape_: &Shape) -> Value {
    let variable = json!({ "type": "string", "pattern": "\\$\\{" });
    match shape_ {
        Shape::Text => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Int => json!({ "anyOf": [{ "type": "integer" }, variable] }),
        Shape::Bool => json!({ "anyOf": [{ "type": "boolean" }, variable] }),
        Shape::Word(words) => json!({ "anyOf": [{ "enum": words }, variable] }),
        Shape::List(item) => {
            let item = shape(item);
            json!({ "anyOf": [{ "type": ["array", "null"], "items": item }, item] })
        }
        Shape::Items(items) => {
            let item = items.first().map_or(json!({}), shape);
            json!({ "type": ["array", "null"], "items": item })
        }
        Shape::Pairs => json!({ "anyOf": [
            { "type": ["object", "null"], "additionalProperties": { "type": ["string", "number", "boolean"] } },
            { "type": "array", "items": { "type": "string" } },
        ] }),
        Shape::Map(keys) => {
            let properties = keys.iter().map(|key| {
                let mut value = shape(&key.shape);
                value["description"] = json!(key.help);
                (key.name.to_string(), value)
            });
            let properties: Map<String, Value> = properties.collect();
            json!({
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": properties,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_all_drivers_are_there_with_their_help() {
        let schema = json_schema(&Registry::built_in());
        let machine = &schema["properties"]["machines"]["items"]["properties"];
        for key in ["name", "qemu-memory", "memory", "generic-ip-address", "publish"] {
            assert!(machine[key]["description"].is_string(), "{key}");
        }
        assert!(machine["network"]["description"].as_str().unwrap().contains("lab"));
        let defaults = &schema["properties"]["defaults"]["properties"];
        assert!(defaults["name"].is_null() && !defaults["memory"].is_null());
        assert_eq!(schema["properties"]["swarm"]["additionalProperties"], false);
    }
}
