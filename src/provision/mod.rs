//! A fresh operating system becomes a Docker host.
//!
//! Most machines need none of this: they are born with their identity on the disk. What is here
//! serves guests that only take an SSH key, such as boot2docker's own image.

mod boot2docker;
pub mod profile;

use std::time::Duration;

use machine_driver::{Error, Result};

use crate::engine::{Engine, Machine};
use crate::ssh::{self, Session};

/// Waits until somebody can log in.
pub async fn wait_for_ssh(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    machine.context.progress.line("Waiting for SSH to be available...");
    connect(machine, engine.boot_deadline).await.map(|_session| ())
}

/// Detects the guest's operating system and makes it a Docker host.
pub async fn provision(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    let progress = &machine.context.progress;
    progress.line("Detecting the provisioner...");
    let session = connect(machine, Duration::from_secs(30)).await?;
    let os_release = session.check("cat /etc/os-release").await?;
    match identifier(&os_release) {
        Some("boot2docker") => {
            progress.line("Provisioning with boot2docker...");
            boot2docker::provision(engine, machine, &session).await
        }
        found => Err(Error::other(format!(
            "the guest's operating system, `{}`, is not known",
            found.unwrap_or("?")
        ))
        .hint("boot2docker's contract is what this version provisions over SSH")),
    }
}

async fn connect(machine: &Machine<'_>, deadline: Duration) -> Result<Session> {
    let target = machine.endpoint().ssh.ok_or_else(|| machine.not_running())?;
    ssh::wait_ready(&target, &machine.context.machine_dir, deadline).await
}

/// The `ID` of an `os-release` file.
fn identifier(os_release: &str) -> Option<&str> {
    let value = os_release.lines().find_map(|line| line.trim().strip_prefix("ID="))?;
    Some(value.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn the_identifier_may_be_quoted() {
        assert_eq!(identifier("NAME=x\nID=boot2docker\n"), Some("boot2docker"));
        assert_eq!(identifier("VERSION_ID=\"1\"\nID=\"debian\"\n"), Some("debian"));
        assert_eq!(identifier("ID_LIKE=debian\n"), None);
    }
}
