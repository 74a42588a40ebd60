//! Networks that only machines are on, for those that have no host-only one. Every machine has an
//! address there that never changes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use machine_driver::{Context, Error, Result, file, shared};
use serde::{Deserialize, Serialize};

/// The file of one network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Internal {
    machines: BTreeMap<String, Ipv4Addr>,
}

pub(crate) const PREFIX: u8 = 24;

/// What VirtualBox calls the network: names are everybody's there.
pub(super) fn name(cx: &Context, network: &str) -> Result<String> {
    Ok(format!("machine-{}-{network}", cx.store_id.get()?))
}

/// Puts this machine on a network, and returns its address. The same one each time.
pub(super) fn join(cx: &Context, network: &str) -> Result<Ipv4Addr> {
    // This computer is not on the network, so only the networks of the guest itself are in its way:
    // VirtualBox's 10.0.2.0, and Docker's above 172.17.
    let digest = file::sha256_hex(name(cx, network)?.as_bytes());
    let number = |at: usize| u8::from_str_radix(&digest[at..at + 2], 16).unwrap_or_default();
    let (second, third) = (100 + number(0) % 150, number(2));
    shared::update(&cx.shared_dir, &path(network), |internal: &mut Internal| {
        internal.machines.retain(|machine, _| cx.machine_dir.with_file_name(machine).exists());
        if let Some(address) = internal.machines.get(&cx.machine) {
            return Ok(*address);
        }
        let address = (2..255)
            .map(|host| Ipv4Addr::new(10, second, third, host))
            .find(|address| !internal.machines.values().any(|other| other == address))
            .ok_or_else(|| Error::other(format!("the network `{network}` is full")))?;
        internal.machines.insert(cx.machine.clone(), address);
        Ok(address)
    })
}

/// Takes this machine off a network, whose file ends with its last machine.
pub(crate) fn leave(cx: &Context, network: &str) -> Result<()> {
    if network.is_empty() {
        return Ok(());
    }
    let left = shared::forget(&cx.shared_dir, &path(network), |internal: &mut Internal| {
        internal.machines.remove(&cx.machine);
        Ok(internal.machines.len())
    })?;
    if left == Some(0) {
        std::fs::remove_file(cx.shared_dir.join(path(network)))?;
    }
    Ok(())
}

/// All machines of a network: address and name.
pub(crate) fn hosts(cx: &Context, network: &str) -> Result<Vec<(IpAddr, String)>> {
    let internal: Internal = shared::read(&cx.shared_dir.join(path(network)))?;
    Ok(internal.machines.into_iter().map(|(name, address)| (address.into(), name)).collect())
}

fn path(network: &str) -> PathBuf {
    PathBuf::from("networks").join(format!("{network}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn addresses_are_stable_and_the_last_one_ends_the_network() {
        let lab = Lab::new();
        let (one, two) = (lab.context("one"), lab.context("two"));
        let first = join(&one, "lab").unwrap();
        let second = join(&two, "lab").unwrap();
        assert_ne!(first, second);
        assert_eq!(first.octets()[..3], second.octets()[..3]);
        assert_eq!(join(&one, "lab").unwrap(), first);
        let names: Vec<_> = hosts(&one, "lab").unwrap().into_iter().map(|it| it.1).collect();
        assert_eq!(names, ["one", "two"]);
        for cx in [&one, &one, &two] {
            leave(cx, "lab").unwrap();
        }
        assert!(!one.shared_dir.join("networks/lab.json").exists());
    }
}
