//! What the scripts do, one function for each. The rules are those of Microsoft's reference: see the
//! sources in `drivers/hyperv/src/scripts/cmdlets.tsv`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::host::{self, Host, Machine, Nat, State, Switch};
use crate::request::Request;
use crate::{Failure, messages, qemu};

/// The cmdlets of Hyper-V that the model of a script stands for.
pub(crate) fn cmdlets(script: &str) -> &'static [&'static str] {
    match script {
        "check" => &["Get-VM", "Get-VMHost", "Get-VMSwitch"],
        "create" => &["New-VM"],
        "configure" => &[
            "Add-VMDvdDrive",
            "Add-VMHardDiskDrive",
            "Get-VMDvdDrive",
            "Get-VMHardDiskDrive",
            "Get-VMNetworkAdapter",
            "Set-VM",
            "Set-VMDvdDrive",
            "Set-VMFirmware",
            "Set-VMMemory",
            "Set-VMNetworkAdapter",
            "Set-VMNetworkAdapterVlan",
            "Set-VMProcessor",
        ],
        "join" => &["Get-VMSwitch", "New-VMSwitch"],
        "kill" => &["Remove-VMSavedState", "Stop-VM"],
        "leave" => &["Get-VM", "Get-VMSwitch", "Remove-VMSwitch"],
        "remove" => &["Remove-VM", "Stop-VM"],
        "save" => &["Save-VM"],
        "start" => &["Resume-VM", "Start-VM"],
        "states" => &["Get-VM", "Get-VMNetworkAdapter"],
        "stop" => &["Resume-VM", "Stop-VM"],
        _ => &[],
    }
}

pub(crate) fn run(dir: &Path, request: &Request) -> Result<Value, Failure> {
    host::with(dir, |host| {
        qemu::notice_the_dead(dir, host);
        if let Some(failure) = messages::obstacle(&host.facts).filter(|_| request.name != "check") {
            return Err(failure);
        }
        match request.name.as_str() {
            "check" => Ok(check(host, request)),
            "create" => create(host, request),
            "configure" => configure(host, request),
            "join" => join(host, request),
            "leave" => leave(host, request),
            "states" => states(dir, host, request),
            "start" => start(dir, host, request),
            "stop" | "kill" | "save" => switch_off(dir, host, request),
            "remove" => remove(dir, host, request),
            other => Err(Failure::new("StandIn", format!("there is no script {other}"))),
        }
    })
}

fn check(host: &Host, request: &Request) -> Value {
    let mut facts = serde_json::to_value(&host.facts).expect("plain data");
    let answers = host.facts.module && host.facts.refused.is_none();
    let name = request.text("Name");
    let namesakes = host.machines.iter().filter(|machine| machine.name == name);
    let namesakes: Vec<Value> =
        namesakes.map(|machine| json!({ "id": machine.id, "path": machine.path })).collect();
    facts["switches"] = if answers { json!(host.switches) } else { json!([]) };
    facts["namesakes"] = if answers { json!(namesakes) } else { json!([]) };
    facts
}

/// `New-VM`: any number of machines may have one name. Generation 1 comes with a DVD drive, 2 with
/// Secure Boot; checkpoints are on.
fn create(host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let (name, directory) = (request.text("Name"), request.text("Directory"));
    if let Some(machine) = host.find("", &name, &directory)? {
        return Ok(json!({ "id": machine.id }));
    }
    let switch = request.text("SwitchName");
    if !host.switches.iter().any(|it| it.name == switch) {
        return Err(messages::no_switch(&switch));
    }
    let id = new_id();
    let generation = request.get("Generation");
    let machine = Machine {
        id: id.clone(),
        path: format!("{directory}\\{name}"),
        name,
        generation,
        switch,
        memory_mb: request.get("MemoryMB"),
        processors: 1,
        secure_boot: generation == 2,
        checkpoints: true,
        ..Machine::default()
    };
    host.machines.push(machine);
    Ok(json!({ "id": id }))
}

fn configure(host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let (count, drive) = (host.machines.len(), host.drive_c.clone());
    let machine = required(host, request)?;
    if machine.state != State::Off {
        return Ok(Value::Null);
    }
    machine.checkpoints = false;
    machine.processors = request.get("Processors");
    machine.memory_mb = request.get("MemoryMB");
    machine.dynamic_memory = request.get("DynamicMemory");
    machine.nested = request.get("Nested");
    machine.vlan = request.get("Vlan");
    machine.mac = match request.text("MacAddress") {
        // Hyper-V's own range of addresses.
        mac if mac.is_empty() => format!("00155D0088{count:02X}"),
        mac if mac.len() == 12 => mac,
        mac => return Err(Failure::new("InvalidParameter,SetVMNetworkAdapter", mac)),
    };
    machine.image = Some(existing(drive.as_deref(), &request.text("Image"), &["iso"])?);
    let formats: &[&str] = if machine.generation == 2 { &["vhdx"] } else { &["vhd", "vhdx"] };
    machine.disk = Some(existing(drive.as_deref(), &request.text("Disk"), formats)?);
    machine.secure_boot = false;
    Ok(Value::Null)
}

/// A file that a drive is to be given.
fn existing(drive: Option<&Path>, path: &str, endings: &[&str]) -> Result<PathBuf, Failure> {
    let path = match drive.zip(path.strip_prefix(r"C:\")) {
        Some((drive, rest)) => drive.join(rest.replace('\\', "/")),
        None => PathBuf::from(path),
    };
    let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    if path.is_absolute() && path.is_file() && endings.contains(&ending) {
        return Ok(path);
    }
    let message = format!("The system cannot use '{}' (0x80070002).", path.display());
    Err(Failure::new(
        "ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.AddVMHardDiskDrive",
        message,
    ))
}

fn states(dir: &Path, host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let (ids, names): (Vec<String>, Vec<String>) = (request.get("Ids"), request.get("Names"));
    let (subnet, integration) = (host.subnet.clone(), host.integration);
    let mut answers = Vec::new();
    for (place, machine) in host.machines.iter_mut().enumerate() {
        let by_id = ids.iter().any(|id| id.eq_ignore_ascii_case(&machine.id));
        if !by_id && !names.contains(&machine.name) {
            continue;
        }
        let running = machine.state == State::Running;
        if running && machine.switch == "Default Switch" {
            qemu::move_to(dir, machine, &address(&subnet, place))?;
        }
        let addresses = if running { vec![machine.address.clone()] } else { Vec::new() };
        let (told, seen) =
            if integration { (addresses, Vec::new()) } else { (Vec::new(), addresses) };
        let state = format!("{:?}", machine.state);
        answers.push(json!({
            "id": machine.id, "name": machine.name, "state": state, "told": told, "seen": seen
        }));
    }
    Ok(json!({ "machines": answers }))
}

fn start(dir: &Path, host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let (subnet, free) = (host.subnet.clone(), host.facts.free_memory);
    let hypervisor = host.facts.hypervisor;
    let place = {
        let id = required(host, request)?.id.clone();
        host.machines.iter().position(|machine| machine.id == id).expect("it was found")
    };
    let nat = host.nat_of(&host.machines[place].switch);
    let network = nat.map(|nat| (nat.subnet.clone(), nat.gateway.clone()));
    let machine = &mut host.machines[place];
    match machine.state {
        State::Running => {}
        State::OffCritical => return Err(messages::critical(machine)),
        State::Off if !hypervisor => return Err(messages::hypervisor_is_off(machine)),
        State::Off if machine.memory_mb << 20 > free => {
            return Err(messages::out_of_memory(machine));
        }
        State::Off => qemu::start(dir, machine, network, &address(&subnet, place))?,
        State::Paused | State::PausedCritical | State::Saved => qemu::resume(dir, machine)?,
    }
    machine.state = State::Running;
    Ok(json!({ "id": machine.id }))
}

fn address(subnet: &str, place: usize) -> String {
    format!("{subnet}.{}", 10 + place)
}

fn switch_off(dir: &Path, host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let (id, name, directory) =
        (request.text("Id"), request.text("Name"), request.text("Directory"));
    let Some(machine) = host.find(&id, &name, &directory)? else {
        return match request.name.as_str() {
            "kill" => Ok(Value::Null),
            _ => Err(not_found(&name)),
        };
    };
    match (request.name.as_str(), machine.state) {
        ("save", State::Running) => {
            qemu::pause(dir, machine)?;
            machine.state = State::Saved;
        }
        ("save", State::Off) => {
            let message =
                "The operation cannot be performed while the machine is in its current state.";
            return Err(Failure::new("InvalidState,SaveVM", message));
        }
        ("stop", State::Paused) => {
            qemu::resume(dir, machine)?;
            qemu::shut_down(dir, machine);
            machine.state = State::Off;
        }
        ("stop", State::Running) => {
            qemu::shut_down(dir, machine);
            machine.state = State::Off;
        }
        ("kill", State::Running | State::Paused | State::PausedCritical | State::Saved) => {
            qemu::end(dir, machine);
            machine.state = State::Off;
        }
        _ => {}
    }
    Ok(Value::Null)
}

/// `Remove-VM` deletes neither disks nor images.
fn remove(dir: &Path, host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let (id, name, directory) =
        (request.text("Id"), request.text("Name"), request.text("Directory"));
    if let Some(machine) = host.find(&id, &name, &directory)? {
        qemu::end(dir, machine);
        let id = machine.id.clone();
        host.machines.retain(|machine| machine.id != id);
    }
    Ok(Value::Null)
}

fn join(host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let switch = request.text("SwitchName");
    host.elevated("New-NetIPAddress")?;
    if !host.switches.iter().any(|it| it.name == switch) {
        let kind = "Internal".to_owned();
        host.switches.push(Switch { id: new_id(), name: switch.clone(), kind });
    }
    let subnet = request.text("Subnet");
    if !host.nats.iter().any(|nat| nat.subnet == subnet) {
        // One such network for a computer.
        if !host.nats.is_empty() {
            return Err(Failure::new(
                "Windows System Error 52,New-NetNat",
                "A duplicate name exists.",
            ));
        }
        host.nats.push(Nat { name: switch, subnet, gateway: request.text("Gateway") });
    }
    Ok(json!({ "name_servers": ["192.0.2.53"] }))
}

fn leave(host: &mut Host, request: &Request) -> Result<Value, Failure> {
    let switch = request.text("SwitchName");
    if !host.machines.iter().any(|machine| machine.switch == switch) {
        host.elevated("Remove-NetNat")?;
        host.nats.retain(|nat| nat.name != switch);
        host.switches.retain(|it| it.name != switch);
    }
    Ok(Value::Null)
}

fn required<'a>(host: &'a mut Host, request: &Request) -> Result<&'a mut Machine, Failure> {
    let (id, name, directory) =
        (request.text("Id"), request.text("Name"), request.text("Directory"));
    host.find(&id, &name, &directory)?.ok_or_else(|| not_found(&name))
}

fn not_found(name: &str) -> Failure {
    Failure::new("machine.NotFound,Get-Machine", format!("there is no virtual machine '{name}'"))
}

/// A GUID. The kernel makes them.
fn new_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid").expect("Linux");
    id.trim().to_owned()
}
