//! How a machine is reached: the host-only network that it shares with this computer, or the internal
//! one on which machines behind NAT reach each other.

mod allowed;
mod cidr;
mod dhcp;
mod host_only;
mod host_only_net;
mod internal;
mod plan;
mod release;
mod taken;

use machine_driver::{Context, Result};

pub(crate) use cidr::Cidr;
pub(crate) use host_only::interfaces;
pub(crate) use internal::{PREFIX, hosts, leave};
pub(crate) use plan::plan;
pub(crate) use release::release;

use crate::driver::VirtualBox;
use crate::manage::Manage;
use crate::record::Network;
use crate::version::Version;

/// VirtualBox has networks there instead of interfaces.
pub(crate) const APPLE_SILICON: bool = cfg!(all(target_os = "macos", target_arch = "aarch64"));

/// Makes sure that the network is there, and returns the arguments of `modifyvm` with which the
/// machine's second interface is put on it.
pub(crate) async fn connect(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    version: Version,
) -> Result<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    if vb.record.network == Network::Nat {
        if vb.record.internal_network.is_empty() {
            return Ok(Vec::new());
        }
        let name = internal::name(cx, &vb.record.internal_network)?;
        let kind = &vb.record.nat_nic_type;
        return Ok(words(&[
            "--nic2",
            "intnet",
            "--nictype2",
            kind,
            "--intnet2",
            &name,
            "--macaddress2",
            &vb.record.mac,
            "--cableconnected2",
            "on",
        ]));
    }
    let (kind, option) = match APPLE_SILICON {
        true => ("hostonlynet", "--host-only-net2"),
        false => ("hostonly", "--hostonlyadapter2"),
    };
    let name = match APPLE_SILICON {
        true => host_only_net::ensure(vb, cx, manage).await?,
        false => host_only::ensure(vb, cx, manage, version).await?,
    };
    let record = &vb.record;
    let mut args: Vec<String> = words(&[
        "--nic2",
        kind,
        "--nictype2",
        &record.host_only_nic_type,
        "--nicpromisc2",
        &record.host_only_promisc_mode,
        option,
        &name,
        "--cableconnected2",
        "on",
    ]);
    if !record.mac.is_empty() {
        args.extend(["--macaddress2".to_owned(), record.mac.clone()]);
    }
    Ok(args)
}

/// Takes, or finds again, the machine's address on its internal network.
pub(crate) fn join(vb: &mut VirtualBox, cx: &Context) -> Result<()> {
    if !vb.record.internal_network.is_empty() {
        vb.record.private_ip = Some(internal::join(cx, &vb.record.internal_network)?);
    }
    Ok(())
}
