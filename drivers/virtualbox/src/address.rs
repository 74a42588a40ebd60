//! The guest's own address, out of what its `ip addr show` prints.

use std::net::Ipv4Addr;

use machine_driver::{Error, Result};

use crate::network::Cidr;
use crate::record::Record;

pub(crate) const QUERY: &str = "ip addr show";

/// The address of the interface with the record's MAC address; where that is not known, the first
/// one on the host-only network.
pub(crate) fn address(record: &Record, answer: &str) -> Result<Ipv4Addr> {
    let found = match record.mac.as_str() {
        "" => record.cidr.parse().ok().and_then(|cidr| on_network(cidr, answer)),
        mac => behind(&with_colons(mac), answer),
    };
    found.ok_or_else(|| {
        Error::other(format!("Could not find matching IP for MAC address {}", record.mac)).hint(
            format!("the guest has no address on {} yet: is there a DHCP server?", record.cidr),
        )
    })
}

/// `080027C229F8` as the guest writes it.
pub(crate) fn with_colons(mac: &str) -> String {
    let mac = mac.to_lowercase();
    let pairs: Vec<&str> = (0..mac.len() / 2).map(|at| &mac[2 * at..2 * at + 2]).collect();
    pairs.join(":")
}

/// The `inet` after the line `link/ether MAC`, before the next interface.
fn behind(mac: &str, answer: &str) -> Option<Ipv4Addr> {
    let mut lines = answer.lines().map(str::trim).skip_while(|line| !line.contains(mac)).skip(1);
    lines.by_ref().take_while(|line| !line.starts_with("link/")).find_map(inet)
}

fn on_network(cidr: Cidr, answer: &str) -> Option<Ipv4Addr> {
    answer.lines().map(str::trim).filter_map(inet).find(|address| cidr.contains(*address))
}

fn inet(line: &str) -> Option<Ipv4Addr> {
    line.strip_prefix("inet ")?.split(['/', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "1: lo: <LOOPBACK,UP>\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n\
        \x20   inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,UP>\n\
        \x20   link/ether 08:00:27:64:d2:63 brd ff:ff:ff:ff:ff:ff\n    inet 10.0.2.15/24 scope global eth0\n\
        3: eth1: <BROADCAST,UP>\n    link/ether 08:00:27:c2:29:f8 brd ff:ff:ff:ff:ff:ff\n\
        \x20   inet 192.168.59.101/24 scope global eth1\n    inet6 fe80::1/64 scope link\n\
        4: docker0: <UP>\n    link/ether 02:42:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    inet 172.17.0.1/16\n";

    #[test]
    fn by_mac_address_or_by_network() {
        let record = |mac: &str| Record {
            mac: mac.into(),
            cidr: "192.168.59.1/24".into(),
            ..Record::default()
        };
        let ours = Ipv4Addr::new(192, 168, 59, 101);
        assert_eq!(address(&record("080027C229F8"), ANSWER).unwrap(), ours);
        assert_eq!(address(&record(""), ANSWER).unwrap(), ours);
        let without = ANSWER.replace("    inet 192.168.59.101/24 scope global eth1\n", "");
        let error = address(&record("080027C229F8"), &without).unwrap_err();
        assert!(error.to_string().starts_with("Could not find matching IP"), "{error}");
        address(&record(""), &without).unwrap_err();
    }
}
