//! Another size for a machine that is off.

use machine_driver::{Context, Error, Result, Size, SizeFlags};

use crate::birth::modify;
use crate::manage::Manage;
use crate::record::Record;

/// The disk is none of them: VirtualBox does not make the ones that it keeps as VMDK larger
/// (`VBoxManage modifymedium --resize`: only VDI and VHD).
/// <https://www.virtualbox.org/manual/topics/vboxmanage.html#vboxmanage-modifymedium>
pub(crate) const FLAGS: SizeFlags =
    SizeFlags { cpus: Some("virtualbox-cpu-count"), memory: Some("virtualbox-memory"), disk: None };

pub(crate) async fn resize(record: &mut Record, cx: &Context, size: Size) -> Result<()> {
    if size.disk.is_some() {
        return Err(Error::unsupported("virtualbox", "larger disks"));
    }
    let numbers = [("--cpus", size.cpus), ("--memory", size.memory)];
    let given = numbers.iter().filter_map(|(option, number)| Some((*option, (*number)?)));
    let args: Vec<String> =
        given.flat_map(|(option, number)| [option.to_owned(), number.to_string()]).collect();
    modify(&Manage::find(cx)?, record.id(), &args).await?;
    record.cpus = size.cpus.map_or(record.cpus, i64::from);
    record.memory = size.memory.map_or(record.memory, i64::from);
    Ok(())
}
