use std::path::Path;
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Result, SshTarget};

use super::session::connect_if_greeted;
use super::{Session, SshError};

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

async fn attempt(target: &SshTarget, machine_dir: &Path) -> Result<Session, SshError> {
    let session = connect_if_greeted(target, machine_dir, GREETING, ATTEMPT).await?;
    // The server may answer before there is a shell to log in to.
    session.check("exit 0").await?;
    Ok(session)
}

const GREETING: Duration = Duration::from_secs(4);
const ATTEMPT: Duration = Duration::from_secs(30);
