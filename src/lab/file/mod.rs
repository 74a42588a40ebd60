//! From the text of a lab file to what it asks for.

mod machines;
mod variables;
mod walk;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use machine_driver::{Error, ErrorKind, Kind, Result};

use super::schema::{self, Key, flag_keys};
use super::spec::{Spec, Swarm};
use crate::engine::Registry;
use variables::Variables;
use walk::Problem;

/// What a lab file asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Lab {
    pub name: String,
    /// The file, absolute.
    pub path: PathBuf,
    /// In the order of the file, counts spread out.
    pub machines: Vec<Spec>,
    pub swarm: Option<Swarm>,
}

/// A lab file, and what it is read with.
pub struct Source<'a> {
    pub text: &'a str,
    /// Absolute: files to copy are found from its directory.
    pub path: &'a Path,
    /// The driver of machines that name none.
    pub driver: &'a str,
    /// The value of a variable, if it is set.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
}

/// Reads a lab file. An error of kind [`ErrorKind::Flags`] says what is wrong in which line and
/// column.
pub fn read(source: &Source<'_>, registry: &Registry) -> Result<Lab> {
    let problem = |problem: Problem| located(source.path, &problem);
    // First without a look at the keys: which of them a machine can have depends on its driver.
    let rough: serde_yaml::Value =
        serde_yaml::from_str(source.text).map_err(Problem::from).map_err(problem)?;
    let drivers = Drivers::of(&rough, source);
    let kinds: Vec<Option<&dyn Kind>> =
        drivers.machines.iter().map(|name| registry.find(name).ok()).collect();
    let machines: Vec<Vec<Key>> =
        kinds.iter().map(|kind| kind.map(flag_keys).unwrap_or_default()).collect();
    let names: Vec<Cow<'static, str>> =
        registry.iter().map(|kind| kind.name().to_owned().into()).collect();
    let defaults = machines.iter().flatten().cloned().collect();
    let shape = schema::lab(names, machines, defaults);
    let value = walk::walk(source.text, &shape, source.variables).map_err(problem)?;
    machines::lab(&value, source, &kinds)
}

/// The name of the lab in a file, which need not be right otherwise: what was made from it can be
/// taken down.
pub fn lab_name(source: &Source<'_>) -> Result<String> {
    let rough: serde_yaml::Value = serde_yaml::from_str(source.text).unwrap_or_default();
    let name = rough.get("name").and_then(serde_yaml::Value::as_str);
    let name = name.map(|name| variables::expand(name, source.variables));
    let name = name.transpose().map_err(|message| wrong(source.path, &message))?;
    machines::name_or_directory(name.as_deref(), source.path)
}

/// The drivers that a file names, before anything in it is checked.
struct Drivers {
    machines: Vec<String>,
}

impl Drivers {
    fn of(rough: &serde_yaml::Value, source: &Source<'_>) -> Self {
        let driver = |value: Option<&serde_yaml::Value>| {
            let text = value?.get("driver")?.as_str()?;
            variables::expand(text, source.variables as Variables<'_>).ok()
        };
        let default = driver(rough.get("defaults")).unwrap_or_else(|| source.driver.to_owned());
        let machines = rough.get("machines").and_then(serde_yaml::Value::as_sequence);
        let machines = machines.into_iter().flatten();
        Self { machines: machines.map(|it| driver(Some(it)).unwrap_or(default.clone())).collect() }
    }
}

/// What the file says is wrong at a place.
fn located(path: &Path, problem: &Problem) -> Error {
    match problem.place {
        Some((line, column)) => {
            let message = format!("{}:{line}:{column}: {}", path.display(), problem.message);
            Error::new(ErrorKind::Flags, message)
        }
        None => wrong(path, &problem.message),
    }
}

/// What the file says is wrong as a whole.
fn wrong(path: &Path, message: &str) -> Error {
    Error::new(ErrorKind::Flags, format!("{}: {message}", path.display()))
}

#[cfg(test)]
mod tests;
