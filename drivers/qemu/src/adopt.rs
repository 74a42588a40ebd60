//! Finding the process of a machine.

use std::fs;
use std::time::Duration;

use crate::files::Files;
use crate::platform;
use crate::process_id::ProcessId;
use crate::record::Record;

/// The QEMU of a machine that runs. Normally the recorded one; if the command that started it was
/// killed before it could write that down, the one that QEMU itself has written down, provided
/// that it is a QEMU with this machine's disk.
pub(crate) async fn process(record: &Record, files: &Files) -> Option<ProcessId> {
    if let Some(process) = record.process.clone().filter(ProcessId::is_alive) {
        return Some(process);
    }
    // QEMU writes its number soon after it has begun.
    for _ in 0..40 {
        if let Some(process) = written_down(files) {
            return Some(process);
        }
        if !platform::is_held(&files.lock()).unwrap_or(false) {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

fn written_down(files: &Files) -> Option<ProcessId> {
    let pid = fs::read_to_string(files.pid()).ok()?.trim().parse().ok()?;
    let line = crate::system::command_line(pid)?;
    let disk = crate::arguments::escape(&files.disk());
    if line.contains(&disk) { ProcessId::of(pid) } else { None }
}
