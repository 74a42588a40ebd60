//! Telling running machines who else is on their network.

use std::time::Duration;

use machine_driver::seed::Seed;
use machine_driver::{Context, Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::files::Files;
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
    let message = message(&seed)?;
    let mut stream = platform::connect(&Files::new(cx).identity()).await?;
    stream.write_all(&message).await?;
    Ok(stream.flush().await?)
}

/// Sends a part of an identity to a running guest and waits until it is applied.
async fn send(files: &Files, seed: &Seed) -> Result<()> {
    let message = message(seed)?;
    let exchange = async {
        let mut stream = platform::connect(&files.identity()).await?;
        stream.write_all(&message).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                break;
            }
            answer.push(byte[0]);
        }
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, exchange)
        .await
        .map_err(|_elapsed| Error::other("its guest does not answer"))??;
    match String::from_utf8_lossy(&answer).trim() {
        "ok" => Ok(()),
        other => Err(Error::other(format!("its guest said `{other}`"))),
    }
}

fn message(seed: &Seed) -> Result<Vec<u8>> {
    let tar = seed.to_identity_tar()?;
    let mut message = format!("apply {}\n", tar.len()).into_bytes();
    message.extend(tar);
    Ok(message)
}
