//! Which networks this computer has already: those of its interfaces, and those it has routes to.

use std::net::IpAddr;

use super::Cidr;

/// All of them, but for the loopback's.
pub(super) fn networks() -> Vec<Cidr> {
    let mut all = interfaces();
    all.extend(routes());
    all
}

fn interfaces() -> Vec<Cidr> {
    let interfaces = sysinfo::Networks::new_with_refreshed_list();
    let addresses = interfaces.values().flat_map(sysinfo::NetworkData::ip_networks);
    addresses
        .filter_map(|network| match network.addr {
            IpAddr::V4(address) if !address.is_loopback() => {
                Some(Cidr::new(address, network.prefix))
            }
            _ => None,
        })
        .collect()
}

/// Destination and mask of the IPv4 routes, without the default route and single hosts.
/// `/proc/net/route` has them in hexadecimal, in the byte order of the processor.
#[cfg(target_os = "linux")]
fn routes() -> Vec<Cidr> {
    let text = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let address = |field: &str| {
        let number = u32::from_str_radix(field, 16).ok()?;
        Some(std::net::Ipv4Addr::from_bits(u32::from_be(number)))
    };
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Cidr::with_mask(address(fields.get(1)?)?, address(fields.get(7)?)?)
    };
    text.lines().skip(1).filter_map(route).filter(|it| (1..32).contains(&it.prefix)).collect()
}

/// Not looked at here: what leads into another network mostly has an address in it.
#[cfg(not(target_os = "linux"))]
fn routes() -> Vec<Cidr> {
    Vec::new()
}
