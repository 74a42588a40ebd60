//! The state of a QEMU as a stream of bytes: written to a file when a machine is saved, read by
//! another QEMU that carries on.
//! <https://www.qemu.org/docs/master/devel/migration/main.html>
//!
//! The bytes pass through a local socket and this process, which works with every version of QEMU
//! and on every operating system, and lets a file be compressed on its way.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::platform;
use crate::qmp::Qmp;

/// What is done with the guest's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// It is part of the stream.
    InStream,
    /// It lies in a file of its own, so that the stream holds the devices alone. QEMU's name for
    /// that is `x-ignore-shared`.
    InFile,
}

/// Most is moved in a second; a slow disk may need longer.
const DEADLINE: Duration = Duration::from_secs(600);

/// Writes the state of a paused machine to `sink`. `socket` is a path for the time of it.
pub(crate) async fn save<S, W>(
    monitor: &mut Qmp<S>,
    memory: Memory,
    socket: &Path,
    sink: W,
) -> Result<W>
where
    S: AsyncRead + AsyncWrite,
    W: Write + Send + 'static,
{
    capabilities(monitor, memory).await?;
    let listener = platform::listen(socket)?;
    monitor.execute("migrate", json!({ "uri": listener.uri })).await?;
    let accepted = tokio::time::timeout(Duration::from_secs(20), listener.accept()).await;
    let mut stream = accepted.map_err(|_elapsed| Error::other("QEMU sends no state"))??;
    let copy = tokio::task::spawn_blocking(move || {
        let mut sink = sink;
        io::copy(&mut stream, &mut sink).map(|_bytes| sink)
    });
    let sink = copy.await.map_err(|error| Error::other("the copy broke").caused_by(error))?;
    let outcome = finished(monitor).await;
    std::fs::remove_file(socket).ok();
    // A sink that is full is the cause, and what QEMU then says is the consequence.
    let sink = sink.map_err(Error::from)?;
    outcome.map(|()| sink)
}

/// Reads a state into a QEMU that was started with `-incoming defer`. The guest is paused then.
pub(crate) async fn load<S, R>(
    monitor: &mut Qmp<S>,
    memory: Memory,
    socket: PathBuf,
    source: R,
) -> Result<()>
where
    S: AsyncRead + AsyncWrite,
    R: Read + Send + 'static,
{
    capabilities(monitor, memory).await?;
    let uri = platform::incoming(&socket)?;
    monitor.execute("migrate-incoming", json!({ "uri": uri })).await?;
    let path = socket.clone();
    let copy = tokio::task::spawn_blocking(move || {
        let mut source = source;
        let mut stream = platform::connect_blocking(&path)?;
        io::copy(&mut source, &mut stream)?;
        stream.flush()
    });
    let copied = copy.await.map_err(|error| Error::other("the copy broke").caused_by(error))?;
    let monitor = tokio::sync::Mutex::new(monitor);
    let outcome = Wait::new("the saved state", DEADLINE)
        .at_least_every(Duration::from_millis(20))
        .until(async || {
            let answer = monitor.lock().await.execute("query-status", Value::Null).await;
            match answer {
                Ok(answer) if answer["status"] == "inmigrate" => Look::NotYet(None),
                Ok(_) => Look::Ready(()),
                Err(error) => Look::Hopeless(error.context("QEMU does not take the saved state")),
            }
        })
        .await;
    std::fs::remove_file(&socket).ok();
    outcome?;
    copied.map_err(Error::from)
}

async fn capabilities<S>(monitor: &mut Qmp<S>, memory: Memory) -> Result<()>
where
    S: AsyncRead + AsyncWrite,
{
    let state = memory == Memory::InFile;
    let capability = json!([{ "capability": "x-ignore-shared", "state": state }]);
    monitor.execute("migrate-set-capabilities", json!({ "capabilities": capability })).await?;
    Ok(())
}

async fn finished<S>(monitor: &mut Qmp<S>) -> Result<()>
where
    S: AsyncRead + AsyncWrite,
{
    let monitor = tokio::sync::Mutex::new(monitor);
    Wait::new("the end of the saving", DEADLINE)
        .at_least_every(Duration::from_millis(50))
        .until(async || {
            let answer = monitor.lock().await.execute("query-migrate", Value::Null).await;
            match answer {
                Ok(answer) => match answer["status"].as_str() {
                    Some("completed") => Look::Ready(()),
                    Some("failed" | "cancelled") => {
                        let why = answer["error-desc"].as_str().unwrap_or("no reason given");
                        Look::Hopeless(
                            Error::other("QEMU cannot save it").caused_by(why.to_owned()),
                        )
                    }
                    _ => Look::NotYet(None),
                },
                Err(error) => Look::Hopeless(error),
            }
        })
        .await
}
