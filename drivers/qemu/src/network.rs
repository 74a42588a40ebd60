//! Networks that machines share: a multicast group on the loopback interface, which needs neither
//! root nor a daemon. Every machine has an address and a MAC there that never change.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use machine_driver::{Context, Error, Result, shared};
use serde::{Deserialize, Serialize};

use crate::files::{digest, digest_number};
use crate::system;

/// The file of one network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Network {
    /// The group's UDP port; 0 in a file that is not there yet.
    port: u16,
    /// The first three numbers of every address; the prefix is 24.
    subnet: [u8; 3],
    machines: BTreeMap<String, Ipv4Addr>,
}

pub(crate) const PREFIX: u8 = 24;

/// Puts this machine on a network, and returns its address and MAC. The same ones each time.
pub(crate) fn join(cx: &Context, name: &str) -> Result<(Ipv4Addr, String)> {
    let address = shared::update(&cx.shared_dir, &file(name), |network: &mut Network| {
        if network.port == 0 {
            *network = found(cx, name)?;
        }
        network.machines.retain(|machine, _| cx.machine_dir.with_file_name(machine).exists());
        if let Some(address) = network.machines.get(&cx.machine) {
            return Ok(*address);
        }
        let [a, b, c] = network.subnet;
        let address = (2..255)
            .map(|host| Ipv4Addr::new(a, b, c, host))
            .find(|address| !network.machines.values().any(|other| other == address))
            .ok_or_else(|| Error::other(format!("the network `{name}` is full")))?;
        network.machines.insert(cx.machine.clone(), address);
        Ok(address)
    })?;
    let bytes = digest(&[cx.store_id.get()?, name, &cx.machine]);
    // 52:54:00 is what QEMU's own addresses begin with.
    Ok((address, format!("52:54:00:{}:{}:{}", &bytes[..2], &bytes[2..4], &bytes[4..6])))
}

/// Takes this machine off a network, which ends with its last machine.
pub(crate) fn leave(cx: &Context, name: &str) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    let left = shared::forget(&cx.shared_dir, &file(name), |network: &mut Network| {
        network.machines.remove(&cx.machine);
        Ok(network.machines.len())
    })?;
    if left == Some(0) {
        std::fs::remove_file(cx.shared_dir.join(file(name)))?;
    }
    Ok(())
}

/// The UDP port of a network that this machine is on.
pub(crate) fn port(cx: &Context, name: &str) -> Result<u16> {
    Ok(read(cx, name)?.port)
}

/// All machines of a network: address and name.
pub(crate) fn hosts(cx: &Context, name: &str) -> Result<Vec<(IpAddr, String)>> {
    let network = read(cx, name)?;
    Ok(network.machines.into_iter().map(|(name, address)| (address.into(), name)).collect())
}

fn read(cx: &Context, name: &str) -> Result<Network> {
    shared::read(&cx.shared_dir.join(file(name)))
}

fn file(name: &str) -> PathBuf {
    PathBuf::from("networks").join(format!("{name}.json"))
}

/// A new network: port and subnet follow from its name, unless somebody has them.
fn found(cx: &Context, name: &str) -> Result<Network> {
    let others: Vec<Network> = std::fs::read_dir(cx.shared_dir.join("networks"))
        .into_iter()
        .flatten()
        .filter_map(|entry| shared::read(&entry.ok()?.path()).ok())
        .collect();
    let routes = system::routes();
    let store_id = cx.store_id.get()?;
    for round in 0..1000_u32 {
        let number = digest_number(&[store_id, name, &round.to_string()]);
        let [_, _, b, c] = number.to_be_bytes();
        // QEMU's user network is 10.0.2.0, and Docker takes networks above 172.17.
        let subnet = [10, 100 + b % 150, c];
        let port = 20_000 + u16::try_from(number % 20_000).unwrap_or_default();
        let first = u32::from(Ipv4Addr::new(subnet[0], subnet[1], subnet[2], 0));
        let routed = routes.iter().any(|(net, mask)| *mask != 0 && first & mask == *net);
        let taken = others.iter().any(|other| other.subnet == subnet || other.port == port);
        if !routed && !taken {
            return Ok(Network { port, subnet, machines: BTreeMap::new() });
        }
    }
    Ok(Network { port: 20_000, subnet: [10, 250, 250], machines: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn addresses_are_stable_and_different() {
        let lab = Lab::new();
        let (one, two) = (lab.context("one"), lab.context("two"));
        let (first, mac) = join(&one, "lab").unwrap();
        let (second, other_mac) = join(&two, "lab").unwrap();
        assert_ne!(first, second);
        assert_ne!(mac, other_mac);
        assert_eq!(first.octets()[..3], second.octets()[..3]);
        assert_eq!(join(&one, "lab").unwrap(), (first, mac));
        let names: Vec<_> = hosts(&one, "lab").unwrap().into_iter().map(|it| it.1).collect();
        assert_eq!(names, ["one", "two"]);
        assert_ne!(port(&one, "lab").unwrap(), 0);
    }

    #[test]
    fn the_last_one_ends_the_network() {
        let lab = Lab::new();
        let one = lab.context("one");
        join(&one, "lab").unwrap();
        leave(&one, "lab").unwrap();
        leave(&one, "lab").unwrap();
        assert!(!one.shared_dir.join("networks/lab.json").exists());
    }
}
