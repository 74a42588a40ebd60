//! Host-only networks: what VirtualBox has instead of interfaces on Apple silicon. They have a DHCP
//! server built in. Not run where this was written.

use machine_driver::{Context, Error, Result};

use super::Cidr;
use crate::driver::VirtualBox;
use crate::flags::CIDR;
use crate::listing::{Machines, Paragraph, paragraphs};
use crate::manage::Manage;
use crate::record::Record;

/// What the names of ours begin with.
const PREFIX: &str = "machine-";

/// Finds the network or makes it, and returns its name.
pub(super) async fn ensure(vb: &mut VirtualBox, cx: &Context, manage: &Manage) -> Result<String> {
    let text = if vb.record.cidr.is_empty() { CIDR } else { &vb.record.cidr };
    let cidr: Cidr = text.parse().map_err(|error: String| Error::other(error))?;
    let there = paragraphs(&manage.run(&["list", "hostonlynets"]).await?, "Name");
    cx.progress.line("Check network to re-create if needed...");
    let found = there.iter().find(|it| is_at(it, cidr)).and_then(|it| it.get("Name"));
    let name = found.cloned().unwrap_or_else(|| format!("{PREFIX}{}", cidr.address));
    vb.record.host_only_adapter.clone_from(&name);
    cx.checkpoint(vb)?;
    if found.is_none() {
        let (_, _, last) = cidr.dhcp();
        // The first address becomes this computer's own.
        let [mask, first, last] = [cidr.mask(), cidr.address, last].map(|it| it.to_string());
        let args = [
            "hostonlynet",
            "add",
            "--name",
            &name,
            "--netmask",
            &mask,
            "--lower-ip",
            &first,
            "--upper-ip",
            &last,
            "--enable",
        ];
        manage.run(&args).await?;
    }
    Ok(name)
}

fn is_at(network: &Paragraph, cidr: Cidr) -> bool {
    let value = |key| network.get(key).and_then(|text| text.parse().ok());
    value("LowerIP").is_some_and(|lower| cidr.contains(lower))
        && value("NetworkMask") == Some(cidr.mask())
}

/// Removes a network of ours that no other machine is on.
pub(super) async fn release(record: &Record, manage: &Manage, name: &str) -> Result<()> {
    if !name.starts_with(PREFIX) || Machines::list(manage).await?.others_use(name, record.id()) {
        return Ok(());
    }
    match manage.run(&["hostonlynet", "remove", "--name", name]).await {
        Err(error) if !error.one_line().contains("not") => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_known_by_its_addresses() {
        let text = "Name:            mynet\nGUID:            f0\nState:           Enabled\n\
            NetworkMask:     255.255.255.0\nLowerIP:         192.168.59.1\nUpperIP:         192.168.59.254\n";
        let all = paragraphs(text, "Name");
        assert!(is_at(&all[0], CIDR.parse().unwrap()));
        assert!(!is_at(&all[0], "192.168.60.1/24".parse().unwrap()));
    }
}
