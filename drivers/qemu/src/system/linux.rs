use std::fs::{File, read_to_string};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::process_id::ProcessId;

/// Differs each time this computer is switched on; empty if it cannot be had.
pub(crate) fn boot_id() -> String {
    read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// When a process was started, in clock ticks since boot: field 22 of proc(5) `stat`, counted
/// after the parenthesised name, which may hold anything. `None` if there is no such process.
pub(crate) fn start_time(pid: u32) -> Option<String> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

/// The arguments of a process, with blanks between them.
pub(crate) fn command_line(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}

/// Kills exactly this process; `false` if it is gone. The descriptor stands for the process, so
/// its number cannot pass to another one between the look and the signal.
pub(crate) fn kill(process: &ProcessId) -> io::Result<bool> {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => Some(descriptor),
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        Err(rustix::io::Errno::NOSYS) => None, // before Linux 5.3
        Err(error) => return Err(error.into()),
    };
    if !process.is_alive() {
        return Ok(false);
    }
    let sent = match descriptor {
        Some(descriptor) => pidfd_send_signal(descriptor, Signal::KILL),
        None => rustix::process::kill_process(pid, Signal::KILL),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A file in memory that is gone with the last process that has it open, and the path by which
/// other processes of this user open it. `None` where there is no such thing.
pub(crate) fn anonymous_file(name: &str) -> io::Result<Option<(File, PathBuf)>> {
    let file = match memfd_create(name, MemfdFlags::CLOEXEC) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOSYS) => return Ok(None), // before Linux 3.17, or a sandbox
        Err(error) => return Err(error.into()),
    };
    let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
    Ok(path.exists().then_some((file, path)))
}

/// Bytes of memory in this computer.
pub(crate) fn memory() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Destination and mask of this computer's IPv4 routes, without the default route.
/// `/proc/net/route` has them in hexadecimal, in the byte order of the processor.
pub(crate) fn routes() -> Vec<(u32, u32)> {
    let text = read_to_string("/proc/net/route").unwrap_or_default();
    let number = |field: &str| u32::from_str_radix(field, 16).ok().map(u32::from_be);
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Some((number(fields.get(1)?)?, number(fields.get(7)?)?))
    };
    text.lines().filter_map(route).filter(|(_, mask)| *mask != 0).collect()
}
