use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::printed;
use crate::process_id::ProcessId;

/// Differs each time this computer is switched on; empty if it cannot be had.
pub(crate) fn boot_id() -> String {
    let query = "(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToFileTimeUtc()";
    powershell(query).unwrap_or_default()
}

/// When a process was started. `None` if there is no such process.
pub(crate) fn start_time(pid: u32) -> Option<String> {
    powershell(&format!("(Get-Process -Id {pid}).StartTime.ToFileTimeUtc()"))
}

/// The arguments of a process, with blanks between them.
pub(crate) fn command_line(pid: u32) -> Option<String> {
    powershell(&format!("(Get-CimInstance Win32_Process -Filter 'ProcessId={pid}').CommandLine"))
}

/// Kills exactly this process; `false` if it is gone.
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(crate) fn kill(process: &ProcessId) -> io::Result<bool> {
    Ok(process.is_alive()
        && printed("taskkill.exe", &["/F", "/PID", &process.pid.to_string()]).is_some())
}

/// There is no such thing here.
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(crate) fn anonymous_file(_name: &str) -> io::Result<Option<(File, PathBuf)>> {
    Ok(None)
}

/// Bytes of memory in this computer.
pub(crate) fn memory() -> Option<u64> {
    powershell("(Get-CimInstance Win32_ComputerSystem).TotalPhysicalMemory")?.parse().ok()
}

/// Not looked at here.
pub(crate) fn routes() -> Vec<(u32, u32)> {
    Vec::new()
}

fn powershell(command: &str) -> Option<String> {
    printed("powershell.exe", &["-NoProfile", "-NonInteractive", "-Command", command])
}
