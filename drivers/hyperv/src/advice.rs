//! PowerShell's errors as ours, with what helps.

use machine_driver::{Error, ErrorKind};

use crate::powershell::Failure;

/// Pieces of an error's id, category or message, and what to do. Ids, categories and numbers are the
/// same in every language of Windows; the words beside them help where a cmdlet gives no number.
const ADVICE: [(&[&str], &str); 6] = [
    (
        &["AccessDenied", "PermissionDenied", "required permission", "0x80070005"],
        "join the group Hyper-V Administrators in an elevated PowerShell, then sign out and in: \
         `Add-LocalGroupMember -SID S-1-5-32-578 -Member $env:USERNAME`",
    ),
    (
        &["0x8007000E", "0x800705AA", "OutOfMemory", "Not enough memory"],
        "stop another machine, or give this one less: `--hyperv-memory 1024`",
    ),
    (
        &["0xC0351000", "hypervisor is not running"],
        "turn the hypervisor on in an elevated PowerShell, then restart Windows: \
         `bcdedit /set hypervisorlaunchtype auto`",
    ),
    (&["0x80070020", "being used by another process"], "close what else uses that file"),
    (&["0x80070070", "0x80070027"], "free some space on that disk"),
    (
        &["HypervNotInstalled", "CommandNotFoundException"],
        "turn Hyper-V on in an elevated PowerShell, then restart Windows: \
         `Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All`",
    ),
];

/// The error of a script.
pub(crate) fn error(script: &str, failure: Failure) -> Error {
    let Failure { message, id, category, script_line } = failure;
    tracing::debug!(id, category, script_line, "failed");
    let kind =
        if id.starts_with("machine.NotFound") { ErrorKind::NotFound } else { ErrorKind::Other };
    let text = format!("{id} {category} {message}");
    let error =
        Error::new(kind, format!("Hyper-V could not {script} the machine")).caused_by(message);
    ADVICE
        .iter()
        .filter(|(signs, _)| signs.iter().any(|sign| text.contains(sign)))
        .fold(error, |error, (_, hint)| error.hint(*hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_to_advice_in_every_language() {
        let failure = Failure {
            message: "Sie besitzen nicht die erforderlichen Rechte.".into(),
            id: "AccessDenied,Microsoft.HyperV.PowerShell.Commands.GetVM".into(),
            ..Failure::default()
        };
        let error = error("start", failure);
        assert!(error.hints()[0].contains("S-1-5-32-578"), "{:?}", error.hints());
        assert!(error.one_line().contains("Rechte"));
    }

    #[test]
    fn a_machine_that_is_gone_is_not_found() {
        let failure = Failure { id: "machine.NotFound,Get-Machine".into(), ..Failure::default() };
        assert_eq!(error("start", failure).kind(), ErrorKind::NotFound);
    }
}
