//! A machine that is put aside with its memory, and carried on with.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::time::Duration;

use machine_driver::{Context, Error, Result, State, file};
use serde_json::Value;

use crate::driver::Qemu;
use crate::files::Files;
use crate::identity::{Port, Request};
use crate::launch::{self, Origin};
use crate::migration::{self, Memory};
use crate::{platform, power, qmp};

/// zstd's level for the memory: the fastest, for a person waits.
pub(crate) const LEVEL: i32 = 1;

/// How long a guest that carries on may take to put its clock right.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn state_without_process(files: &Files) -> State {
    if files.saved().exists() { State::Saved } else { State::Stopped }
}

/// Saves the memory and ends QEMU. If that fails the machine goes on as if nothing had been.
pub(crate) async fn suspend(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    let files = Files::new(cx);
    if !platform::is_held(&files.lock())? {
        return Ok(());
    }
    let mut monitor = qmp::connect(&files.monitor()).await?;
    monitor.execute("stop", Value::Null).await?;
    cx.progress.line("Saving its memory...");
    let temp = tempfile::Builder::new().prefix(".tmp-").tempfile_in(files.dir())?;
    let sink = zstd::Encoder::new(BufWriter::with_capacity(1 << 20, temp.reopen()?), LEVEL)?;
    let saved = migration::save(&mut monitor, Memory::InStream, &files.migration(), sink).await;
    let written = saved.and_then(|sink| {
        let file = sink.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        temp.persist(files.saved()).map_err(|error| error.error)?;
        Ok(file::sync_dir(files.dir())?)
    });
    if let Err(error) = written {
        monitor.execute("cont", Value::Null).await?;
        return Err(error.context("the memory could not be saved, so the machine runs on"));
    }
    drop(monitor);
    power::end(qemu, cx).await?;
    cx.checkpoint(qemu)
}

/// Switches a machine on: from its saved memory if there is any, from a pause, or by a boot.
pub(crate) async fn start(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    let files = Files::new(cx);
    if platform::is_held(&files.lock())? {
        return wake(&files).await;
    }
    if !files.saved().exists() {
        return launch::start(qemu, cx, Origin::Boot).await;
    }
    cx.progress.line("Carrying on from its saved memory...");
    let started = launch::start(qemu, cx, Origin::Saved).await;
    if let (Err(error), true) = (&started, files.saved().exists()) {
        tracing::debug!(%error, "the saved memory stays");
        power::end(qemu, cx).await?;
        return started.map_err(|error| {
            error
                .context("the saved memory cannot be used, perhaps because QEMU is another one")
                .hint(format!(
                    "drop it, as a power cut would: `machine kill {0}`, then `machine start {0}`",
                    cx.machine
                ))
        });
    }
    started
}

/// Loads the memory into the QEMU that waits for it, and lets it run. The file goes first: once the
/// guest runs, the disk does not fit it any more.
pub(crate) async fn carry_on(files: &Files) -> Result<()> {
    let mut monitor = qmp::connect(&files.monitor()).await?;
    let source = zstd::Decoder::new(BufReader::with_capacity(1 << 20, File::open(files.saved())?))?;
    migration::load(&mut monitor, Memory::InStream, files.migration(), source).await?;
    fs::remove_file(files.saved())?;
    file::sync_dir(files.dir())?;
    drop(monitor);
    wake(files).await
}

/// Lets a guest that stood still go on, with the clock put right: somebody paused it, it was saved,
/// or this computer's disk was full when it wrote.
pub(crate) async fn wake(files: &Files) -> Result<()> {
    let mut monitor = qmp::connect(&files.monitor()).await?;
    let status = monitor.execute("query-status", Value::Null).await?;
    if status["running"] == true {
        return Ok(());
    }
    let mut port = Port::open(&files.identity()).await?;
    let asked = port.send(Request::SetClock).await?;
    monitor.execute("cont", Value::Null).await?;
    // A guest that is not our image has no such port, and its own way with the clock.
    if let Err(error) = port.done(&asked, PATIENCE).await {
        tracing::debug!(%error, "the clock");
    }
    Ok(())
}

/// Drops what was saved: the machine is off, as after a power cut.
pub(crate) fn forget(files: &Files) -> Result<()> {
    match fs::remove_file(files.saved()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::from(error).context("the saved memory cannot be deleted"))
        }
        _ => Ok(()),
    }
}
