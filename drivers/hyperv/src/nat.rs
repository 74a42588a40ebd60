//! A network of our own: an internal switch of this store, this computer as the gateway, address
//! translation to the outside. Its subnet never moves, and every machine has one address for life.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::Path;
use std::str::FromStr;

use machine_driver::seed::{Interface, Seed, Uplink};
use machine_driver::{Context, Error, Result, file, shared};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::hypervisor::{Hypervisor, SHORT};
use crate::record::Record;
use crate::scripts::{JOIN, LEAVE};

/// An IPv4 network with room for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet {
    first: Ipv4Addr,
    pub(crate) prefix: u8,
}

impl Subnet {
    /// This computer's address in it.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.first) + 1)
    }

    /// The addresses for machines.
    fn machines(self) -> impl Iterator<Item = Ipv4Addr> {
        let first = u32::from(self.first);
        let size = 1_u32 << (32 - self.prefix);
        (first + 2..first + size - 1).map(Ipv4Addr::from)
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no subnet");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
        if !(8..=29).contains(&prefix) {
            return Err(format!("`{text}`: the prefix is from 8 to 29"));
        }
        let mask = !0_u32 << (32 - prefix);
        Ok(Self { first: Ipv4Addr::from(u32::from(address) & mask), prefix })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The file of the network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Network {
    subnet: String,
    machines: BTreeMap<String, Ipv4Addr>,
}

const FILE: &str = "nat.json";

/// Takes, or finds again, the machine's place on the network, and records it. Nothing is made yet.
pub(crate) fn reserve(cx: &Context, record: &mut Record) -> Result<()> {
    let subnet = subnet(record)?;
    let address = shared::update(&cx.shared_dir, Path::new(FILE), |network: &mut Network| {
        network.machines.retain(|machine, _| cx.machine_dir.with_file_name(machine).exists());
        if network.machines.is_empty() {
            network.subnet = subnet.to_string();
        }
        if network.subnet != subnet.to_string() {
            let message = format!("the network of this store is {} already", network.subnet);
            return Err(
                Error::other(message).hint(format!("say `--hyperv-nat-subnet {}`", network.subnet))
            );
        }
        if let Some(address) = network.machines.get(&cx.machine) {
            return Ok(*address);
        }
        let address = subnet
            .machines()
            .find(|address| !network.machines.values().any(|other| other == address))
            .ok_or_else(|| Error::other(format!("the network {subnet} is full")))?;
        network.machines.insert(cx.machine.clone(), address);
        Ok(address)
    })?;
    record.virtual_switch = format!("machine-{}", cx.store_id.get()?);
    record.nat_ip = Some(address);
    record.base.ip_address = address.to_string();
    if record.mac_addr.is_empty() {
        record.mac_addr = mac(cx, address)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Joined {
    name_servers: Vec<Ipv4Addr>,
}

/// Makes the network unless it is there, and tells the guest its place on it.
pub(crate) async fn join(
    hypervisor: &Hypervisor,
    cx: &Context,
    record: &Record,
    seed: &mut Seed,
) -> Result<()> {
    let Some(address) = record.nat_ip else { return Ok(()) };
    let subnet = subnet(record)?;
    let parameters = json!({
        "SwitchName": record.virtual_switch,
        "Gateway": subnet.gateway().to_string(),
        "PrefixLength": subnet.prefix,
        "Subnet": subnet.to_string(),
    });
    let joined: Joined = hypervisor.ask(cx, JOIN, parameters, SHORT).await.map_err(|error| {
        error
            .context(format!("the network {subnet} cannot be made"))
            .hint("is another network in the way? `Get-NetNat`, `Get-NetIPAddress`")
    })?;
    seed.interfaces.push(Interface {
        mac: colons(&record.mac_addr),
        address: address.into(),
        prefix: subnet.prefix,
    });
    seed.uplink = Some(Uplink {
        gateway: subnet.gateway().into(),
        name_servers: joined.name_servers.into_iter().map(Into::into).collect(),
    });
    Ok(())
}

/// Takes the machine off the network, which ends with its last machine.
pub(crate) async fn leave(hypervisor: &Hypervisor, cx: &Context, record: &Record) -> Result<()> {
    if record.nat_ip.is_none() {
        return Ok(());
    }
    let left = shared::forget(&cx.shared_dir, Path::new(FILE), |network: &mut Network| {
        network.machines.remove(&cx.machine);
        Ok(network.machines.len())
    })?;
    if left == Some(0) {
        let parameters = json!({ "SwitchName": record.virtual_switch });
        hypervisor.ask::<Value>(cx, LEAVE, parameters, SHORT).await?;
    }
    Ok(())
}

fn subnet(record: &Record) -> Result<Subnet> {
    record.nat_subnet.parse().map_err(Error::other)
}

/// An address that is ours alone: locally administered, and made of the store and the machine's
/// place, so that it is the same each time.
fn mac(cx: &Context, address: Ipv4Addr) -> Result<String> {
    let digest = file::sha256_hex(cx.store_id.get()?.as_bytes());
    let [_, _, c, d] = address.octets();
    Ok(format!("02{}{c:02X}{d:02X}", digest[..6].to_uppercase()))
}

fn colons(mac: &str) -> String {
    let pairs: Vec<&str> = (0..mac.len() / 2).map(|at| &mac[2 * at..2 * at + 2]).collect();
    pairs.join(":").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::tests::Lab;

    #[test]
    fn subnets_are_read_and_have_a_gateway() {
        let subnet: Subnet = "192.168.77.9/24".parse().unwrap();
        assert_eq!(subnet.to_string(), "192.168.77.0/24");
        assert_eq!(subnet.gateway(), Ipv4Addr::new(192, 168, 77, 1));
        assert_eq!("10.0.0.0/29".parse::<Subnet>().unwrap().machines().count(), 5);
        for wrong in ["10.0.0.0", "10.0.0.0/30", "10.0.0/24", "x/24", "10.0.0.0/7"] {
            wrong.parse::<Subnet>().unwrap_err();
        }
    }

    #[test]
    fn every_machine_has_an_address_for_life() {
        let lab = Lab::new();
        let place = |name: &str| {
            let cx = lab.context(name);
            let mut record = Record::new(&cx);
            record.nat_subnet = "192.168.77.0/24".into();
            reserve(&cx, &mut record).unwrap();
            (record.base.ip_address.clone(), record.mac_addr.clone())
        };
        let one = place("one");
        let two = place("two");
        assert_eq!((one.0.as_str(), two.0.as_str()), ("192.168.77.2", "192.168.77.3"));
        assert_ne!(one.1, two.1);
        assert_eq!(place("one"), one);
        let first = u8::from_str_radix(&one.1[..2], 16).unwrap();
        assert_eq!(first & 0b11, 0b10, "locally administered, one machine's");
        assert_eq!(colons(&one.1).len(), 17);
    }

    #[test]
    fn a_store_has_one_such_network() {
        let lab = Lab::new();
        let reserve_in = |name: &str, subnet: &str| {
            let cx = lab.context(name);
            let mut record = Record::new(&cx);
            record.nat_subnet = subnet.into();
            reserve(&cx, &mut record)
        };
        reserve_in("one", "192.168.77.0/24").unwrap();
        let error = reserve_in("two", "192.168.78.0/24").unwrap_err();
        assert!(error.hints()[0].contains("192.168.77.0/24"));
    }
}
