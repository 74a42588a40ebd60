//! How a machine comes into being.

use machine_driver::{Birth, Context, Error, Result, file};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::driver::HyperV;
use crate::hypervisor::SHORT;
use crate::place::{DISK, IMAGE, Place};
use crate::scripts::{CONFIGURE, CREATE};
use crate::{check, nat, place, power, switch, vhdx};

/// Fixes the machine's switch and where its files are to lie; on a network of our own, its address.
pub(crate) async fn reserve(machine: &mut HyperV, cx: &Context) -> Result<()> {
    place::choose(&machine.hypervisor, cx, &mut machine.record).await?;
    if machine.record.nat_subnet.is_empty() {
        let facts = check::facts(&machine.hypervisor, cx).await?;
        let record = &mut machine.record;
        record.virtual_switch =
            switch::choose(&record.virtual_switch, &facts.switches)?.name.clone();
        cx.progress.line(&format!("Using switch \"{}\"", record.virtual_switch));
    } else {
        nat::reserve(cx, &mut machine.record)?;
    }
    cx.checkpoint(machine)
}

pub(crate) async fn create(machine: &mut HyperV, cx: &Context, birth: &Birth) -> Result<()> {
    let place = Place::of(cx, &machine.record).await?;
    place.make()?;
    let image = birth.image.as_ref().ok_or_else(|| Error::other("there is no boot image"))?;
    // A copy, for Hyper-V gives each machine rights on the files that it is given.
    if !place.image().exists() || machine.record.image_version != image.version {
        let (from, to) = (image.iso.display(), place.image());
        cx.progress.line(&format!("Copying {from} to {}...", to.display()));
        file::copy(&image.iso, &to)
            .map_err(|error| Error::from(error).context(format!("cannot copy `{from}`")))?;
        machine.record.image_version.clone_from(&image.version);
        cx.checkpoint(machine)?;
    }
    let mut seed = birth.seed.clone();
    nat::join(&machine.hypervisor, cx, &machine.record, &mut seed).await?;
    make_disk(machine, &place, &seed.to_tar()?)?;
    cx.checkpoint(machine)?;

    if machine.record.vm_id.is_empty() {
        cx.progress.line("Creating VM...");
        machine.record.vm_id = make_vm(machine, cx, &place).await?;
        cx.checkpoint(machine)?;
    }
    configure(machine, cx, &place).await?;
    power::start(machine, cx).await
}

/// Makes the disk, with the seed at its start. One that is ready may have been used and is never
/// made again.
fn make_disk(machine: &mut HyperV, place: &Place, seed: &[u8]) -> Result<()> {
    if machine.record.disk_ready {
        return Ok(());
    }
    let path = place.disk();
    vhdx::create(&path, u64::from(machine.record.disk_size) << 20, seed).map_err(|error| {
        Error::from(error).context(format!("cannot make the disk `{}`", path.display()))
    })?;
    machine.record.disk_ready = true;
    Ok(())
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

async fn make_vm(machine: &HyperV, cx: &Context, place: &Place) -> Result<String> {
    let record = &machine.record;
    let parameters = json!({
        "Name": cx.machine,
        "Directory": place.windows(),
        "SwitchName": record.virtual_switch,
        "Generation": record.generation,
        "MemoryMB": record.mem_size,
    });
    let made: Made = machine.hypervisor.ask(cx, CREATE, parameters, SHORT).await?;
    Ok(made.id)
}

pub(crate) async fn configure(machine: &HyperV, cx: &Context, place: &Place) -> Result<()> {
    let record = &machine.record;
    let parameters = json!({
        "Id": record.vm_id,
        "Processors": record.cpus,
        "MemoryMB": record.mem_size,
        "DynamicMemory": record.dynamic_memory(),
        "Nested": record.nested_virtualization,
        "MacAddress": record.mac_addr,
        "Vlan": record.vlan,
        "Disk": place.windows_file(DISK),
        "Image": place.windows_file(IMAGE),
        "Notes": format!("Made by machine, store {}", cx.store_id.get()?),
    });
    machine.hypervisor.ask::<Value>(cx, CONFIGURE, parameters, SHORT).await.map(drop)
}
