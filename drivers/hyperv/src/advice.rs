//! PowerShell's errors as ours, with what helps.

use machine_driver::{Error, ErrorKind};

use crate::powershell::Failure;
use crate::scripts::Script;

pub(crate) const TURN_ON: &str = "turn Hyper-V on in an elevated PowerShell, then restart Windows: \
     `Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All`";
pub(crate) const JOIN: &str = "join the group Hyper-V Administrators in an elevated PowerShell, then \
     sign out and in: `Add-LocalGroupMember -SID S-1-5-32-578 -Member $env:USERNAME`";
pub(crate) const START_SERVICE: &str = "start it in an elevated PowerShell: `Start-Service vmms`";
pub(crate) const TURN_HYPERVISOR_ON: &str = "turn it on in an elevated PowerShell, then restart \
     Windows: `bcdedit /set hypervisorlaunchtype auto`";
pub(crate) const ELEVATE: &str = "use an elevated terminal for this one command";

/// Pieces of an error's id, category or message, and what to do; the first that fits counts. Ids,
/// categories and numbers are the same in every language of Windows; the words beside them help where
/// a cmdlet gives no number. All were seen in reports of real failures, which the stand-in of the
/// tests names.
const ADVICE: [(&[&str], &str); 9] = [
    (&["CouldNotAutoLoadModule", "CommandNotFoundException", "ModuleNotFound"], TURN_ON),
    // The cmdlets for networks speak so. Hyper-V's group does not help there.
    (&["Windows System Error 5,"], ELEVATE),
    (&["required permission"], JOIN),
    (
        &["OutOfMemory", "0x8007000E", "0x800705AA"],
        "stop another machine or program; a new machine can be given less: `--hyperv-memory 1024`",
    ),
    (
        &["0xC0351000", "hypervisor is not running", "Hyper-V components is not running"],
        TURN_HYPERVISOR_ON,
    ),
    (
        &["machine.Critical"],
        "is the drive there, and has it space? Hyper-V notices within a minute: then try again",
    ),
    (
        &["AccessDenied", "PermissionDenied", "0x80070005"],
        "may Hyper-V read the machine's files? `icacls FILE /grant *S-1-5-83-0:F` lets all virtual \
         machines",
    ),
    (&["0x80070020", "being used by another process"], "close what else uses that file"),
    (&["0x80070070", "0x80070027"], "free some space on that disk"),
];

/// The error of a script.
pub(crate) fn error(script: Script, failure: Failure) -> Error {
    let hint = hint(&failure);
    let Failure { message, id, category, script_line, no_rights: _ } = failure;
    tracing::debug!(id, category, script_line, "failed");
    let kind = match id.split(',').next() {
        Some("machine.NotFound") => ErrorKind::NotFound,
        Some("CouldNotAutoLoadModule") => ErrorKind::MissingTool,
        _ => ErrorKind::Other,
    };
    let error = Error::new(kind, format!("Hyper-V could not {}", script.deed)).caused_by(message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(failure: &Failure) -> Option<&'static str> {
    let Failure { message, id, category, .. } = failure;
    let text = format!("{id} {category} {message}");
    let fits = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    let found = ADVICE.iter().find(|(signs, _)| fits(signs)).map(|(_, hint)| *hint);
    // Without the module there are no rights to have.
    if failure.no_rights && found != Some(TURN_ON) {
        return Some(JOIN);
    }
    // A service that is down is told as an object that is gone.
    let service_is_down = message.contains("Virtual Machine Management service");
    found.or_else(|| service_is_down.then_some(START_SERVICE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::START;

    fn failure(id: &str, message: &str) -> Failure {
        Failure { message: message.into(), id: id.into(), ..Failure::default() }
    }

    #[test]
    fn missing_rights_are_known_in_every_language() {
        let id = "Unspecified,Microsoft.HyperV.PowerShell.Commands.GetVM";
        let refused = failure(id, "Sie besitzen nicht die erforderliche Berechtigung.");
        assert_eq!(hint(&refused), None);
        let refused = Failure { no_rights: true, ..refused };
        assert_eq!(hint(&refused), Some(JOIN));
        assert!(error(START, refused).one_line().contains("Berechtigung"));
        let missing = Failure { no_rights: true, ..failure("CouldNotAutoLoadModule", "") };
        assert_eq!(hint(&missing), Some(TURN_ON));
    }

    /// Messages of a Polish and a Chinese Windows: microsoft/MSLab#300, kubernetes/minikube#4067.
    #[test]
    fn numbers_and_ids_lead_to_advice_in_every_language() {
        let polish = "Zasoby systemowe nie wystarczaj\u{105}. (0x800705AA)";
        let unspecified = "Unspecified,Microsoft.HyperV.PowerShell.Commands.StartVM";
        let id = "OutOfMemory,Microsoft.HyperV.PowerShell.Commands.StartVM";
        for failure in [failure(unspecified, polish), failure(id, "系统内存不足")] {
            assert!(hint(&failure).unwrap().contains("--hyperv-memory"), "{failure:?}");
        }
        assert_eq!(hint(&failure("Windows System Error 5,New-NetNat", "x")), Some(ELEVATE));
    }

    #[test]
    fn a_machine_that_is_gone_is_not_found() {
        let gone = failure("machine.NotFound,Get-Machine", "");
        assert_eq!(error(START, gone).kind(), ErrorKind::NotFound);
    }
}
