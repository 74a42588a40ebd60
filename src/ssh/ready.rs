use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

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
    let begun = Instant::now();
    wait.until(async || match attempt(target, machine_dir, Patience::after(begun)).await {
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
    let begun = Instant::now();
    let attempt = async || {
        let Patience { greeting, whole } = Patience::after(begun);
        let shell = Shell::open(target, machine_dir, search_path, greeting, whole).await?;
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

async fn attempt(
    target: &SshTarget,
    machine_dir: &Path,
    patience: Patience,
) -> Result<Session, SshError> {
    let Patience { greeting, whole } = patience;
    let session = connect_if_greeted(target, machine_dir, greeting, whole).await?;
    // The server may answer before there is a shell to log in to.
    session.check("exit 0").await?;
    Ok(session)
}

/// How long one attempt may take: to the first word, and in all. A machine that has taken long to boot
/// takes long to greet, and each attempt that is given up costs it what the next one needs.
#[derive(Debug, PartialEq, Eq)]
struct Patience {
    greeting: Duration,
    whole: Duration,
}

impl Patience {
    fn after(begun: Instant) -> Self {
        Self::of(begun.elapsed())
    }

    fn of(waited: Duration) -> Self {
        let least = |seconds| Duration::from_secs(seconds);
        Self { greeting: least(4).max(waited / 10), whole: least(30).max(waited / 4) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_long_is_given_longer() {
        let of = |seconds| Patience::of(Duration::from_secs(seconds));
        assert_eq!(of(0), of(40));
        assert_eq!(of(0).greeting, Duration::from_secs(4));
        assert_eq!(of(1800).greeting, Duration::from_secs(180));
        assert_eq!(of(1800).whole, Duration::from_secs(450));
    }
}
