use std::fs::File;
use std::io;
use std::path::PathBuf;

use rustix::process::{Pid, Signal};

use super::printed;
use crate::process_id::ProcessId;

/// Differs each time this computer is switched on; empty if it cannot be had.
pub(crate) fn boot_id() -> String {
    printed("/usr/sbin/sysctl", &["-n", "kern.boottime"]).unwrap_or_default()
}

/// When a process was started. `None` if there is no such process.
pub(crate) fn start_time(pid: u32) -> Option<String> {
    printed("/bin/ps", &["-o", "lstart=", "-p", &pid.to_string()])
}

/// The arguments of a process, with blanks between them.
pub(crate) fn command_line(pid: u32) -> Option<String> {
    printed("/bin/ps", &["-ww", "-o", "command=", "-p", &pid.to_string()])
}

/// Kills exactly this process; `false` if it is gone.
pub(crate) fn kill(process: &ProcessId) -> io::Result<bool> {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    if !process.is_alive() {
        return Ok(false);
    }
    match rustix::process::kill_process(pid, Signal::KILL) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// There is no such thing here.
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(crate) fn anonymous_file(_name: &str) -> io::Result<Option<(File, PathBuf)>> {
    Ok(None)
}

/// Bytes of memory in this computer.
pub(crate) fn memory() -> Option<u64> {
    printed("/usr/sbin/sysctl", &["-n", "hw.memsize"])?.parse().ok()
}

/// Not looked at here.
pub(crate) fn routes() -> Vec<(u32, u32)> {
    Vec::new()
}
