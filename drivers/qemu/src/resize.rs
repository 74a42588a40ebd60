//! Another size for a machine that exists.

use std::fs::OpenOptions;
use std::time::Duration;

use machine_driver::{Context, Error, ErrorKind, Result, Size};
use serde_json::json;

use crate::arguments::DISK;
use crate::driver::Qemu;
use crate::files::Files;
use crate::identity::{Port, Request};
use crate::{flags, platform, qmp};

/// How long a guest may take to make its file system larger.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn resize(qemu: &mut Qemu, cx: &Context, size: Size) -> Result<()> {
    let files = Files::new(cx);
    flags::check_size(size)?;
    let runs = platform::is_held(&files.lock())?;
    if (runs || files.saved().exists()) && (size.cpus.is_some() || size.memory.is_some()) {
        return Err(Error::new(ErrorKind::Other, "CPUs and memory change only while it is off"));
    }
    if let Some(disk) = size.disk {
        grow(qemu, cx, &files, disk, runs).await?;
    }
    let record = &mut qemu.record;
    record.cpus = size.cpus.unwrap_or(record.cpus);
    record.memory = size.memory.unwrap_or(record.memory);
    cx.checkpoint(qemu)
}

/// Makes the disk larger, and the file system on it: now if the guest runs, else at its next boot.
async fn grow(qemu: &mut Qemu, cx: &Context, files: &Files, disk: u32, runs: bool) -> Result<()> {
    let had = qemu.record.disk_size;
    if disk < had {
        return Err(Error::new(ErrorKind::Unsupported, "a disk cannot become smaller")
            .caused_by(format!("it has {had} MB, and {disk} are asked for")));
    }
    if files.saved().exists() {
        return Err(Error::other(
            "the machine is saved with its memory, which knows the disk's size",
        )
        .hint(format!("let it go on first: `machine start {}`", cx.machine)));
    }
    let bytes = u64::from(disk) << 20;
    if runs {
        let mut monitor = qmp::connect(&files.monitor()).await?;
        monitor.execute("block_resize", json!({ "device": DISK, "size": bytes })).await?;
    } else {
        OpenOptions::new().write(true).open(files.disk())?.set_len(bytes)?;
    }
    qemu.record.disk_size = disk;
    cx.checkpoint(qemu)?;
    if runs && disk > had {
        let mut port = Port::open(&files.identity()).await?;
        if let Err(error) = port.ask(Request::GrowDisk, PATIENCE).await {
            let text = "the disk is larger, and its file system will be after the next boot";
            cx.progress.warn(&format!("{text}: {}", error.one_line()));
        }
    }
    Ok(())
}
