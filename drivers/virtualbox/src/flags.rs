use machine_driver::{Context, Error, ErrorKind, Flag, FlagValues, Result};

use crate::network::Cidr;
use crate::record::{Network, Record};

/// The host-only network of machines that ask for no other: within the range that VirtualBox 6.1.28
/// and later allow without configuration.
pub(crate) const CIDR: &str = "192.168.59.1/24";

/// docker-machine's, which lies outside that range.
pub(crate) const OLD_CIDR: &str = "192.168.99.1/24";

/// The options of `create`: docker-machine's 16, two of minikube's, and two of ours.
#[expect(clippy::too_many_lines, reason = "a table, one entry for each option")]
pub(crate) fn table() -> Vec<Flag> {
    vec![
        Flag::text(
            "virtualbox-boot2docker-url",
            "VIRTUALBOX_BOOT2DOCKER_URL",
            None,
            "The URL of the boot image. Defaults to our own image",
        ),
        Flag::int(
            "virtualbox-cpu-count",
            "VIRTUALBOX_CPU_COUNT",
            Some(1),
            "Number of CPUs (-1: as many as this computer has)",
        ),
        Flag::int(
            "virtualbox-disk-size",
            "VIRTUALBOX_DISK_SIZE",
            Some(20_000),
            "Size of the disk in MB",
        ),
        Flag::bool(
            "virtualbox-host-dns-resolver",
            "VIRTUALBOX_HOST_DNS_RESOLVER",
            "Let this computer's resolver answer the guest's name queries",
        ),
        Flag::bool(
            "virtualbox-host-loopback-reachable",
            "VIRTUALBOX_HOST_LOOPBACK_REACHABLE",
            "Let the guest reach 127.0.0.1 of this computer at 10.0.2.2 (VirtualBox 7)",
        ),
        Flag::text(
            "virtualbox-hostonly-cidr",
            "VIRTUALBOX_HOSTONLY_CIDR",
            Some(CIDR),
            "Address of this computer on the host-only network, with its prefix",
        ),
        Flag::text(
            "virtualbox-hostonly-nicpromisc",
            "VIRTUALBOX_HOSTONLY_NIC_PROMISC",
            Some("deny"),
            "What the host-only interface may overhear: deny, allow-vms or allow-all",
        ),
        Flag::text(
            "virtualbox-hostonly-nictype",
            "VIRTUALBOX_HOSTONLY_NIC_TYPE",
            Some("82540EM"),
            "Kind of the host-only interface",
        ),
        Flag::bool(
            "virtualbox-hostonly-no-dhcp",
            "VIRTUALBOX_HOSTONLY_NO_DHCP",
            "Disable the host-only network's DHCP server",
        ),
        Flag::text(
            "virtualbox-import-boot2docker-vm",
            "VIRTUALBOX_BOOT2DOCKER_IMPORT_VM",
            None,
            "Name of a boot2docker machine whose disk, memory and CPUs are taken over",
        ),
        Flag::text(
            "virtualbox-internal-network",
            "VIRTUALBOX_INTERNAL_NETWORK",
            None,
            "Name of a network on which machines without a host-only one reach each other",
        ),
        Flag::int(
            "virtualbox-memory",
            "VIRTUALBOX_MEMORY_SIZE",
            Some(1024),
            "Size of the memory in MB",
        ),
        Flag::text(
            "virtualbox-nat-nictype",
            "VIRTUALBOX_NAT_NICTYPE",
            Some("82540EM"),
            "Kind of the interface that leads outside",
        ),
        Flag::text(
            "virtualbox-network",
            "VIRTUALBOX_NETWORK",
            Some("hostonly"),
            "How the machine is reached: hostonly, or nat for ports of 127.0.0.1 only",
        ),
        Flag::bool(
            "virtualbox-no-accelerate3d-off",
            "VIRTUALBOX_NO_ACCELERATE3D_OFF",
            "Leave 3D acceleration as VirtualBox has it",
        ),
        Flag::bool(
            "virtualbox-no-dns-proxy",
            "VIRTUALBOX_NO_DNS_PROXY",
            "Do not proxy name queries",
        ),
        Flag::bool(
            "virtualbox-no-share",
            "VIRTUALBOX_NO_SHARE",
            "Do not share the home directories",
        ),
        Flag::bool(
            "virtualbox-no-vtx-check",
            "VIRTUALBOX_NO_VTX_CHECK",
            "Do not look for hardware virtualization",
        ),
        Flag::text(
            "virtualbox-share-folder",
            "VIRTUALBOX_SHARE_FOLDER",
            None,
            "Share this directory instead of the home directories, as DIR:NAME",
        ),
        Flag::text(
            "virtualbox-ui-type",
            "VIRTUALBOX_UI_TYPE",
            Some("headless"),
            "How the machine is shown: gui, sdl, headless or separate",
        ),
    ]
}

/// A record of an unborn machine, or what is wrong with the values.
pub(crate) fn record(cx: &Context, values: &FlagValues) -> Result<Record> {
    let text = |flag| values.text(flag).unwrap_or_default().to_owned();
    let mut record = Record::new(cx);
    record.cpus = values.int("virtualbox-cpu-count").unwrap_or(1);
    record.memory = number(values, "virtualbox-memory", 4..=2_097_152)?;
    record.disk_size = number(values, "virtualbox-disk-size", 1..=2_000_000)?;
    record.nat_nic_type = text("virtualbox-nat-nictype");
    record.boot2docker_url = text("virtualbox-boot2docker-url");
    record.import_vm = text("virtualbox-import-boot2docker-vm");
    record.host_dns_resolver = values.bool("virtualbox-host-dns-resolver");
    record.cidr = text("virtualbox-hostonly-cidr");
    record.cidr_given = values.given("virtualbox-hostonly-cidr");
    record.host_only_nic_type = text("virtualbox-hostonly-nictype");
    record.host_only_promisc_mode =
        one_of(values, "virtualbox-hostonly-nicpromisc", &["deny", "allow-vms", "allow-all"])?;
    record.ui_type = one_of(values, "virtualbox-ui-type", &["headless", "gui", "sdl", "separate"])?;
    record.no_dhcp = values.bool("virtualbox-hostonly-no-dhcp");
    record.no_share = values.bool("virtualbox-no-share");
    record.dns_proxy = !values.bool("virtualbox-no-dns-proxy");
    record.no_vtx_check = values.bool("virtualbox-no-vtx-check");
    record.share_folder = text("virtualbox-share-folder");
    record.host_loopback_reachable = values.bool("virtualbox-host-loopback-reachable");
    record.no_accelerate3d_off = values.bool("virtualbox-no-accelerate3d-off");
    record.network = match one_of(values, "virtualbox-network", &["hostonly", "nat"])?.as_str() {
        "nat" => Network::Nat,
        _ => Network::HostOnly,
    };
    record.internal_network = text("virtualbox-internal-network");
    check_network(&record)?;
    if record.network == Network::Nat {
        "127.0.0.1".clone_into(&mut record.base.ip_address);
    }
    Ok(record)
}

fn check_network(record: &Record) -> Result<()> {
    let name = &record.internal_network;
    if record.network == Network::HostOnly {
        if !name.is_empty() {
            return Err(wrong("--virtualbox-internal-network is for machines without a host-only one")
                .hint("add `--virtualbox-network nat`, or leave it out: machines on the host-only network reach each other"));
        }
        return record.cidr.parse::<Cidr>().map(drop).map_err(|error| {
            wrong(error).hint(format!("for example: --virtualbox-hostonly-cidr {CIDR}"))
        });
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().all(fits) && name.len() <= 40 && !name.starts_with('-') {
        return Ok(());
    }
    Err(wrong(format!("--virtualbox-internal-network `{name}` is not a name of a network"))
        .hint("use up to 40 letters, digits, `-` and `_`"))
}

fn number(values: &FlagValues, flag: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64> {
    let value = values.int(flag).unwrap_or_default();
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = range.into_inner();
    Err(wrong(format!("--{flag} is from {least} to {most} MB, not {value}")))
}

/// One of some words; the first, if none is given.
fn one_of(values: &FlagValues, flag: &str, words: &[&str]) -> Result<String> {
    let word = values.text(flag).unwrap_or(words[0]);
    if words.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(wrong(format!("--{flag} is {}, not `{word}`", words.join(" or "))))
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Flags, message)
}

#[cfg(test)]
mod tests {
    use machine_driver::FlagValue;

    use super::*;
    use crate::files::tests::Lab;

    fn record_with(pairs: &[(&str, FlagValue)]) -> Result<Record> {
        let mut values = FlagValues::defaults(&table());
        for (name, value) in pairs {
            values.set(*name, value.clone());
        }
        record(&Lab::new().context("lab1"), &values)
    }

    #[test]
    fn the_defaults_are_docker_machines_but_for_the_network() {
        let record = record_with(&[]).unwrap();
        assert_eq!((record.cpus, record.memory, record.disk_size), (1, 1024, 20_000));
        assert_eq!((record.cidr.as_str(), record.cidr_given), (CIDR, false));
        assert_eq!((record.ui_type.as_str(), record.dns_proxy), ("headless", true));
        assert_eq!(record.base.ssh_user, "docker");
    }

    #[test]
    fn values_that_make_no_machine_are_refused_with_the_flag() {
        let word = |text: &str| FlagValue::Text(text.into());
        for (flag, value) in [
            ("virtualbox-memory", FlagValue::Int(1)),
            ("virtualbox-disk-size", FlagValue::Int(0)),
            ("virtualbox-ui-type", word("holographic")),
            ("virtualbox-hostonly-nicpromisc", word("yes")),
            ("virtualbox-network", word("bridged")),
            ("virtualbox-internal-network", word("lab")),
        ] {
            let error = record_with(&[(flag, value.clone())]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Flags, "{flag} {value:?}");
            assert!(error.to_string().contains(flag), "{error}");
        }
        let error =
            record_with(&[("virtualbox-hostonly-cidr", word("192.168.59.0/24"))]).unwrap_err();
        let old = "host-only cidr must be specified with a host address, not a network address";
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Flags, old));
    }

    #[test]
    fn a_machine_behind_nat_is_this_computer() {
        let word = |text: &str| FlagValue::Text(text.into());
        let nat = ("virtualbox-network", word("nat"));
        let record =
            record_with(&[nat.clone(), ("virtualbox-internal-network", word("lab"))]).unwrap();
        assert_eq!(record.base.ip_address, "127.0.0.1");
        assert!(record_with(&[nat, ("virtualbox-internal-network", word("../x"))]).is_err());
    }
}
