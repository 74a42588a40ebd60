use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Failure, operations};

/// A request of the driver.
#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) script: String,
    pub(crate) parameters: serde_json::Map<String, Value>,
}

impl Request {
    /// Whether the script is one that [`operations`] stands for.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let modelled: BTreeSet<&str> = operations::cmdlets(&self.name).iter().copied().collect();
        let used = used(&self.script);
        if used != modelled {
            let message = format!("{}.ps1 uses {used:?}, modelled are {modelled:?}", self.name);
            return Err(Failure::new("StandIn", message));
        }
        let declared = declared(&self.script);
        match self.parameters.keys().find(|name| !declared.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let message = format!("A parameter cannot be found that matches '{name}'.");
                Err(Failure::new("NamedParameterNotFound", message))
            }
        }
    }

    /// A parameter; one that was left out is its type's default, as in PowerShell.
    pub(crate) fn get<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let value = self.parameters.get(name).cloned().unwrap_or(Value::Null);
        if value.is_null() {
            return T::default();
        }
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name)
    }
}

/// The cmdlets of Hyper-V in a script.
fn used(script: &str) -> BTreeSet<&str> {
    script
        .split(r"Hyper-V\")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(rest.len());
            &rest[..end]
        })
        .collect()
}

/// The names in the block `param(…)` at the beginning of a script.
fn declared(script: &str) -> BTreeSet<&str> {
    let Some((_, block)) = script.split_once("param(") else { return BTreeSet::new() };
    let block = &block[..block.find(")\n").expect("the end of the parameters")];
    block
        .split('$')
        .skip(1)
        .map(|rest| &rest[..rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())])
        .collect()
}
