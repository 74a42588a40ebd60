//! A process that leads a local socket (on Windows a named pipe) to a machine's Engine over SSH, and
//! its end.
//!
//! At most one runs for each machine: it holds the lock `tunnel@NAME`, which dies with it and says
//! which process it is.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

use std::path::PathBuf;
use std::time::Duration;

use machine_driver::{Error, Result};

use super::{Engine, Machine};
use crate::ssh::{self, LocalListener};
use crate::store::StoreError;

/// How long a tunnel looks for a machine that it has lost before it ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a tunnel looks whether its machine still exists.
const GLANCE: Duration = Duration::from_secs(1);
/// What fits into the name of a socket on every system: macOS has 104 bytes.
const LONGEST: usize = 100;

/// Where the socket of a machine's Engine lies while a tunnel runs.
pub fn socket(engine: &Engine, name: &str) -> Result<PathBuf> {
    let path = ssh::socket_place(&engine.runtime_dir, name);
    if cfg!(unix) && path.as_os_str().len() > LONGEST {
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
            system::tunnel(engine, &machine, &path, ready).await
        }
    };
    tokio::select! {
        result = work => result,
        () = gone(engine, name) => Ok(()),
    }
}

/// Ends the tunnel of a machine, if there is one, and waits until it is gone.
pub async fn end_tunnel(engine: &Engine, name: &str) {
    let lock = lock_name(name);
    let Some(holder) = engine.store.lock_holder(&lock) else { return };
    system::terminate(holder.pid);
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
    let listener = LocalListener::bind(path)?;
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

/// Resolves when the machine is no longer in the store.
async fn gone(engine: &Engine, name: &str) {
    loop {
        tokio::time::sleep(GLANCE).await;
        if matches!(engine.store.load(name), Err(StoreError::Unknown { .. })) {
            return;
        }
    }
}
