//! Taking away what was made for a network, with the last machine on it.

use machine_driver::{Context, Error, Result};

use super::host_only::{left_behind, listed};
use super::{APPLE_SILICON, Cidr, host_only_net};
use crate::driver::VirtualBox;
use crate::listing::Machines;
use crate::manage::Manage;

/// Where VirtualBox's own settings say that an interface is ours: its address, since names are given
/// anew when the computer is switched on.
fn key(interface: &str) -> String {
    format!("machine/HostOnly/{interface}")
}

/// Marks an interface as made by us.
pub(super) async fn mark(manage: &Manage, interface: &str, cidr: Cidr) -> Result<()> {
    let args = ["setextradata", "global", &key(interface), &cidr.to_string()];
    manage.run(&args).await.map(drop)
}

/// Removes the interface that the machine was on and its DHCP server, if we have made it and no other
/// machine is on it; and one whose making was cut off. `adapter` is the one that VirtualBox named.
pub(crate) async fn release(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    adapter: Option<&str>,
) -> Result<()> {
    let recorded = vb.record.host_only_adapter.clone();
    let name = Some(recorded).filter(|name| !name.is_empty()).or(adapter.map(str::to_owned));
    if APPLE_SILICON {
        return match name {
            Some(name) => host_only_net::release(&vb.record, manage, &name).await,
            None => Ok(()),
        };
    }
    if vb.record.host_only_before.is_some() {
        let there = listed(manage).await?;
        if let Some(stray) = left_behind(&vb.record, &there)
            && !Machines::list(manage).await?.others_use(&stray.name, vb.record.id())
        {
            remove_interface(manage, &stray.name).await?;
        }
        vb.record.host_only_before = None;
        cx.checkpoint(vb)?;
    }
    let Some(name) = name else { return Ok(()) };
    let Some(marked) = marked(manage, &name).await? else { return Ok(()) };
    if Machines::list(manage).await?.others_use(&name, vb.record.id()) {
        return Ok(());
    }
    let there = listed(manage).await?;
    let ours = there.iter().find(|it| it.name == name);
    // One with another address was made by somebody else since; one that is new was never finished.
    let is_others = |cidr: Cidr| cidr.to_string() != marked && !is_new(cidr);
    match ours {
        Some(interface) if !interface.cidr.is_some_and(is_others) => {
            remove_interface(manage, &name).await?;
        }
        _ => forget(manage, &name).await?,
    }
    vb.record.host_only_adapter.clear();
    cx.checkpoint(vb)
}

/// Whether this is an address that VirtualBox gives a new interface: 192.168.56.1 and those after it.
fn is_new(cidr: Cidr) -> bool {
    let [a, b, c, d] = cidr.address.octets();
    (a, b, d) == (192, 168, 1) && (56..64).contains(&c)
}

async fn marked(manage: &Manage, interface: &str) -> Result<Option<String>> {
    let said = manage.run(&["getextradata", "global", &key(interface)]).await?;
    Ok(said.lines().find_map(|line| line.strip_prefix("Value: ")).map(|it| it.trim().to_owned()))
}

/// Removes an interface, its DHCP server and our mark; what is gone already is success.
pub(super) async fn remove_interface(manage: &Manage, name: &str) -> Result<()> {
    unless_gone(manage.run(&["hostonlyif", "remove", name]).await)?;
    let network = format!("HostInterfaceNetworking-{name}");
    unless_gone(manage.run(&["dhcpserver", "remove", "--netname", &network]).await)?;
    forget(manage, name).await
}

async fn forget(manage: &Manage, name: &str) -> Result<()> {
    manage.run(&["setextradata", "global", &key(name)]).await.map(drop)
}

fn unless_gone(result: Result<String>) -> Result<()> {
    let gone = |error: &Error| {
        let text = error.one_line();
        ["could not be found", "does not exist", "DHCP server"].iter().any(|it| text.contains(it))
    };
    match result {
        Err(error) if !gone(&error) => Err(error),
        _ => Ok(()),
    }
}
