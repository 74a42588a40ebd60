//! What commands print that list something, in the form that was asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::console;
use super::error::CliError;
use crate::output::format;

/// A moment as data: seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Prints `data`, an array of objects, by `--format`; without one, as `table` writes it.
pub(super) fn print(
    format: Option<&str>,
    data: &Value,
    table: impl FnOnce() -> String,
) -> Result<(), CliError> {
    check(format)?;
    Ok(console::print(&format::listing(format, data, table)?)?)
}

/// The same for one thing alone, of which `text` tells people.
pub(super) fn print_one(
    format: Option<&str>,
    data: &Value,
    text: impl FnOnce() -> String,
) -> Result<(), CliError> {
    match format {
        Some("json" | "yaml") => Ok(console::print(&format::inspect(data, format)?)?),
        _ => print(format, &Value::Array(vec![data.clone()]), text),
    }
}

/// A word that is no form and has nothing to fill in is a slip of the keyboard, except in `ls`, where
/// docker-machine prints it for each row.
fn check(format: Option<&str>) -> Result<(), CliError> {
    match format {
        Some(word) if !["table", "json", "yaml"].contains(&word) && !word.contains("{{") => {
            Err(CliError::usage(format!("`{word}` is not a format here"))
                .hint("the formats are table, json, yaml, and Go templates: '{{.Name}}'"))
        }
        _ => Ok(()),
    }
}
