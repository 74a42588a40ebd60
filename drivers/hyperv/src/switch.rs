//! Which virtual switch a machine is to be on.

use machine_driver::{Error, Result};
use serde::Deserialize;

/// The same on every Windows that has a Default Switch (10 version 1709 and later; no Server).
const DEFAULT: &str = "c08cb7b8-9b3c-408e-8e30-5e16a3aeb444";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Switch {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `External`, `Internal` or `Private`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// The switch that was asked for; else the Default Switch, which leads outside on every network;
/// else an external one.
pub(crate) fn choose<'a>(asked: &str, switches: &'a [Switch]) -> Result<&'a Switch> {
    if !asked.is_empty() {
        return switches.iter().find(|it| it.name == asked).ok_or_else(|| {
            let error = Error::other(format!("vswitch {asked:?} not found"));
            let names: Vec<String> =
                switches.iter().map(|switch| format!("`{}`", switch.name)).collect();
            match names.as_slice() {
                [] => error.hint("leave it out: a switch is found or made"),
                names => error.hint(format!("there are {}", names.join(", "))),
            }
        });
    }
    let is_default = |switch: &&Switch| switch.id.eq_ignore_ascii_case(DEFAULT);
    let is_external = |switch: &&Switch| switch.kind == "External";
    switches.iter().find(is_default).or_else(|| switches.iter().find(is_external)).ok_or_else(
        || {
            Error::other("no External vswitch nor Default Switch found")
                .caused_by("a machine needs a valid vswitch")
                .hint(
                    "have one made, in an elevated terminal: `--hyperv-nat-subnet 192.168.77.0/24`",
                )
                .hint(
                    "or make one: `New-VMSwitch -Name outside -NetAdapterName Ethernet \
                     -AllowManagementOS $true`",
                )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch(id: &str, name: &str, kind: &str) -> Switch {
        Switch { id: id.into(), name: name.into(), kind: kind.into() }
    }

    #[test]
    fn the_default_switch_then_an_external_one() {
        let default = switch(&DEFAULT.to_uppercase(), "Standardswitch", "Internal");
        let external = switch("1", "LAN", "External");
        let private = switch("2", "lab", "Private");
        let all = [private.clone(), external.clone(), default.clone()];
        assert_eq!(choose("", &all).unwrap(), &default);
        assert_eq!(choose("", &all[..2]).unwrap(), &external);
        assert_eq!(choose("lab", &all).unwrap(), &private);
        assert_eq!(choose("", &all[..1]).unwrap_err().hints().len(), 2);
        let error = choose("lan", &all).unwrap_err();
        assert_eq!(error.to_string(), "vswitch \"lan\" not found");
        assert!(error.hints()[0].contains("`LAN`"));
    }
}
