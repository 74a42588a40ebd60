//! Another size for a machine that is off.

use machine_driver::{Context, Error, Result, Size, SizeFlags};

use crate::birth;
use crate::driver::HyperV;
use crate::place::Place;

pub(crate) const FLAGS: SizeFlags =
    SizeFlags { cpus: Some("hyperv-cpu-count"), memory: Some("hyperv-memory"), disk: None };

/// Gives the machine its shape once more, with other numbers.
pub(crate) async fn resize(machine: &mut HyperV, cx: &Context, size: Size) -> Result<()> {
    if size.disk.is_some() {
        return Err(Error::unsupported("hyperv", "larger disks"));
    }
    if machine.record.vm_id.is_empty() {
        // docker-machine's: its image and disk lie elsewhere.
        return Err(Error::unsupported("hyperv", "another size for a machine of docker-machine"));
    }
    let before = machine.record.clone();
    machine.record.cpus = size.cpus.unwrap_or(before.cpus);
    machine.record.mem_size = size.memory.unwrap_or(before.mem_size);
    let place = Place::of(cx, &machine.record).await?;
    let shaped = birth::configure(machine, cx, &place).await;
    if shaped.is_err() {
        machine.record = before;
    }
    shaped
}
