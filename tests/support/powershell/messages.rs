//! How Hyper-V and PowerShell refuse, each as it stands in a report of a real failure.

use crate::Failure;
use crate::host::{Facts, Machine};

/// What stands in the way of every cmdlet of Hyper-V.
pub(crate) fn obstacle(facts: &Facts) -> Option<Failure> {
    if !facts.module {
        // `CommandDiscovery.cs` of PowerShell/PowerShell, for a command named with its module.
        let message = "The module 'Hyper-V' could not be loaded. For more information, run \
                       'Import-Module Hyper-V'.";
        return Some(Failure::new("CouldNotAutoLoadModule", message).category("ObjectNotFound"));
    }
    if facts.service.as_deref() != Some("Running") {
        // eryph-org/eryph#176.
        let message = "Hyper-V encountered an error trying to access an object on computer 'PC' \
                       because the object was not found. The object might have been deleted. Verify \
                       that the Virtual Machine Management service on the computer is running.";
        return Some(hyper_v("ObjectNotFound", "GetVM", message).category("ObjectNotFound"));
    }
    facts.refused.as_ref().map(|words| hyper_v("Unspecified", "GetVM", words))
}

/// kubernetes/minikube#18049, canonical/multipass#3345.
pub(crate) fn out_of_memory(machine: &Machine) -> Failure {
    let Machine { name, id, memory_mb, .. } = machine;
    let id = format!("(Virtual machine ID {})", id.to_uppercase());
    let lack = "Not enough memory in the system to start the virtual machine";
    let cause =
        "Not enough memory resources are available to complete this operation. (0x8007000E).";
    let message = format!(
        "'{name}' failed to start.\n{lack} {name}.\nCould not initialize memory: {cause}\n'{name}' \
         failed to start. {id}\n{lack} {name} with ram size {memory_mb} megabytes. {id}\n'{name}' \
         could not initialize memory: {cause} {id}"
    );
    hyper_v("OutOfMemory", "StartVM", &message).category("FromStdErr")
}

/// docker/for-win#5993.
pub(crate) fn hypervisor_is_off(machine: &Machine) -> Failure {
    let Machine { name, id, .. } = machine;
    let message = format!(
        "'{name}' failed to start.\nThe Virtual Machine Management Service failed to start the virtual \
         machine '{name}' because one of the Hyper-V components is not running (Virtual machine ID \
         {id})."
    );
    hyper_v("OperationFailed", "StartVM", &message)
}

pub(crate) fn no_switch(name: &str) -> Failure {
    let message = format!("Hyper-V was unable to find a virtual switch with name \"{name}\".");
    hyper_v("InvalidParameter", "NewVM", &message).category("InvalidArgument")
}

/// Of `start.ps1`: Hyper-V cannot reach the machine's files.
pub(crate) fn critical(machine: &Machine) -> Failure {
    let Machine { name, path, state, .. } = machine;
    let message =
        format!("Hyper-V cannot reach the files of '{name}' in '{path}': its state is {state:?}");
    Failure::new("machine.Critical", message).category("ResourceUnavailable")
}

/// Of the cmdlets for networks, whose errors are those of CIM.
pub(crate) fn only_elevated(cmdlet: &str) -> Failure {
    let id = format!("Windows System Error 5,{cmdlet}");
    Failure::new(&id, "Access is denied.").category("PermissionDenied")
}

fn hyper_v(error: &str, cmdlet: &str, message: &str) -> Failure {
    Failure::new(&format!("{error},Microsoft.HyperV.PowerShell.Commands.{cmdlet}"), message)
}
