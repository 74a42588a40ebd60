//! Telling running machines who else is on their network.

use std::time::Duration;

use machine_driver::seed::Seed;
use machine_driver::{Context, Result};

use crate::files::Files;
use crate::identity::{Clock, Port, Request};
use crate::record::Record;
use crate::{network, platform};

/// How long a guest may take to answer; one that is still booting reads the names later.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends all names of the network to every machine on it that runs, this one included, all at once; and
/// this one its own name, if its disk knows another. One that does not answer is off or being made: it is
/// told when it is up.
pub(crate) async fn announce(cx: &Context, record: &Record) -> Result<()> {
    if record.renamed {
        let seed = Seed { hostname: cx.machine.clone(), ..Seed::default() };
        send_or_pass(cx, &cx.machine, &seed.to_identity_tar()?).await?;
    }
    tell(cx, &record.network, |_| true).await
}

/// The names for every machine but this one, which is gone.
pub(crate) async fn tell_peers(cx: &Context, network: &str) -> Result<()> {
    tell(cx, network, |name| name != cx.machine).await
}

async fn tell(cx: &Context, network: &str, whom: impl Fn(&str) -> bool) -> Result<()> {
    if network.is_empty() {
        return Ok(());
    }
    let hosts = network::hosts(cx, network)?;
    let archive = Seed { hosts: hosts.clone(), ..Seed::default() }.to_identity_tar()?;
    let told = hosts.iter().filter(|(_, name)| whom(name));
    let told = told.map(async |(_, name)| send_or_pass(cx, name, &archive).await);
    futures_util::future::join_all(told).await.into_iter().collect()
}

async fn send_or_pass(cx: &Context, name: &str, archive: &[u8]) -> Result<()> {
    let files = Files::of(cx, name);
    if platform::is_held(&files.lock())?
        && let Err(error) = send(&files, archive).await
    {
        tracing::debug!(name, %error, "names");
    }
    Ok(())
}

/// Sends a part of an identity to a running guest and waits until it is applied.
async fn send(files: &Files, archive: &[u8]) -> Result<()> {
    let mut port = Port::open(&files.identity()).await?;
    port.ask(Request::Apply { archive, clock: Clock::Leave }, PATIENCE).await
}
