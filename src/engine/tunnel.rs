//! A process that leads a local socket to a machine's Engine over SSH, and its end.
//!
//! At most one runs for each machine: it holds the lock `tunnel@NAME`, which dies with it and says
//! which process it is.

use std::path::PathBuf;
use std::time::Duration;

use machine_driver::{Error, Result, process};
use tokio::net::UnixListener;

use super::{Engine, Machine};
use crate::ssh;
use crate::store::StoreError;

/// How long a tunnel looks for a machine that it has lost before it ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a tunnel looks whether its machine still exists.
const GLANCE: Duration = Duration::from_secs(1);
/// What fits into the name of a socket on every system: macOS has 104 bytes.
const LONGEST: usize = 100;

/// Where the socket of a machine's Engine lies while a tunnel runs.
pub fn socket(engine: &Engine, name: &str) -> Result<PathBuf> {
    let path = engine.runtime_dir.join(format!("{name}.docker.sock"));
    if path.as_os_str().len() > LONGEST {
        return Err(Error::other(format!("`{}` is too long for a socket", path.display()))
            .hint("`machine env --via ssh` needs none"));
    }
    Ok(path)
}

/// Whether a tunnel to the machine runs.
pub fn is_up(engine: &Engine, name: &str) -> bool {
    engine.store.lock_holder(&lock_name(name)).is_some()
}

/// Runs the tunnel until the machine is gone, cannot be reached any more, or this is dropped. The
/// socket is there when `ready` is called, and is gone at the end.
pub async fn tunnel(engine: &Engine, name: &str, ready: impl FnOnce(&PathBuf)) -> Result<()> {
    let path = socket(engine, name)?;
    let lock = lock_name(name);
    let _lock =
        engine.store.lock(&lock, &format!("tunnel {name}"), Duration::ZERO).map_err(|error| {
            Error::from(error).context(format!("a tunnel to `{name}` runs already"))
        })?;
    let machine = engine.load(name, std::sync::Arc::new(machine_driver::Silent))?;
    machine_driver::file::create_dir(&engine.runtime_dir)?;
    let work = async {
        if machine.endpoint().ssh.is_some_and(|target| !target.key.as_os_str().is_empty()) {
            built_in(engine, &machine, &path, ready).await
        } else {
            system(engine, &machine, &path, ready).await
        }
    };
    let _socket = Removed(path.clone());
    tokio::select! {
        result = work => result,
        () = gone(engine, name) => Ok(()),
    }
}

/// Ends the tunnel of a machine, if there is one, and waits until it is gone.
pub async fn end_tunnel(engine: &Engine, name: &str) {
    let lock = lock_name(name);
    let Some(holder) = engine.store.lock_holder(&lock) else { return };
    terminate(holder.pid);
    for _ in 0..100 {
        if engine.store.lock_holder(&lock).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn lock_name(name: &str) -> String {
    // No machine has an `@` in its name.
    format!("tunnel@{name}")
}

#[cfg(unix)]
fn terminate(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
    }
}

async fn built_in(
    engine: &Engine,
    machine: &Machine<'_>,
    path: &PathBuf,
    ready: impl FnOnce(&PathBuf),
) -> Result<()> {
    let target = machine.endpoint().ssh.ok_or_else(|| machine.not_running())?;
    let dir = &machine.context.machine_dir;
    let mut session = ssh::wait_ready(&target, dir, engine.boot_deadline.min(PATIENCE)).await?;
    let dial = session.dial().await?;
    std::fs::remove_file(path).ok();
    let listener = UnixListener::bind(path)?;
    ready(path);
    loop {
        match session.forward_docker(&listener, dial).await {
            Err(ssh::SshError::Lost { .. }) => {
                session = ssh::wait_ready(&target, dir, PATIENCE).await?;
            }
            ended => return Ok(ended?),
        }
    }
}

/// The user's own `ssh` does it, with their configuration.
async fn system(
    engine: &Engine,
    machine: &Machine<'_>,
    path: &PathBuf,
    ready: impl FnOnce(&PathBuf),
) -> Result<()> {
    let target = machine.endpoint().ssh.ok_or_else(|| machine.not_running())?;
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
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let _held_open = child.stdin.take();
    let wait = machine_driver::wait::Wait::new("the tunnel's socket", PATIENCE);
    let there = wait.until(async || match path.exists() {
        true => machine_driver::wait::Look::Ready(()),
        false => machine_driver::wait::Look::NotYet(None),
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

/// Resolves when the machine is no longer in the store.
async fn gone(engine: &Engine, name: &str) {
    loop {
        tokio::time::sleep(GLANCE).await;
        if matches!(engine.store.load(name), Err(StoreError::Unknown { .. })) {
            return;
        }
    }
}

/// Deletes a file when the work with it ends, however that is.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}
