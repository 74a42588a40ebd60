//! Facts about this computer and its processes.

#[cfg(all(unix, not(target_os = "linux")))]
mod bsd;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use bsd::{anonymous_file, boot_id, command_line, kill, memory, routes, start_time};
#[cfg(target_os = "linux")]
pub(crate) use linux::{anonymous_file, boot_id, command_line, kill, memory, routes, start_time};
#[cfg(windows)]
pub(crate) use windows::{anonymous_file, boot_id, command_line, kill, memory, routes, start_time};

/// What a program of the system prints. It answers from memory at once, so it needs no deadline.
#[cfg(not(target_os = "linux"))]
fn printed(program: &str, args: &[&str]) -> Option<String> {
    let output = std::process::Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
