use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use machine_driver::{
    Context, Error, ErrorKind, Flag, FlagValue, FlagValues, Forward, Result, Size,
};

use crate::record::{Record, Warm};

/// The options of `create`.
pub(crate) fn table() -> Vec<Flag> {
    vec![
        Flag::text(
            "qemu-accelerator",
            "QEMU_ACCELERATOR",
            Some("auto"),
            "What runs the guest's code: auto, kvm, hvf, whpx or tcg",
        ),
        Flag::text(
            "qemu-boot2docker-url",
            "QEMU_BOOT2DOCKER_URL",
            None,
            "The URL of the boot image. Defaults to our own image",
        ),
        Flag::int("qemu-cpu-count", "QEMU_CPU_COUNT", Some(2), "Number of CPUs"),
        Flag::int("qemu-disk-size", "QEMU_DISK_SIZE", Some(20_000), "Size of the disk in MB"),
        Flag::int("qemu-memory", "QEMU_MEMORY", Some(2048), "Size of the memory in MB"),
        Flag::text("qemu-network", "QEMU_NETWORK", None, "Name of a network that machines share"),
        Flag::list(
            "qemu-open-port",
            "QEMU_OPEN_PORT",
            "Port to forward, as [HOST:]GUEST (0: any free one)",
        ),
        Flag::text(
            "qemu-program",
            "QEMU_PROGRAM",
            None,
            "QEMU program. Defaults to qemu-system-x86_64 on the PATH",
        ),
        Flag::text(
            "qemu-template",
            "QEMU_TEMPLATE",
            Some("auto"),
            "Start from a template that fits, and make one: auto or off",
        ),
    ]
}

/// A record of an unborn machine, or what is wrong with the values.
pub(crate) fn record(cx: &Context, values: &FlagValues) -> Result<Record> {
    let mut record = Record::new(cx);
    record.cpus = number(values, "qemu-cpu-count", CPUS, "")?;
    record.memory = number(values, "qemu-memory", MEMORY, "MB")?;
    record.disk_size = number(values, "qemu-disk-size", DISK, "MB")?;
    record.accelerator = text(values, "qemu-accelerator").parse().map_err(|wrong: String| {
        wrong_flag(format!("--qemu-accelerator {wrong}")).hint("leave it out, or say `auto`")
    })?;
    record.warm = match text(values, "qemu-template").as_str() {
        "" | "auto" => Warm::Auto,
        "off" => Warm::Off,
        other => {
            let error = wrong_flag(format!("--qemu-template is auto or off, not `{other}`"));
            return Err(error.hint("leave it out, or say `off`"));
        }
    };
    record.boot2docker_url = text(values, "qemu-boot2docker-url");
    record.program = text(values, "qemu-program");
    record.network = text(values, "qemu-network");
    check_network_name(&record.network)?;
    for text in values.list("qemu-open-port") {
        let forward = forward(text)?;
        let taken =
            |other: &Forward| forward.host_port != 0 && other.host_port == forward.host_port;
        if record.forwards.iter().any(taken) {
            return Err(wrong_flag(format!(
                "--qemu-open-port names port {} of this computer twice",
                forward.host_port
            )));
        }
        record.forwards.push(forward);
    }
    Ok(record)
}

const CPUS: RangeInclusive<u32> = 1..=255;
const MEMORY: RangeInclusive<u32> = 512..=4_194_304;
const DISK: RangeInclusive<u32> = 2_000..=64_000_000;

/// Whether a machine can have that size.
pub(crate) fn check_size(size: Size) -> Result<()> {
    let parts = [(size.cpus, CPUS, "CPUs"), (size.memory, MEMORY, "MB"), (size.disk, DISK, "MB")];
    for (number, range, unit) in parts {
        if let Some(number) = number.filter(|number| !range.contains(number)) {
            let (least, most) = range.into_inner();
            let message = format!("{number} {unit} are not from {least} to {most} {unit}");
            return Err(wrong_flag(message));
        }
    }
    Ok(())
}

/// The flags that would make a machine with this record, where they are not the defaults.
pub(crate) fn values(record: &Record) -> FlagValues {
    let defaults = FlagValues::defaults(&table());
    let text = |text: &str| FlagValue::Text(text.to_owned());
    let warm = match record.warm {
        Warm::Auto => "auto",
        Warm::Off => "off",
    };
    let all = [
        ("qemu-accelerator", text(record.accelerator.as_str())),
        ("qemu-boot2docker-url", text(&record.boot2docker_url)),
        ("qemu-cpu-count", FlagValue::Int(record.cpus.into())),
        ("qemu-disk-size", FlagValue::Int(record.disk_size.into())),
        ("qemu-memory", FlagValue::Int(record.memory.into())),
        ("qemu-network", text(&record.network)),
        ("qemu-program", text(&record.program)),
        ("qemu-template", text(warm)),
    ];
    let mut values = FlagValues::default();
    for (name, value) in all {
        let default = defaults.iter().find(|(it, _)| *it == name).map(|(_, value)| value);
        if default != Some(&value) && value != FlagValue::Text(String::new()) {
            values.set(name, value);
        }
    }
    values
}

/// Reads `[HOST:]GUEST`. Without a host port the guest's is used on this computer too.
fn forward(text: &str) -> Result<Forward> {
    let (host, guest) = text.split_once(':').unwrap_or((text, text));
    let ports = host.parse().ok().zip(guest.parse().ok().filter(|port| *port != 0));
    let (host_port, guest_port) = ports.ok_or_else(|| {
        wrong_flag(format!("--qemu-open-port `{text}` is not a port or a pair of ports"))
            .hint("for example: --qemu-open-port 9000:8080")
    })?;
    Ok(Forward { host: Ipv4Addr::LOCALHOST.to_string(), host_port, guest_port })
}

fn number(values: &FlagValues, flag: &str, range: RangeInclusive<u32>, unit: &str) -> Result<u32> {
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

/// The name is part of a file's name.
fn check_network_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().all(fits) && name.len() <= 40 && !name.starts_with('-') {
        return Ok(());
    }
    Err(wrong_flag(format!("--qemu-network `{name}` is not a name of a network"))
        .hint("use up to 40 letters, digits, `-` and `_`"))
}

fn text(values: &FlagValues, flag: &str) -> String {
    values.text(flag).unwrap_or_default().to_owned()
}

fn wrong_flag(message: String) -> Error {
    Error::new(ErrorKind::Flags, message)
}

#[cfg(test)]
mod tests {
    use machine_driver::FlagValue;

    use super::*;
    use crate::files::tests::Lab;

    fn record_with(name: &str, value: FlagValue) -> Result<Record> {
        let mut values = FlagValues::defaults(&table());
        values.set(name, value);
        record(&Lab::new().context("lab1"), &values)
    }

    #[test]
    fn the_defaults_make_a_machine() {
        let lab = Lab::new();
        let record = record(&lab.context("lab1"), &FlagValues::defaults(&table())).unwrap();
        assert_eq!((record.cpus, record.memory, record.disk_size), (2, 2048, 20_000));
        assert_eq!(record.base.ssh_user, "docker");
        assert!(record.base.ssh_key_path.ends_with("id_rsa"));
    }

    #[test]
    fn values_that_make_no_machine_are_refused_with_the_flag() {
        let list = |text: &str| FlagValue::List(vec![text.into()]);
        let word = |text: &str| FlagValue::Text(text.into());
        for (flag, value) in [
            ("qemu-cpu-count", FlagValue::Int(0)),
            ("qemu-cpu-count", FlagValue::Int(-1)),
            ("qemu-memory", FlagValue::Int(511)),
            ("qemu-disk-size", FlagValue::Int(1999)),
            ("qemu-accelerator", word("warp")),
            ("qemu-network", word("../x")),
            ("qemu-template", word("maybe")),
            ("qemu-open-port", list("x")),
            ("qemu-open-port", list("80:0")),
            ("qemu-open-port", list("70000")),
            ("qemu-open-port", FlagValue::List(vec!["80".into(), "80:81".into()])),
        ] {
            let error = record_with(flag, value.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Flags, "{flag} {value:?}");
            assert!(error.to_string().contains(flag), "{error}");
        }
    }

    #[test]
    fn ports_and_pairs() {
        let ports = |text: &str| {
            let list = FlagValue::List(vec![text.into()]);
            let forward = record_with("qemu-open-port", list).unwrap().forwards.remove(0);
            (forward.host_port, forward.guest_port)
        };
        assert_eq!(ports("8080"), (8080, 8080));
        assert_eq!(ports("9000:80"), (9000, 80));
        assert_eq!(ports("0:80"), (0, 80));
    }
}
