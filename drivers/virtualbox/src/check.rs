//! What would make `create` fail later, and what may.

use machine_driver::{Context, Error, Result};

use crate::driver::VirtualBox;
use crate::listing::paragraphs;
use crate::manage::Manage;
use crate::network::{self, APPLE_SILICON};
use crate::record::{Network, Record};
use crate::version::Version;
use crate::{info, network::plan};

/// Older ones are not looked after any more.
const OLDEST: Version = Version::new(6, 1, 0);

pub(crate) async fn check(vb: &VirtualBox, cx: &Context) -> Result<()> {
    let manage = Manage::find(cx)?;
    let version = vb.version(&manage).await?;
    if APPLE_SILICON && vb.record.boot2docker_url.is_empty() {
        return Err(Error::unsupported(
            "virtualbox",
            "our image, which is for x86-64, on this computer",
        )
        .hint("name an image for arm64: `--virtualbox-boot2docker-url ADDRESS`")
        .hint("or use another driver: `--driver qemu`"));
    }
    if version < OLDEST {
        cx.progress.warn(&format!(
            "VirtualBox {version} is old: machines are made for {}.{} and later",
            OLDEST.major, OLDEST.minor
        ));
    }
    if !vb.record.no_vtx_check && !APPLE_SILICON {
        host(&vb.record, cx, &manage).await?;
    }
    if !vb.record.import_vm.is_empty() {
        let name = &vb.record.import_vm;
        info::info(&manage, name).await.map_err(|error| {
            error
                .context(format!("there is no machine `{name}` to import"))
                .hint("VBoxManage list vms")
        })?;
    }
    if vb.record.network == Network::HostOnly && !APPLE_SILICON {
        let there = network::interfaces(&manage).await?;
        plan(cx, &vb.record, &there, version)?;
    }
    Ok(())
}

/// VirtualBox's own opinion of the processor is better than a look at it from here: another
/// hypervisor may hold it, and VirtualBox may be able to work on top of that. So this only warns.
async fn host(record: &Record, cx: &Context, manage: &Manage) -> Result<()> {
    let text = manage.run(&["list", "hostinfo"]).await?;
    let Some(host) = paragraphs(&text, "Host time").into_iter().next() else { return Ok(()) };
    if host.get("Processor supports HW virtualization").is_some_and(|answer| answer == "no") {
        let why = match cfg!(windows) {
            true => "Hyper-V may have it: VirtualBox then works on top of Hyper-V, and slowly",
            false => {
                "is it turned off in the computer's firmware, or is this a virtual machine itself?"
            }
        };
        cx.progress.warn(&format!(
            "VirtualBox finds no VT-x or AMD-V: {why} (no such look: `--virtualbox-no-vtx-check`)"
        ));
    }
    let size = host.get("Memory size").and_then(|text| text.split(' ').next()?.parse::<i64>().ok());
    match size.filter(|size| record.memory > *size) {
        None => Ok(()),
        Some(size) => Err(Error::other(format!(
            "the machine is to have {} MB of memory, and this computer has {size} MB",
            record.memory
        ))
        .hint("ask for less: `--virtualbox-memory 1024`")),
    }
}
