//! Reading YAML by a [`Shape`]: whatever does not fit is an error at its line and column.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::super::schema::{Key, Shape};
use super::variables::{Variables, expand};
use crate::output::suggest::nearest;

/// What is wrong with a file, and where: lines and columns count from 1.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) place: Option<(usize, usize)>,
    pub(super) message: String,
}

/// Reads a text as a value that has this shape, with the variables put in.
pub(super) fn walk(text: &str, shape: &Shape, variables: Variables<'_>) -> Result<Value, Problem> {
    let place = Place { shape, variables };
    place.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(Problem::from)
}

impl From<serde_yaml::Error> for Problem {
    fn from(error: serde_yaml::Error) -> Self {
        let place = error.location().map(|place| (place.line(), place.column()));
        let mut message = error.to_string();
        if let Some((line, column)) = place {
            for tail in [format!(" at line {line} column {column}"), format!(" at line {line}")] {
                if let Some(at) = message.find(&tail) {
                    message.replace_range(at..at + tail.len(), "");
                }
            }
        }
        Self { place, message }
    }
}

/// A place in the file whose shape is known.
#[derive(Clone, Copy)]
struct Place<'a> {
    shape: &'a Shape,
    variables: Variables<'a>,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.shape {
            // As it is written: `1.10` is a version and no number.
            Shape::Text | Shape::Word(_) => deserializer.deserialize_str(self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.shape {
            Shape::Text => "a text",
            Shape::Int => "a whole number",
            Shape::Bool => "true or false",
            Shape::Word(_) => "a word",
            Shape::List(_) | Shape::Items(_) => "a list",
            Shape::Pairs => "pairs `KEY: VALUE`, or a list of `KEY=VALUE`",
            Shape::Map(_) => "a map of keys and values",
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let text = expand(text, self.variables).map_err(E::custom)?;
        let unexpected = || E::invalid_type(serde::de::Unexpected::Str(&text), &self);
        match self.shape {
            Shape::Text => Ok(Value::String(text)),
            Shape::Int => text.trim().parse::<i64>().map(Value::from).map_err(|_| unexpected()),
            Shape::Bool => match text.trim() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(unexpected()),
            },
            Shape::Word(words) if words.iter().any(|word| *word == text) => Ok(Value::String(text)),
            Shape::Word(words) => Err(E::custom(not_one_of("word", &text, words))),
            // Expanded already, and a value that holds `${` is not expanded again.
            Shape::List(item) => {
                let plain = |name: &str| Some(format!("${{{name}}}"));
                Place { shape: item, variables: &plain }.visit_str(&text).map(|it| vec![it].into())
            }
            Shape::Pairs | Shape::Items(_) | Shape::Map(_) => Err(unexpected()),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        match self.shape {
            Shape::Int => Ok(number.into()),
            _ => self.visit_str(&number.to_string()),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        match self.shape {
            Shape::Bool => Ok(truth.into()),
            _ => self.visit_str(if truth { "true" } else { "false" }),
        }
    }

    /// A key without a value.
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        match self.shape {
            Shape::Map(_) | Shape::Pairs => Ok(Value::Object(Map::new())),
            Shape::List(_) | Shape::Items(_) => Ok(Value::Array(Vec::new())),
            _ => Err(E::invalid_type(serde::de::Unexpected::Unit, &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let shape = match self.shape {
                Shape::List(item) => item,
                Shape::Items(items) => items.get(values.len()).unwrap_or(&Shape::Text),
                Shape::Pairs => &Shape::Text,
                _ => return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
            };
            let Some(value) = list.next_element_seed(Place { shape, ..self })? else { break };
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let keys = match self.shape {
            Shape::Map(keys) => Some(keys.as_slice()),
            Shape::Pairs => None,
            // A map where a list of maps is expected is a list of one.
            Shape::List(item) if matches!(**item, Shape::Map(_)) => {
                let one = Place { shape: item, ..self }.visit_map(map)?;
                return Ok(Value::Array(vec![one]));
            }
            _ => return Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        };
        let mut values = Map::new();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key_seed(KeyPlace { keys, seen: &mut seen })? {
            let shape = keys.and_then(|keys| keys.iter().find(|key| key.name == name));
            let shape = shape.map_or(&Shape::Text, |key| &key.shape);
            let value = map.next_value_seed(Place { shape, ..self })?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

/// The place of a key, where only some keys may stand, or any, but none twice.
struct KeyPlace<'a> {
    keys: Option<&'a [Key]>,
    seen: &'a mut HashSet<String>,
}

impl<'de> DeserializeSeed<'de> for KeyPlace<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyPlace<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        if let Some(keys) = self.keys
            && !keys.iter().any(|key| key.name == name)
        {
            let names: Vec<_> = keys.iter().map(|key| key.name.clone()).collect();
            return Err(E::custom(not_one_of("key", name, &names)));
        }
        if !self.seen.insert(name.to_owned()) {
            return Err(E::custom(format!("the key `{name}` stands here twice")));
        }
        Ok(name.to_owned())
    }
}

fn not_one_of(what: &str, text: &str, known: &[std::borrow::Cow<'static, str>]) -> String {
    match nearest(text, known.iter().map(AsRef::as_ref)) {
        Some(near) => format!("unknown {what} `{text}`, did you mean `{near}`?"),
        None => format!("unknown {what} `{text}`; there can be {}", known.join(", ")),
    }
}
