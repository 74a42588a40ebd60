//! Telling running machines who else is on their network.

use std::time::Duration;

use machine_driver::seed::Seed;
use machine_driver::{Context, Result};

use crate::files::Files;
use crate::identity::{Clock, Port, Request};
use crate::{network, platform};

/// How long a guest may take to answer; one that is still booting reads the names later.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends all names of the network to every other machine on it that runs. A machine that cannot be
/// told is warned of: it learns the names when it is started again.
pub(crate) async fn tell_peers(cx: &Context, network: &str) -> Result<()> {
    if network.is_empty() {
        return Ok(());
    }
    let hosts = network::hosts(cx, network)?;
    for (_, peer) in hosts.iter().filter(|(_, name)| *name != cx.machine) {
        let files = Files::of(cx, peer);
        if !platform::is_held(&files.lock())? {
            continue;
        }
        let seed = Seed { hosts: hosts.clone(), ..Seed::default() };
        if let Err(error) = send(&files, &seed).await {
            tracing::debug!(peer, %error, "names");
            cx.progress.warn(&format!("machine `{peer}` could not be told the new names: {error}"));
        }
    }
    Ok(())
}

/// Leaves the names in the port of this machine, whose guest reads them when it is up.
pub(crate) async fn tell_self(cx: &Context, network: &str) -> Result<()> {
    if network.is_empty() {
        return Ok(());
    }
    let seed = Seed { hosts: network::hosts(cx, network)?, ..Seed::default() };
    let archive = seed.to_identity_tar()?;
    let mut port = Port::open(&Files::new(cx).identity()).await?;
    port.leave(Request::Apply { archive: &archive, clock: Clock::Leave }).await
}

/// Sends a part of an identity to a running guest and waits until it is applied.
async fn send(files: &Files, seed: &Seed) -> Result<()> {
    let archive = seed.to_identity_tar()?;
    let mut port = Port::open(&files.identity()).await?;
    port.ask(Request::Apply { archive: &archive, clock: Clock::Leave }, PATIENCE).await
}
