//! What would make `create` fail later, and what mends it.

use machine_driver::{Context, Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::json;

use crate::advice::{ELEVATE, JOIN, START_SERVICE, TURN_HYPERVISOR_ON, TURN_ON};
use crate::hypervisor::{Hypervisor, SHORT};
use crate::place::Place;
use crate::record::Record;
use crate::scripts::CHECK;
use crate::switch::{self, Switch};

/// The answer of `check.ps1`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Facts {
    /// Whether PowerShell's module for Hyper-V is there.
    pub(crate) module: bool,
    pub(crate) elevated: bool,
    /// Whether the user is in the group Hyper-V Administrators.
    pub(crate) hyperv_administrator: bool,
    /// Whether Windows itself runs on the hypervisor.
    pub(crate) hypervisor: bool,
    /// The state of Hyper-V's own service.
    pub(crate) service: Option<String>,
    /// Why Hyper-V would not answer.
    pub(crate) refused: Option<String>,
    /// In bytes.
    pub(crate) free_memory: u64,
    pub(crate) processors: u32,
    #[serde(default)]
    pub(crate) switches: Vec<Switch>,
    /// The virtual machines that have the new machine's name.
    #[serde(default)]
    pub(crate) namesakes: Vec<Namesake>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Namesake {
    pub(crate) id: String,
    pub(crate) path: String,
}

pub(crate) async fn facts(hypervisor: &Hypervisor, cx: &Context) -> Result<Facts> {
    hypervisor.ask(cx, CHECK, json!({ "Name": cx.machine }), SHORT).await
}

/// Fails with the first thing that is missing. Warns where memory is short, for Hyper-V may still
/// find some.
pub(crate) async fn check(hypervisor: &Hypervisor, cx: &Context, record: &Record) -> Result<()> {
    let facts = facts(hypervisor, cx).await?;
    usable(&facts)?;
    if record.nat_subnet.is_empty() {
        switch::choose(&record.virtual_switch, &facts.switches)?;
    } else if !facts.elevated {
        return Err(Error::other("a network of our own needs the rights of an administrator")
            .hint(ELEVATE)
            .hint("or leave `--hyperv-nat-subnet` out"));
    }
    if record.cpus > facts.processors {
        let (cpus, all) = (record.cpus, facts.processors);
        let message = format!("the machine is to have {cpus} CPUs, and this computer has {all}");
        return Err(Error::other(message).hint(format!("`--hyperv-cpu-count {all}`")));
    }
    let place = Place::of(cx, record).await?;
    // Hyper-V makes a directory of the machine's name in the one that it is given.
    let own = place.windows_file("").to_lowercase();
    let foreign = |other: &&Namesake| !other.path.to_lowercase().starts_with(&own);
    if let Some(other) = facts.namesakes.iter().find(foreign) {
        return Err(Error::other(format!(
            "Hyper-V has a virtual machine `{}` already",
            cx.machine
        ))
        .caused_by(format!("it lies in `{}` and has the id {}", other.path, other.id))
        .hint("choose another name")
        .hint(format!("or remove that one: `Remove-VM -Name '{}'`", cx.machine)));
    }
    if facts.free_memory < u64::from(record.mem_size) << 20 {
        cx.progress.warn(&format!(
            "{} MB of memory are free, and the machine starts with {} MB",
            facts.free_memory >> 20,
            record.mem_size
        ));
    }
    Ok(())
}

/// Whether Hyper-V can be used at all. Causes come before their effects: without the module there is
/// no service, and without rights there is no answer.
pub(crate) fn usable(facts: &Facts) -> Result<()> {
    if !facts.module {
        let message = "Hyper-V PowerShell Module is not available";
        return Err(Error::new(ErrorKind::MissingTool, message)
            .hint(TURN_ON)
            .hint("Windows Home has no Hyper-V: `--driver virtualbox` or `--driver qemu`"));
    }
    match facts.service.as_deref() {
        Some("Running") => {}
        None => {
            let message = "Hyper-V's management tools are there, and Hyper-V itself is not";
            return Err(Error::new(ErrorKind::MissingTool, message).hint(TURN_ON));
        }
        Some(state) => {
            return Err(Error::new(ErrorKind::NotRunning, "Hyper-V's service does not run")
                .caused_by(format!("the service vmms is in the state `{state}`"))
                .hint(START_SERVICE));
        }
    }
    if !facts.hypervisor {
        return Err(Error::new(ErrorKind::NotRunning, "the hypervisor does not run")
            .hint(TURN_HYPERVISOR_ON)
            .hint("is virtualization on in this computer's firmware?"));
    }
    let may = facts.elevated || facts.hyperv_administrator;
    match &facts.refused {
        None if may => Ok(()),
        refused => {
            let message = "Hyper-v commands have to be run as an Administrator";
            let error = Error::other(message).hint(JOIN).hint("or use an elevated terminal");
            Err(match refused {
                Some(cause) => error.caused_by(cause.clone()),
                None => error,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            module: true,
            hyperv_administrator: true,
            hypervisor: true,
            service: Some("Running".into()),
            ..Facts::default()
        }
    }

    #[test]
    fn each_lack_is_told_apart_with_what_mends_it() {
        usable(&good()).unwrap();
        for (facts, hint) in [
            (Facts { module: false, ..good() }, "Microsoft-Hyper-V"),
            (Facts { service: None, ..good() }, "Microsoft-Hyper-V"),
            (Facts { service: Some("Stopped".into()), ..good() }, "Start-Service"),
            (Facts { hypervisor: false, ..good() }, "bcdedit"),
            (Facts { hyperv_administrator: false, ..good() }, "S-1-5-32-578"),
            (Facts { refused: Some("kein Zugriff".into()), ..good() }, "S-1-5-32-578"),
        ] {
            let error = usable(&facts).unwrap_err();
            assert!(error.hints()[0].contains(hint), "{error}: {:?}", error.hints());
        }
        // The group is enough, and so is an elevated terminal.
        usable(&Facts { hyperv_administrator: false, elevated: true, ..good() }).unwrap();
    }
}
