//! A virtual machine that is switched on: a QEMU with the disk and the image that Hyper-V was given.
//! The ports 22 and 2376 of the guest are at the machine's address, which is one of this computer.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::host::{Host, Machine, State};

const PORTS: [u16; 2] = [22, 2376];

/// `network` is the subnet and the gateway of a network of the driver's own; the guest has its address
/// from its seed there. Elsewhere `address` is what Windows gives it.
pub(crate) fn start(
    dir: &Path,
    machine: &mut Machine,
    network: Option<(String, String)>,
    address: &str,
) -> Result<(), Failure> {
    let wrong = || Failure::new("StandIn", "there is no disk or no image");
    let (disk, image) = machine.disk.clone().zip(machine.image.clone()).ok_or_else(wrong)?;
    let (options, address) = match network {
        None => (String::new(), address.to_owned()),
        // The driver gives an address the last two numbers of the MAC.
        Some((subnet, gateway)) => {
            let number = |at: usize| u8::from_str_radix(&machine.mac[at..at + 2], 16).unwrap_or(0);
            let first: Vec<&str> = subnet.split('.').take(2).collect();
            let address = format!("{}.{}.{}", first.join("."), number(8), number(10));
            (format!(",net={subnet},host={gateway}"), address)
        }
    };
    let to = if options.is_empty() { "" } else { &address };
    let forwards = PORTS.iter().fold(String::new(), |forwards, port| {
        forwards + &format!(",hostfwd=tcp:{address}:{port}-{to}:{port}")
    });
    let mac: Vec<&str> = (0..6).map(|at| &machine.mac[2 * at..2 * at + 2]).collect();
    let drive = |path: &Path, rest: &str| {
        format!("file={},if=ide,{rest}", path.display().to_string().replace(',', ",,"))
    };
    let output = Command::new("qemu-system-x86_64")
        .args(["-M", "pc", "-accel", "tcg,thread=multi", "-cpu", "max"])
        .args(["-m", &machine.memory_mb.to_string(), "-smp", &machine.processors.to_string()])
        .args(["-uuid", &machine.id, "-name", &machine.name, "-boot", "d"])
        .args(["-drive", &drive(&disk, "format=vhdx,index=0")])
        .args(["-drive", &drive(&image, "format=raw,media=cdrom,index=2")])
        .args(["-netdev", &format!("user,id=net{options}{forwards}")])
        .args(["-device", &format!("virtio-net-pci,netdev=net,mac={}", mac.join(":"))])
        .args(["-display", "none", "-serial"])
        .arg(format!("file:{}", dir.join(format!("{}.console", machine.name)).display()))
        .arg("-qmp")
        .arg(format!("unix:{},server=on,wait=off", socket(dir, machine).display()))
        .arg("-daemonize")
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new("StandIn", format!("QEMU ended with {}: {said}", output.status)));
    }
    machine.address = address;
    Ok(())
}

/// Lets the machine be reached at another address, as after a move of the Default Switch.
pub(crate) fn move_to(dir: &Path, machine: &mut Machine, address: &str) -> Result<(), Failure> {
    if machine.address == address || machine.disk.is_none() {
        return Ok(());
    }
    for port in PORTS {
        let command = format!("hostfwd_add net tcp:{address}:{port}-:{port}");
        let arguments = json!({ "command-line": command });
        let said = ask(dir, machine, "human-monitor-command", &arguments)?;
        if said != "" {
            return Err(Failure::new("StandIn", format!("{command}: {said}")));
        }
    }
    address.clone_into(&mut machine.address);
    Ok(())
}

pub(crate) fn pause(dir: &Path, machine: &Machine) -> Result<(), Failure> {
    ask(dir, machine, "stop", &json!({})).map(drop)
}

pub(crate) fn resume(dir: &Path, machine: &Machine) -> Result<(), Failure> {
    ask(dir, machine, "cont", &json!({})).map(drop)
}

/// Presses the power button and waits as long as it takes; the driver has the deadline.
pub(crate) fn shut_down(dir: &Path, machine: &Machine) {
    let mut presses = 0;
    while is_alive(dir, machine) {
        if presses % 50 == 0 {
            ask(dir, machine, "system_powerdown", &json!({})).ok();
        }
        presses += 1;
        std::thread::sleep(Duration::from_millis(200));
    }
}

pub(crate) fn end(dir: &Path, machine: &Machine) {
    if is_alive(dir, machine) {
        ask(dir, machine, "quit", &json!({})).ok();
    }
    while is_alive(dir, machine) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A guest that switched itself off, or a QEMU that was killed.
pub(crate) fn notice_the_dead(dir: &Path, host: &mut Host) {
    for machine in &mut host.machines {
        // One without a disk stands on paper only, in whatever state a test has put it.
        if machine.disk.is_some() && machine.state != State::Off && !is_alive(dir, machine) {
            machine.state = State::Off;
        }
    }
}

fn is_alive(dir: &Path, machine: &Machine) -> bool {
    UnixStream::connect(socket(dir, machine)).is_ok()
}

/// Short, for the path of a socket must be.
fn socket(dir: &Path, machine: &Machine) -> PathBuf {
    dir.join(&machine.id[..8])
}

fn ask(dir: &Path, machine: &Machine, command: &str, arguments: &Value) -> Result<Value, Failure> {
    let stream = UnixStream::connect(socket(dir, machine))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut writer = &stream;
    lines.next().transpose()?;
    let requests = [
        json!({ "execute": "qmp_capabilities" }),
        json!({ "execute": command, "arguments": arguments }),
    ];
    let mut answer = Value::Null;
    for request in requests {
        writer.write_all(format!("{request}\n").as_bytes())?;
        answer = loop {
            let line = lines.next().transpose()?.unwrap_or_default();
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if said.get("event").is_none() {
                break said;
            }
        };
    }
    match answer.get("return") {
        Some(value) => Ok(value.clone()),
        None => Err(Failure::new("StandIn", format!("{command}: {answer}"))),
    }
}
