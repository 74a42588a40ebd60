use machine_driver::Result;

use super::Cidr;
use crate::listing::{Paragraph, paragraphs};
use crate::manage::Manage;

/// Makes sure that the network has a DHCP server that gives away addresses of `cidr`. One that does
/// is left as it is; it may be the user's.
pub(super) async fn ensure(
    manage: &Manage,
    network: &str,
    cidr: Cidr,
    enabled: bool,
) -> Result<()> {
    let servers = paragraphs(&manage.run(&["list", "dhcpservers"]).await?, "NetworkName");
    let there = servers.iter().find(|it| it.get("NetworkName").is_some_and(|name| name == network));
    if there.is_some_and(|server| serves(server, cidr, enabled)) {
        return Ok(());
    }
    let (server, first, last) = cidr.dhcp();
    let [server, mask, first, last] = [server, cidr.mask(), first, last].map(|it| it.to_string());
    let verb = if there.is_some() { "modify" } else { "add" };
    let switch = if enabled { "--enable" } else { "--disable" };
    let args = [
        "dhcpserver",
        verb,
        "--netname",
        network,
        "--ip",
        &server,
        "--netmask",
        &mask,
        "--lowerip",
        &first,
        "--upperip",
        &last,
        switch,
    ];
    manage.run(&args).await.map(drop)
}

fn serves(server: &Paragraph, cidr: Cidr, enabled: bool) -> bool {
    let value = |keys: [&str; 2]| keys.iter().find_map(|key| server.get(*key));
    let inside = |keys| {
        value(keys).and_then(|text| text.parse().ok()).is_some_and(|address| cidr.contains(address))
    };
    // Before 7.0 the keys of addresses were written as one word.
    inside(["Dhcpd IP", "IP"])
        && inside(["LowerIPAddress", "lowerIPAddress"])
        && inside(["UpperIPAddress", "upperIPAddress"])
        && value(["Enabled", "Enabled"]).is_some_and(|text| (text == "Yes") == enabled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: &str = "NetworkName:    HostInterfaceNetworking-vboxnet0\nDhcpd IP:       192.168.56.100\n\
        LowerIPAddress: 192.168.56.101\nUpperIPAddress: 192.168.56.254\nNetworkMask:    255.255.255.0\n\
        Enabled:        Yes\nGlobal Configuration:\n    minLeaseTime:     default\n";

    #[test]
    fn a_server_is_good_for_its_own_network() {
        let server = &paragraphs(FRESH, "NetworkName")[0];
        let [own, other] = ["192.168.56.1/24", "192.168.59.1/24"].map(|text| text.parse().unwrap());
        assert!(serves(server, own, true));
        assert!(!serves(server, own, false) && !serves(server, other, true));
    }
}
