//! From a template to a machine of its own.

use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use machine_driver::Result;
use machine_driver::seed::Seed;
use serde_json::{Value, json};

use super::{Template, touch};
use crate::arguments::DISK;
use crate::files::Files;
use crate::identity::{Clock, Port, Request};
use crate::migration::{self, Memory};
use crate::qmp;
use crate::record::Record;

/// How long a guest may take to become somebody. It takes a second or two; a busy host without
/// hardware acceleration has needed ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loads the template's devices into the QEMU that waits for them, tells the guest who it is, and
/// lets it run. On return it answers under its own name.
pub(crate) async fn bring_to_life(
    record: &Record,
    files: &Files,
    template: &Template,
    seed: &Seed,
) -> Result<()> {
    let mut monitor = qmp::connect(&files.monitor()).await?;
    let devices = BufReader::new(File::open(template.devices())?);
    migration::load(&mut monitor, Memory::InFile, files.migration(), devices).await?;
    let grows = record.disk_size > template.disk_size();
    if grows {
        let size = u64::from(record.disk_size) << 20;
        monitor.execute("block_resize", json!({ "device": DISK, "size": size })).await?;
    }
    let archive = seed.to_tar()?;
    let mut port = Port::open(&files.identity()).await?;
    let asked = port.send(Request::Apply { archive: &archive, clock: Clock::Set }).await?;
    monitor.execute("cont", Value::Null).await?;
    port.done(&asked, PATIENCE).await?;
    if grows {
        port.ask(Request::GrowDisk, PATIENCE).await?;
    }
    touch(&template.dir);
    Ok(())
}
