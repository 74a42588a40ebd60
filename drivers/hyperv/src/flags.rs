use machine_driver::{Context, Error, ErrorKind, Flag, FlagValues, Result};

use crate::nat::Subnet;
use crate::record::Record;

/// The options of `create`: docker-machine's, and three of our own.
pub(crate) fn table() -> Vec<Flag> {
    vec![
        Flag::text(
            "hyperv-boot2docker-url",
            "HYPERV_BOOT2DOCKER_URL",
            None,
            "The URL of the boot image. Defaults to our own image",
        ),
        Flag::int("hyperv-cpu-count", "HYPERV_CPU_COUNT", Some(1), "Number of CPUs"),
        Flag::bool(
            "hyperv-disable-dynamic-memory",
            "HYPERV_DISABLE_DYNAMIC_MEMORY",
            "Give the machine all of its memory at once",
        ),
        Flag::int("hyperv-disk-size", "HYPERV_DISK_SIZE", Some(20_000), "Size of the disk in MB"),
        Flag::int(
            "hyperv-generation",
            "HYPERV_GENERATION",
            Some(1),
            "Generation of the virtual machine: 1 (BIOS) or 2 (UEFI)",
        ),
        Flag::int("hyperv-memory", "HYPERV_MEMORY", Some(1024), "Size of the memory in MB"),
        Flag::text(
            "hyperv-nat-subnet",
            "HYPERV_NAT_SUBNET",
            None,
            "Subnet of a network of our own, such as 192.168.77.0/24",
        ),
        Flag::bool(
            "hyperv-nested-virtualization",
            "HYPERV_NESTED_VIRTUALIZATION",
            "Let the machine run virtual machines",
        ),
        Flag::text(
            "hyperv-static-macaddress",
            "HYPERV_STATIC_MACADDRESS",
            None,
            "MAC address. Defaults to one that Hyper-V chooses",
        ),
        Flag::text(
            "hyperv-virtual-switch",
            "HYPERV_VIRTUAL_SWITCH",
            None,
            "Virtual switch. Defaults to the Default Switch, or an external one",
        ),
        Flag::int("hyperv-vlan-id", "HYPERV_VLAN_ID", Some(0), "VLAN of the machine, 0 for none"),
    ]
}

/// A record of an unborn machine, or what is wrong with the values.
pub(crate) fn record(cx: &Context, values: &FlagValues) -> Result<Record> {
    let text = |flag: &str| values.text(flag).unwrap_or_default().to_owned();
    let mut record = Record::new(cx);
    record.boot2docker_url = text("hyperv-boot2docker-url");
    record.virtual_switch = text("hyperv-virtual-switch");
    record.cpus = number(values, "hyperv-cpu-count", 1..=2048, "")?;
    record.mem_size = number(values, "hyperv-memory", 512..=12_582_912, "MB")?;
    // Hyper-V wants a multiple of two.
    record.mem_size = record.mem_size.next_multiple_of(2);
    record.disk_size = number(values, "hyperv-disk-size", 2_000..=64_000_000, "MB")?;
    record.vlan = number(values, "hyperv-vlan-id", 0..=4094, "")?;
    record.generation = u8::try_from(number(values, "hyperv-generation", 1..=2, "")?).unwrap_or(1);
    record.disable_dynamic_memory = values.bool("hyperv-disable-dynamic-memory");
    record.nested_virtualization = values.bool("hyperv-nested-virtualization");
    record.mac_addr = mac(&text("hyperv-static-macaddress"))?;
    record.nat_subnet = text("hyperv-nat-subnet");
    if !record.nat_subnet.is_empty() {
        record.nat_subnet.parse::<Subnet>().map_err(|wrong| {
            wrong_flag(format!("--hyperv-nat-subnet {wrong}"))
                .hint("for example: --hyperv-nat-subnet 192.168.77.0/24")
        })?;
        if !record.virtual_switch.is_empty() {
            return Err(wrong_flag(
                "--hyperv-nat-subnet makes a switch, and --hyperv-virtual-switch names another",
            ));
        }
    }
    Ok(record)
}

/// Twelve hexadecimal digits, as Hyper-V has them, from any usual form.
fn mac(text: &str) -> Result<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let is_mac = digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit());
    if is_mac || digits.is_empty() {
        return Ok(digits.to_ascii_uppercase());
    }
    Err(wrong_flag(format!("--hyperv-static-macaddress `{text}` is no MAC address"))
        .hint("for example: --hyperv-static-macaddress 00155D012345"))
}

fn number(
    values: &FlagValues,
    flag: &str,
    range: std::ops::RangeInclusive<u32>,
    unit: &str,
) -> Result<u32> {
    let value = values.int(flag).unwrap_or_default();
    match u32::try_from(value) {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => {
            let (least, most) = range.into_inner();
            let wrong = format!("--{flag} is from {least} to {most} {unit}");
            Err(wrong_flag(format!("{}, not {value}", wrong.trim_end())))
        }
    }
}

fn wrong_flag(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Flags, message)
}

#[cfg(test)]
mod tests {
    use machine_driver::FlagValue;

    use super::*;
    use crate::place::tests::Lab;

    fn record_with(flags: &[(&str, FlagValue)]) -> Result<Record> {
        let mut values = FlagValues::defaults(&table());
        for (name, value) in flags {
            values.set(*name, value.clone());
        }
        record(&Lab::new().context("lab1"), &values)
    }

    #[test]
    fn the_defaults_are_docker_machines() {
        let record = record_with(&[]).unwrap();
        assert_eq!((record.cpus, record.mem_size, record.disk_size), (1, 1024, 20_000));
        assert_eq!((record.vlan, record.generation, record.dynamic_memory()), (0, 1, true));
        assert_eq!(record.base.ssh_user, "docker");
    }

    #[test]
    fn mac_addresses_in_every_usual_form() {
        for text in ["00:15:5d:01:23:ab", "00-15-5D-01-23-AB", "00155d0123ab", "0015.5d01.23ab"] {
            assert_eq!(mac(text).unwrap(), "00155D0123AB");
        }
        mac("00155d").unwrap_err();
    }

    #[test]
    fn values_that_make_no_machine_are_refused_with_the_flag() {
        let word = |text: &str| FlagValue::Text(text.into());
        for (flag, value) in [
            ("hyperv-cpu-count", FlagValue::Int(0)),
            ("hyperv-memory", FlagValue::Int(511)),
            ("hyperv-disk-size", FlagValue::Int(1999)),
            ("hyperv-generation", FlagValue::Int(3)),
            ("hyperv-vlan-id", FlagValue::Int(4095)),
            ("hyperv-static-macaddress", word("x")),
            ("hyperv-nat-subnet", word("10.0.0.0")),
        ] {
            let error = record_with(&[(flag, value.clone())]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Flags, "{flag} {value:?}");
            assert!(error.to_string().contains(flag), "{error}");
        }
        let both = [
            ("hyperv-nat-subnet", word("10.0.0.0/24")),
            ("hyperv-virtual-switch", word("Default Switch")),
        ];
        record_with(&both).unwrap_err();
    }
}
