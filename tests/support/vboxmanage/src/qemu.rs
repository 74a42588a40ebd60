//! The process that looks after one machine: it starts QEMU, and says what became of it.

use std::fs::File;
use std::process::{Command, ExitCode, Stdio};

use crate::host::Host;
use crate::monitor::socket;
use crate::power::set_state;
use crate::vm::Vm;

pub(crate) fn run(uuid: &str) -> ExitCode {
    let host = Host::open();
    let Some(vm) = host.vm(uuid) else { return ExitCode::FAILURE };
    let variable = |name| std::env::var(name).unwrap_or_default();
    let (lease, resumes) = (variable("STANDIN_LEASE"), !variable("STANDIN_RESUME").is_empty());
    let args = arguments(&host, vm, &lease, resumes);
    let log = File::create(vm.dir.join("Logs").join("VBox.log")).expect("the log can be written");
    let said = log.try_clone().expect("the log has one more descriptor");
    let status = Command::new("qemu-system-x86_64")
        .args(&args)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(said)
        .status();
    std::fs::remove_file(socket(uuid)).ok();
    let was_saved = Host::open().vm(uuid).is_some_and(|vm| vm.state == "saving");
    match status {
        Ok(status) if status.success() => {
            set_state(uuid, if was_saved { "saved" } else { "poweroff" });
        }
        _ => set_state(uuid, "aborted"),
    }
    ExitCode::SUCCESS
}

/// The hardware that VirtualBox shows: AHCI with a CD and a disk, Intel's network card, its BIOS.
fn arguments(host: &Host, vm: &Vm, lease: &str, resumes: bool) -> Vec<String> {
    let mut args: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| args.extend(words.iter().map(|&word| word.to_owned()));
    add(&[
        "-name",
        &format!("guest={}", vm.name),
        "-M",
        "pc",
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max",
    ]);
    add(&["-m", vm.option("memory", "128"), "-smp", vm.option("cpus", "1")]);
    add(&["-nodefaults", "-no-user-config", "-display", "none", "-vga", "std", "-rtc", "base=utc"]);
    add(&["-qmp", &format!("unix:{},server=on,wait=off", socket(&vm.uuid).display())]);
    if let Some(path) = vm.option("uartmode1", "").strip_prefix("file ") {
        add(&["-serial", &format!("file:{path}")]);
    }
    add(&["-device", "ahci,id=sata"]);
    for (port, (kind, path, _)) in &vm.media {
        let (device, drive) = match kind.as_str() {
            "dvddrive" => ("ide-cd,bootindex=0", "format=raw,media=cdrom,readonly=on"),
            _ => ("ide-hd", "format=raw"),
        };
        let path = if kind == "hdd" { raw(vm, path) } else { path.clone() }.replace(',', ",,");
        add(&["-drive", &format!("if=none,id=p{port},file={path},{drive}")]);
        add(&["-device", &format!("{device},bus=sata.{port},drive=p{port}")]);
    }
    for (number, kind) in vm.interfaces() {
        let of = |option: &str| vm.option(&format!("{option}{number}"), "").to_owned();
        let network = match kind {
            "nat" => nat(vm),
            "hostonly" => host_only(host, &of("hostonlyadapter"), lease),
            "intnet" => internal(&of("intnet")),
            _ => continue,
        };
        let model = if of("nictype") == "virtio" { "virtio-net-pci" } else { "e1000" };
        let mac = of("macaddress");
        let pairs: Vec<&str> = (0..6).map(|at| &mac[2 * at..2 * at + 2]).collect();
        add(&["-netdev", &format!("{network},id=n{number}")]);
        add(&["-device", &format!("{model},netdev=n{number},mac={},romfile=", pairs.join(":"))]);
    }
    if resumes {
        add(&["-incoming", &format!("exec:cat '{}'", vm.saved().display())]);
    }
    args
}

/// QEMU saves no machine with a disk in VMware's format, so it is read once, by QEMU's own reader.
fn raw(vm: &Vm, path: &str) -> String {
    let raw = vm.dir.join("disk.raw");
    if !raw.exists() {
        let args = ["convert", "-f", "vmdk", "-O", "raw", path];
        let read = Command::new("qemu-img").args(args).arg(&raw).status();
        assert!(read.is_ok_and(|status| status.success()), "QEMU can read the disk");
    }
    raw.display().to_string()
}

fn nat(vm: &Vm) -> String {
    vm.rules.iter().fold("user".to_owned(), |text, rule| {
        let fields: Vec<&str> = rule.split(',').collect();
        let [_, protocol, host, port, _, guest] = fields[..] else { return text };
        text + &format!(",hostfwd={protocol}:{host}:{port}-:{guest}")
    })
}

/// QEMU's own DHCP server gives the guest its address; whoever talks to that address on this side
/// reaches SSH and Docker there.
fn host_only(host: &Host, name: &str, lease: &str) -> String {
    let interface = host.interfaces.iter().find(|it| it.name == name).expect("it was checked");
    let address = &interface.address;
    let (network, _) = address.rsplit_once('.').expect("an address has dots");
    let dhcp = if lease.is_empty() { format!("{network}.250") } else { lease.to_owned() };
    let mut text = format!(
        "user,net={network}.0/24,host={address},dns={network}.253,dhcpstart={dhcp},restrict=on"
    );
    if crate::network::is_real() && !lease.is_empty() {
        // Whoever connects to it comes from the other end of the network, as the guest sees it.
        let route =
            ["route", "replace", "local", lease, "dev", "lo", "table", "local", "src", address];
        crate::network::ip(&route);
        for port in [22, 2376] {
            text += &format!(",hostfwd=tcp:{lease}:{port}-:{port}");
        }
    }
    text
}

/// A multicast group on the loopback interface, by the network's name.
fn internal(name: &str) -> String {
    let sum = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("socket,mcast=230.0.0.1:{},localaddr=127.0.0.1", 20_000 + sum % 20_000)
}
