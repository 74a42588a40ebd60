//! Starting machines, and what can be done with those that run.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::{Answer, FAILURE, PROGRESS, no_machine};
use crate::host::Host;
use crate::modify::{add_rule, remove_rule};
use crate::monitor::Monitor;
use crate::{network, vm};

pub(crate) fn start(id: &str) -> Answer {
    let mut host = Host::quietly();
    let Some(machine) = host.vm(id).cloned() else { return no_machine(id) };
    if machine.is_on() {
        let text = format!(
            "The machine '{}' is already locked by a session (or being locked or unlocked)",
            machine.name
        );
        return Answer::fails(1, &text)
            .of("VBOX_E_INVALID_OBJECT_STATE (0x80bb0007)", "MachineWrap");
    }
    let waiting = format!("Waiting for VM \"{id}\" to power on...\n");
    let started = format!("{waiting}VM \"{id}\" has been successfully started.\n");
    if std::env::var("STANDIN_START").is_ok_and(|word| word == "fail") {
        let text = format!(
            "The virtual machine '{}' has terminated unexpectedly during startup with exit code 1 (0x1)",
            machine.name
        );
        let answer = Answer::fails(1, &text).of(FAILURE, "MachineWrap, interface IMachine");
        return Answer { stdout: waiting, ..answer };
    }
    let adapter = machine.option("hostonlyadapter2", "").to_owned();
    let is_host_only = machine.option("nic2", "none") == "hostonly";
    if is_host_only && !host.interfaces.iter().any(|it| it.name == adapter) {
        return Answer { stdout: waiting, ..network::gone(&adapter) };
    }
    let lease = network::lease(&mut host, &adapter, machine.option("macaddress2", ""));
    let vm = host.vm_mut(id).expect("it was there");
    if vm::pretends() {
        "running".clone_into(&mut vm.state);
        host.save();
        return Answer::says(started);
    }
    let resumes = vm.state == "saved";
    let keeper = spawn(&vm.uuid, lease.filter(|_| is_host_only).as_deref(), resumes);
    (vm.state, vm.keeper) = ("starting".to_owned(), Some(keeper));
    host.save();
    drop(host);
    match comes_up(&machine.uuid, resumes) {
        true => Answer::says(started),
        false => {
            let answer =
                Answer::fails(1, "The VM session was closed before any attempt to power it on");
            Answer { stdout: waiting, ..answer.of(FAILURE, "MachineWrap, interface IMachine") }
        }
    }
}

/// The keeper outlives this command, as `VBoxHeadless` does.
fn spawn(uuid: &str, lease: Option<&str>, resumes: bool) -> u32 {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--run", uuid]).env("STANDIN_LEASE", lease.unwrap_or_default());
    command.env("STANDIN_RESUME", if resumes { "1" } else { "" });
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().expect("the keeper starts").id()
}

/// Waits until QEMU's monitor answers, or the keeper has ended.
fn comes_up(uuid: &str, resumes: bool) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Ok(mut monitor) = Monitor::open(uuid) {
            let ready = !resumes || resumed(&mut monitor).is_ok();
            set_state(uuid, "running");
            return ready;
        }
        if Host::open().vm(uuid).is_none_or(|vm| !vm.is_on()) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// The guest goes on by itself once its memory is read.
fn resumed(monitor: &mut Monitor) -> std::io::Result<()> {
    while monitor.execute("query-status", Value::Null)?["status"] == "inmigrate" {
        std::thread::sleep(Duration::from_millis(20));
    }
    monitor.execute("cont", Value::Null).map(drop)
}

pub(crate) fn set_state(uuid: &str, state: &str) {
    let mut host = Host::quietly();
    if let Some(vm) = host.vm_mut(uuid) {
        state.clone_into(&mut vm.state);
        host.save();
    }
}

pub(crate) fn control(id: &str, words: &[&str]) -> Answer {
    let host = Host::open();
    let Some(vm) = host.vm(id) else { return no_machine(id) };
    if !vm.is_on() {
        return Answer::fails(1, &format!("Machine '{}' is not currently running.", vm.name));
    }
    let uuid = vm.uuid.clone();
    if vm::pretends() {
        let state = match words[0] {
            "poweroff" | "acpipowerbutton" => "poweroff",
            "savestate" => "saved",
            "pause" => "paused",
            _ => "running",
        };
        set_state(&uuid, state);
        return Answer { stderr: PROGRESS.into(), ..Answer::default() };
    }
    let result = Monitor::open(&uuid).and_then(|mut monitor| tell(&mut monitor, &uuid, words));
    match result {
        Ok(answer) => answer,
        Err(error) => Answer::fails(1, &error.to_string()),
    }
}

fn tell(monitor: &mut Monitor, uuid: &str, words: &[&str]) -> std::io::Result<Answer> {
    let mut plain = |command: &str| monitor.execute(command, Value::Null).map(drop);
    match *words {
        ["acpipowerbutton"] => plain("system_powerdown")?,
        ["reset"] => plain("system_reset")?,
        ["pause"] => {
            plain("stop")?;
            set_state(uuid, "paused");
        }
        ["resume"] => {
            plain("cont")?;
            set_state(uuid, "running");
        }
        ["poweroff"] => {
            set_state(uuid, "stopping");
            plain("quit")?;
            await_end(uuid);
            return Ok(Answer { stderr: PROGRESS.into(), ..Answer::default() });
        }
        ["savestate"] => {
            save(monitor, uuid)?;
            return Ok(Answer { stderr: PROGRESS.into(), ..Answer::default() });
        }
        ["natpf1", "delete", name] => {
            let rule = Host::open().vm(uuid).and_then(|vm| {
                vm.rules.iter().find(|rule| rule.split(',').next() == Some(name)).cloned()
            });
            if let Some(rule) = rule {
                let fields: Vec<&str> = rule.split(',').collect();
                monitor.human(&format!("hostfwd_remove n1 tcp:{}:{}", fields[2], fields[3]))?;
            }
            return Ok(change_rules(uuid, |vm| remove_rule(vm, name)));
        }
        ["natpf1", rule] => {
            let fields: Vec<&str> = rule.split(',').collect();
            monitor
                .human(&format!("hostfwd_add n1 tcp:{}:{}-:{}", fields[2], fields[3], fields[5]))?;
            return Ok(change_rules(uuid, |vm| add_rule(vm, rule)));
        }
        _ => return Ok(Answer::fails(2, &format!("Invalid parameter '{}'", words[0]))),
    }
    Ok(Answer::default())
}

fn change_rules(uuid: &str, change: impl FnOnce(&mut vm::Vm) -> Option<Answer>) -> Answer {
    let mut host = Host::quietly();
    let vm = host.vm_mut(uuid).expect("it runs");
    if let Some(answer) = change(vm) {
        return answer;
    }
    host.save();
    Answer::default()
}

fn save(monitor: &mut Monitor, uuid: &str) -> std::io::Result<()> {
    let path = Host::open().vm(uuid).expect("it runs").saved();
    fs::create_dir_all(path.parent().expect("it is in a directory"))?;
    set_state(uuid, "saving");
    monitor.execute("stop", Value::Null)?;
    monitor.execute("migrate", json!({"uri": format!("exec:cat >'{}'", path.display())}))?;
    loop {
        match monitor.execute("query-migrate", Value::Null)?["status"].as_str() {
            Some("completed") => break,
            Some("failed" | "cancelled") => {
                return Err(std::io::Error::other("it cannot be saved"));
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    monitor.execute("quit", Value::Null).ok();
    await_end(uuid);
    Ok(())
}

fn await_end(uuid: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    while Host::open().vm(uuid).is_some_and(vm::Vm::is_on) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends with 0 whatever happened.
pub(crate) fn discard(host: &mut Host, id: &str) -> Answer {
    let Some(vm) = host.vm_mut(id) else { return no_machine(id) };
    if vm.state != "saved" {
        let word = if vm.state == "poweroff" { "PoweredOff" } else { "Running" };
        let text = format!(
            "Cannot discard the saved state as the machine is not in the Saved or Aborted-Saved state \
             (machine state: {word})"
        );
        let component = "SessionMachine, interface IMachine, callee nsISupports";
        return Answer {
            code: 0,
            ..Answer::fails(0, &text).of("VBOX_E_INVALID_VM_STATE (0x80bb0002)", component)
        };
    }
    fs::remove_file(vm.saved()).ok();
    "poweroff".clone_into(&mut vm.state);
    Answer::default()
}
