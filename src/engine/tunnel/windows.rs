use std::path::PathBuf;
use std::process::Command;

use machine_driver::{Error, ErrorKind, Result};

use crate::engine::{Engine, Machine};

/// The system's `ssh` forwards no named pipes.
#[expect(clippy::unused_async, reason = "it waits elsewhere")]
pub(super) async fn tunnel(
    _engine: &Engine,
    machine: &Machine<'_>,
    _path: &PathBuf,
    _ready: impl FnOnce(&PathBuf),
) -> Result<()> {
    let name = machine.name();
    let message =
        format!("`{name}` is reached by the system's `ssh`, which forwards no named pipes");
    Err(Error::new(ErrorKind::Unsupported, message).hint(format!("machine env --via ssh {name}")))
}

/// Nothing shuts a process without a window down in order; its pipe and its lock die with it.
pub(super) fn terminate(pid: u32) {
    let pid = pid.to_string();
    if let Err(error) = Command::new("taskkill.exe").args(["/F", "/PID", &pid]).output() {
        tracing::debug!(%error, "taskkill");
    }
}
