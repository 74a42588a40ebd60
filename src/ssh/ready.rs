use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Result, SshTarget};

use super::session::{address, connect_if_greeted};
use super::{Session, Shell, SshError};

/// Waits until a machine lets us in and runs a command, and returns the session. The last real
/// error is kept for the report; one that waiting cannot mend, such as a changed host key, ends
/// the wait at once.
pub async fn wait_ready(
    target: &SshTarget,
    machine_dir: &Path,
    deadline: Duration,
) -> Result<Session> {
    let what = format!("SSH on `{}` port {}", target.host, target.port);
    let wait = Wait::new(what, deadline);
    wait.until(async || match attempt(target, machine_dir).await {
        Ok(session) => Look::Ready(session),
        Err(error) if error.is_final() => Look::Hopeless(error.into()),
        Err(error) => Look::NotYet(Some(error.into())),
    })
    .await
}

/// The same through whichever client can log in. A host that was there before us is not still
/// waiting for its keys, so with `keys_are_there` a refused login ends the wait too.
pub async fn wait_for_shell(
    target: &SshTarget,
    machine_dir: &Path,
    search_path: &OsStr,
    deadline: Duration,
    keys_are_there: bool,
) -> Result<Shell> {
    let wait = Wait::new(format!("SSH on `{}`", address(target)), deadline);
    let attempt = async || {
        let shell = Shell::open(target, machine_dir, search_path, GREETING, ATTEMPT).await?;
        shell.check("exit 0").await?;
        Ok(shell)
    };
    wait.until(async || match attempt().await {
        Ok(shell) => Look::Ready(shell),
        Err(error) if error.is_final() => Look::Hopeless(error.into()),
        Err(error @ SshError::Denied { .. }) if keys_are_there => Look::Hopeless(error.into()),
        Err(error) => Look::NotYet(Some(error.into())),
    })
    .await
}

async fn attempt(target: &SshTarget, machine_dir: &Path) -> Result<Session, SshError> {
    let session = connect_if_greeted(target, machine_dir, GREETING, ATTEMPT).await?;
    // The server may answer before there is a shell to log in to.
    session.check("exit 0").await?;
    Ok(session)
}

const GREETING: Duration = Duration::from_secs(4);
const ATTEMPT: Duration = Duration::from_secs(30);
