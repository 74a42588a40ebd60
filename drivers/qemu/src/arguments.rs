//! QEMU's command line.

use std::ffi::OsString;
use std::path::Path;

use machine_driver::{Error, Forward, Result};

use crate::accelerator::Accelerator;
use crate::files::Files;
use crate::platform;
use crate::record::Record;

/// The name of the user network, for forwards at run time.
pub(crate) const NETDEV: &str = "n0";

/// The name of the data disk, for a change of its size.
pub(crate) const DISK: &str = "data";

/// A comma would end an option's value; doubled it stands for itself.
pub(crate) fn escape(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

/// The argument of `hostfwd_add`, and of `hostfwd` on the command line.
pub(crate) fn hostfwd(forward: &Forward) -> String {
    let Forward { host, host_port, guest_port } = forward;
    format!("tcp:{host}:{host_port}-:{guest_port}")
}

/// What a start of QEMU is made of, beside the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) accelerator: Accelerator,
    pub(crate) memory: Memory<'a>,
    pub(crate) network: Network,
    /// QEMU waits for a saved state instead of switching the machine on.
    pub(crate) incoming: bool,
}

/// Where the guest's memory is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Memory<'a> {
    Ordinary,
    /// In a file, which becomes a template.
    Written(&'a Path),
    /// In a template's file until it is changed: what the guest writes is its own.
    CopyOnWrite(&'a Path),
}

/// The second interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    None,
    /// On the multicast group with this UDP port.
    Group(u16),
    /// There, but connected to nothing, and with no address of its own yet.
    Unconnected,
}

/// The address of an interface whose machine is not born yet: `UNASSIGNED` in the guest's
/// `/usr/lib/machine/common`.
const UNASSIGNED: &str = "52:54:00:00:00:02";

/// All arguments, without the program. Prepares the sockets.
pub(crate) fn arguments(record: &Record, files: &Files, setup: Setup<'_>) -> Result<Vec<OsString>> {
    let mut args: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| args.extend(words.iter().map(|&word| word.to_owned()));
    add(&["-name", &format!("guest={}", record.base.machine_name)]);
    add(&["-M", "q35,memory-backend=ram"]);
    add(&["-m", &record.memory.to_string(), "-smp", &record.cpus.to_string()]);
    add(&["-object", &memory(record, setup.memory)?]);
    add(&setup.accelerator.options());
    // A kernel that panicked ends the process instead of booting for ever.
    add(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
    // The clock on the board follows the host's, also while the guest is paused.
    add(&["-rtc", "base=utc,clock=host"]);
    add(&["-pidfile", &files.pid().display().to_string()]);
    add(&["-chardev", &format!("file,id=console,path={}", escape(&files.console()))]);
    add(&["-serial", "chardev:console"]);
    let monitor = platform::channel(&files.monitor())?;
    add(&["-chardev", &format!("socket,id=monitor,{monitor},server=on,wait=off")]);
    add(&["-mon", "chardev=monitor,mode=control"]);
    let identity = platform::channel(&files.identity())?;
    add(&["-chardev", &format!("socket,id=identity,{identity},server=on,wait=off")]);
    add(&["-device", "virtio-serial-pci"]);
    add(&["-device", "virtserialport,chardev=identity,name=machine.identity"]);
    add(&["-device", "virtio-rng-pci"]);
    // Another one for each QEMU: a kernel that is resumed sees that, and renews its randomness.
    add(&["-device", "vmgenid,guid=auto"]);
    boot(record, files, &mut add);
    let disk = escape(&files.disk());
    add(&["-drive", &format!("id={DISK},file={disk},format=raw,if=none,discard=unmap")]);
    add(&["-device", &format!("virtio-blk-pci,drive={DISK}")]);
    let forwards = record.all_forwards().iter().map(hostfwd).collect::<Vec<_>>();
    let forwards = forwards.iter().fold(String::new(), |all, it| all + ",hostfwd=" + it);
    add(&["-netdev", &format!("user,id={NETDEV}{forwards}")]);
    add(&["-device", &format!("virtio-net-pci,netdev={NETDEV},romfile=")]);
    let (netdev, mac) = match setup.network {
        Network::None => (String::new(), ""),
        Network::Group(port) => (
            format!("socket,id=n1,mcast=230.0.0.1:{port},localaddr=127.0.0.1"),
            record.mac.as_str(),
        ),
        Network::Unconnected => ("hubport,id=n1,hubid=0".to_owned(), UNASSIGNED),
    };
    if setup.network != Network::None {
        add(&["-netdev", &netdev]);
        add(&["-device", &format!("virtio-net-pci,netdev=n1,mac={mac},romfile=")]);
    }
    if setup.incoming {
        add(&["-incoming", "defer"]);
    }
    Ok(args.into_iter().map(OsString::from).collect())
}

/// The object that is the guest's memory. It has the same name wherever it is, so that a state that
/// was saved with one kind can be loaded with another.
fn memory(record: &Record, memory: Memory<'_>) -> Result<String> {
    let kind = match memory {
        Memory::Ordinary => Some("memory-backend-ram".to_owned()),
        Memory::Written(path) => platform::memory_file(path, true),
        Memory::CopyOnWrite(path) => platform::memory_file(path, false),
    };
    let kind = kind.ok_or_else(|| Error::unsupported("qemu", "templates on this system"))?;
    Ok(format!("{kind},id=ram,size={}M", record.memory))
}

/// Our image is a disk whose kernel QEMU starts itself; any other boots as a CD.
fn boot(record: &Record, files: &Files, add: &mut impl FnMut(&[&str])) {
    let iso = escape(&files.iso());
    let Some(command_line) = &record.kernel_command_line else {
        add(&["-drive", &format!("id=image,file={iso},format=raw,if=none,media=cdrom")]);
        add(&["-device", "ide-cd,bus=ide.0,drive=image,bootindex=0"]);
        return;
    };
    add(&["-kernel", &files.kernel().display().to_string()]);
    add(&["-initrd", &files.initrd().display().to_string()]);
    add(&["-append", command_line]);
    add(&["-drive", &format!("id=image,file={iso},format=raw,if=none,readonly=on")]);
    add(&["-device", "virtio-blk-pci,drive=image"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::Lab;

    fn line(change: impl FnOnce(&mut Record), port: Option<u16>) -> String {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let mut record = Record::new(&cx);
        (record.cpus, record.memory, record.base.ssh_port, record.engine_port) =
            (3, 1024, 4001, 4002);
        change(&mut record);
        let network = port.map_or(Network::None, Network::Group);
        let accelerator = Accelerator::Tcg;
        let setup = Setup { accelerator, memory: Memory::Ordinary, network, incoming: false };
        let args = arguments(&record, &Files::new(&cx), setup).unwrap();
        args.iter().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn everything_listens_on_loopback_only() {
        let line = line(|_| {}, Some(5000));
        assert!(line.contains(
            "user,id=n0,hostfwd=tcp:127.0.0.1:4001-:22,hostfwd=tcp:127.0.0.1:4002-:2376"
        ));
        assert!(line.contains("mcast=230.0.0.1:5000,localaddr=127.0.0.1"));
        assert!(line.contains("-m 1024 -smp 3"));
        assert!(!line.contains("0.0.0.0"));
    }

    #[test]
    fn a_foreign_image_boots_as_a_cd() {
        assert!(line(|_| {}, None).contains("ide-cd"));
        let ours = line(|record| record.kernel_command_line = Some("quiet".into()), None);
        assert!(ours.contains("-append quiet") && !ours.contains("ide-cd"));
    }

    #[test]
    fn commas_in_paths_are_doubled() {
        assert_eq!(escape(Path::new("/a,b")), "/a,,b");
    }
}
