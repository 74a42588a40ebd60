//! One lock for this computer's VirtualBox: host-only interfaces, the registry of media and the NAT
//! ports are everybody's, and two who change them at once get each other's answers.

use std::fs::{File, OpenOptions, TryLockError};
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, Result, file};

/// Held as long as it lives; the system lets go of it when the process ends.
#[derive(Debug)]
pub(crate) struct HostLock {
    #[expect(dead_code, reason = "held, never read: dropping it lets others in")]
    file: File,
}

/// Ten machines that are made at once wait for each other here.
const PATIENCE: Duration = Duration::from_secs(600);

/// Waits until nobody else holds it. The file lies in the user's cache, which all stores share.
pub(crate) async fn lock(cx: &Context) -> Result<HostLock> {
    let path = cx.cache_dir.join("host.lock");
    let failed = |error: std::io::Error| {
        Error::from(error).context(format!("cannot lock `{}`", path.display()))
    };
    file::create_dir(&cx.cache_dir).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(failed)?;
    let wait = Wait::new("VirtualBox, with which another command works", PATIENCE);
    wait.at_least_every(Duration::from_millis(100))
        .until(async || match file.try_lock() {
            Ok(()) => Look::Ready(()),
            Err(TryLockError::WouldBlock) => Look::NotYet(None),
            Err(TryLockError::Error(error)) => Look::Hopeless(failed(error)),
        })
        .await?;
    Ok(HostLock { file })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::files::tests::Lab;

    #[tokio::test]
    async fn one_at_a_time() {
        let lab = Lab::new();
        let inside = AtomicUsize::new(0);
        let enter = async |name: &str| {
            let _lock = lock(&lab.context(name)).await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            tokio::time::sleep(Duration::from_millis(5)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
        };
        tokio::join!(enter("one"), enter("two"), enter("three"));
    }
}
