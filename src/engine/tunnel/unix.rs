//! The user's own `ssh` as a tunnel, and the end of a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, Result, process};

use super::PATIENCE;
use crate::engine::{Engine, Machine};
use crate::ssh;

/// The user's own `ssh` does it, with their configuration.
pub(super) async fn tunnel(
    engine: &Engine,
    machine: &Machine<'_>,
    path: &PathBuf,
    ready: impl FnOnce(&PathBuf),
) -> Result<()> {
    let target = machine.endpoint().ssh.ok_or_else(|| machine.not_running())?;
    let _socket = Removed(path);
    let program = process::find("ssh", &engine.search_path).ok_or(ssh::SshError::NoKey)?;
    std::fs::remove_file(path).ok();
    let forward = format!("{}:/var/run/docker.sock", path.display());
    let words = [
        "-o",
        "BatchMode=yes",
        "-o",
        "ExitOnForwardFailure=yes",
        "-o",
        "StreamLocalBindUnlink=yes",
        "-o",
        "ServerAliveInterval=15",
        "-L",
        &forward,
        // Ends when our end of its input does, also if we are killed.
        "cat >/dev/null",
    ];
    let argv = ssh::external::ssh_argv(&target, &machine.context.machine_dir, words);
    let mut child = tokio::process::Command::new(program)
        .args(argv)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let _held_open = child.stdin.take();
    let wait = Wait::new("the tunnel's socket", PATIENCE);
    let there = wait.until(async || match path.exists() {
        true => Look::Ready(()),
        false => Look::NotYet(None),
    });
    tokio::select! {
        there = there => there?,
        status = child.wait() => return Err(ended(child, status?).await),
    }
    ready(path);
    let status = child.wait().await?;
    Err(ended(child, status).await)
}

async fn ended(mut child: tokio::process::Child, status: std::process::ExitStatus) -> Error {
    use tokio::io::AsyncReadExt;
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut said).await.ok();
    }
    Error::other(format!("ssh ended: {status}")).caused_by(process::tail(&said, 4))
}

pub(super) fn terminate(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
    }
}

/// Deletes a file when the work with it ends, however that is.
struct Removed<'a>(&'a Path);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        std::fs::remove_file(self.0).ok();
    }
}
