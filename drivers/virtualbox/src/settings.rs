//! The hardware of a machine, as arguments of `modifyvm`.

use std::path::Path;

use crate::network::APPLE_SILICON;
use crate::record::Record;
use crate::version::Version;

/// Processors, memory, firmware and the interface that leads outside. The names are those of before
/// 7.0, which all versions understand.
pub(crate) fn hardware(record: &Record, version: Version, console: &Path) -> Vec<String> {
    let switch = |on: bool| if on { "on" } else { "off" };
    let (cpus, memory) = (record.cpus().to_string(), record.memory.to_string());
    let console = console.display().to_string();
    let mut args: Vec<&str> = if APPLE_SILICON {
        vec![
            "--chipset",
            "armv8virtual",
            "--firmware",
            "efi64",
            "--graphicscontroller",
            "qemuramfb",
        ]
    } else {
        vec!["--firmware", "bios"]
    };
    args.extend([
        "--bioslogofadein",
        "off",
        "--bioslogofadeout",
        "off",
        "--bioslogodisplaytime",
        "0",
    ]);
    args.extend(["--biosbootmenu", "disabled"]);
    args.extend(["--ostype", if APPLE_SILICON { "Linux_arm64" } else { "Linux26_64" }]);
    args.extend(["--cpus", &cpus, "--memory", &memory]);
    args.extend(["--acpi", "on", "--ioapic", "on", "--rtcuseutc", "on"]);
    args.extend(["--natdnshostresolver1", switch(record.host_dns_resolver)]);
    args.extend(["--natdnsproxy1", switch(record.dns_proxy), "--cpuhotplug", "off"]);
    if !APPLE_SILICON {
        args.extend(["--pae", "on", "--hpet", "on", "--hwvirtex", "on", "--nestedpaging", "on"]);
        args.extend(["--largepages", "on", "--vtxvpid", "on"]);
    }
    if !record.no_accelerate3d_off {
        args.extend(["--accelerate3d", "off"]);
    }
    args.extend(["--boot1", "dvd"]);
    args.extend(["--nic1", "nat", "--nictype1", &record.nat_nic_type, "--cableconnected1", "on"]);
    if version >= Version::new(7, 0, 0) {
        args.extend(["--natlocalhostreachable1", switch(record.host_loopback_reachable)]);
    }
    // What the guest says before anybody can log in.
    if !APPLE_SILICON {
        args.extend(["--uart1", "0x3F8", "4", "--uartmode1", "file", &console]);
    }
    args.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(record: &Record, version: Version) -> String {
        hardware(record, version, Path::new("/m/console.log")).join(" ")
    }

    #[test]
    fn what_old_versions_do_not_know_is_left_out() {
        let record =
            Record { cpus: 2, memory: 1024, nat_nic_type: "virtio".into(), ..Record::default() };
        let old = line(&record, Version::new(6, 1, 50));
        assert!(
            old.contains("--cpus 2 --memory 1024") && old.contains("--nictype1 virtio"),
            "{old}"
        );
        assert!(!old.contains("natlocalhostreachable1"), "{old}");
        let reachable =
            Record { host_loopback_reachable: true, no_accelerate3d_off: true, ..record };
        let new = line(&reachable, Version::new(7, 0, 0));
        assert!(
            new.contains("--natlocalhostreachable1 on") && !new.contains("accelerate3d"),
            "{new}"
        );
    }
}
