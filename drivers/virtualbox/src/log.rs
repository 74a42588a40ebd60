//! What VirtualBox wrote about a machine that did not start.

use machine_driver::{Error, process};

use crate::files::Files;

/// Adds what the log knows to the error of a start.
pub(crate) fn explain(error: Error, files: &Files) -> Error {
    let error = error.context("unable to start the VM");
    let Ok(bytes) = std::fs::read(files.log()) else { return error };
    let text = String::from_utf8_lossy(&bytes);
    let error = match lacks_virtualization(&text) {
        true => error.hint(
            "This computer doesn't have VT-X/AMD-v enabled. Enabling it in the BIOS is mandatory",
        ),
        false => error,
    };
    let tail = process::tail(&text, 5);
    if tail.trim().is_empty() {
        return error;
    }
    error.hint(format!("the end of its log, `{}`:\n{tail}", files.log().display()))
}

/// docker-machine's signs of it.
fn lacks_virtualization(log: &str) -> bool {
    log.lines().any(|line| {
        line.contains("VT-x is disabled") && !line.contains("Falling back to raw-mode")
            || line.contains("the host CPU does NOT support HW virtualization")
            || line.contains("VERR_VMX_UNABLE_TO_START_VM")
            || line.contains("Power up failed") && line.contains("VERR_VMX_NO_VMX")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs() {
        assert!(lacks_virtualization("00:00:01 VT-x is disabled in the BIOS for all CPU modes"));
        let fallback = "Falling back to raw-mode: VT-x is disabled in the BIOS for all CPU modes";
        assert!(!lacks_virtualization(fallback));
        assert!(lacks_virtualization("Power up failed (vrc=VERR_VMX_NO_VMX, rc=NS_ERROR)"));
        assert!(!lacks_virtualization("VERR_VMX_NO_VMX"));
    }
}
