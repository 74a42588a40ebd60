//! Values as Go prints them: numbers as `float64`, structs in braces.

use std::sync::Arc;

use gotmpl::Value;

/// A map whose keys are the fields of a Go struct, in the order in which Go prints them. `kind` is
/// the type's name in errors, for example `*engine.Options`.
pub fn structure(kind: &str, fields: Vec<(&str, Value)>) -> Value {
    let order: Vec<Value> = fields.iter().map(|(name, _)| Value::from(*name)).collect();
    let marks = [(ORDER, Value::from(order)), (KIND, Value::from(kind))];
    object(fields.into_iter().chain(marks))
}

/// A map for the row of headers: printed as it stands it is `text`, and it has fields as well.
pub fn header(text: &str, fields: Vec<(&str, Value)>) -> Value {
    object(fields.into_iter().chain([(TEXT, Value::from(text))]))
}

/// A plain map.
pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(Arc::new(fields.into_iter().map(|(name, it)| (Arc::from(name), it)).collect()))
}

/// Keys that no template can name.
const ORDER: &str = "\0order";
const KIND: &str = "\0kind";
const TEXT: &str = "\0text";

/// What an action prints: `nothing` where there is no value, which is another word in a map than in
/// a struct.
pub(super) fn action(values: &[Value], nothing: &str) -> Value {
    match values.first() {
        None | Some(Value::Nil) => Value::from(nothing),
        Some(value) => Value::from(text(value)),
    }
}

/// An operand of `%v`: what the formatter would print wrong is text already.
pub(super) fn operand(values: &[Value]) -> Value {
    match values.first() {
        None => Value::Nil,
        Some(value @ (Value::Float(_) | Value::List(_) | Value::Map(_))) => {
            Value::from(text(value))
        }
        Some(value) => value.clone(),
    }
}

/// Go's `fmt.Sprint`: a blank between two operands neither of which is a text.
pub(super) fn print(values: &[Value]) -> Value {
    let mut all = String::new();
    for (place, value) in values.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::String(_));
        if place > 0 && !is_text(value) && !is_text(&values[place - 1]) {
            all.push(' ');
        }
        all += &text(value);
    }
    Value::from(all)
}

/// Go's `fmt.Sprintln`.
pub(super) fn println(values: &[Value]) -> Value {
    Value::from(values.iter().map(text).collect::<Vec<_>>().join(" ") + "\n")
}

/// A value as Go's `%v` prints it.
pub(super) fn text(value: &Value) -> String {
    let joined = |values: Vec<String>| values.join(" ");
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Float(number) => float(*number),
        Value::List(items) => format!("[{}]", joined(items.iter().map(text).collect())),
        Value::Map(map) => {
            if let Some(Value::String(text)) = map.get(TEXT) {
                return text.to_string();
            }
            match order(value) {
                Some(fields) => {
                    format!("{{{}}}", joined(fields.map(|(_, value)| text(value)).collect()))
                }
                None => {
                    let entry = |(key, value)| format!("{key}:{}", text(value));
                    format!("map[{}]", joined(map.iter().map(entry).collect()))
                }
            }
        }
        other => other.to_string(),
    }
}

/// The fields of a struct in their order; nothing for any other value.
fn order(value: &Value) -> Option<impl Iterator<Item = (&str, &Value)>> {
    let Value::Map(map) = value else { return None };
    let Some(Value::List(order)) = map.get(ORDER) else { return None };
    let fields = order.iter().filter_map(|name| {
        let name = name.as_str()?;
        Some((name, map.get(name)?))
    });
    Some(fields)
}

pub(super) fn is_structure(value: &Value) -> bool {
    value.field(ORDER).is_some()
}

/// The name of a value's type in Go, where it is part of `data` for `ls`.
pub(super) fn kind(value: &Value) -> &str {
    match value {
        Value::Map(map) => map.get(KIND).and_then(Value::as_str).unwrap_or("map[string]string"),
        Value::List(_) => "[]string",
        Value::Int(_) | Value::Uint(_) => "int",
        other => other.type_name(),
    }
}

/// Go's `%v` of a `float64`: with an exponent below 1e-4 and from 1e+06 on, unlike in JSON.
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if value != 0.0 && !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}

/// The value as JSON. Keys come out sorted, as Go's do, those of a struct in its order.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil | Value::Function(_) => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Uint(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::String(text) => text.to_string().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => match order(value) {
            Some(fields) => fields.map(|(key, value)| (key.to_owned(), to_json(value))).collect(),
            None => map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect(),
        },
    }
}
