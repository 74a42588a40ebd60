//! Snapshots, as in `075-snapshot-take` to `077-snapshot-delete`; `restore` was not recorded, and follows
//! <https://www.virtualbox.org/manual/topics/vboxmanage.html#vboxmanage-snapshot>: the machine must not
//! run, and is saved or off after it.

use crate::answer::{Answer, PROGRESS, locked, no_machine, usage};
use crate::create::random;
use crate::host::Host;
use crate::vm::{Snapshot, Vm};

pub(crate) fn snapshot(host: &mut Host, id: &str, words: &[&str]) -> Answer {
    let Some(vm) = host.vm_mut(id) else { return no_machine(id) };
    match *words {
        ["take", name] => take(vm, name),
        ["list", "--machinereadable"] => list(vm),
        ["restore", which] => restore(vm, which),
        ["delete", which] => delete(vm, which),
        _ => usage("snapshot"),
    }
}

fn take(vm: &mut Vm, name: &str) -> Answer {
    let uuid = random();
    vm.snapshots.push(Snapshot {
        name: name.to_owned(),
        uuid: uuid.clone(),
        options: vm.options.clone(),
        rules: vm.rules.clone(),
        had_memory: vm.is_on() || vm.state == "saved",
    });
    done(format!("Snapshot taken. UUID: {uuid}\n"))
}

fn list(vm: &Vm) -> Answer {
    let mut text = String::new();
    let mut node = String::new();
    for (depth, snapshot) in vm.snapshots.iter().enumerate() {
        node = "-1".repeat(depth);
        text += &format!("SnapshotName{node}=\"{}\"\n", snapshot.name);
        text += &format!("SnapshotUUID{node}=\"{}\"\n", snapshot.uuid);
    }
    if let Some(last) = vm.snapshots.last() {
        text += &format!("CurrentSnapshotName=\"{}\"\n", last.name);
        text += &format!("CurrentSnapshotUUID=\"{}\"\n", last.uuid);
        text += &format!("CurrentSnapshotNode=\"SnapshotName{node}\"\n");
    }
    Answer::says(text)
}

fn restore(vm: &mut Vm, which: &str) -> Answer {
    if vm.is_on() {
        return locked(&vm.name);
    }
    let Some(snapshot) = find(vm, which).cloned() else { return missing(which) };
    let state = if snapshot.had_memory { "saved" } else { "poweroff" };
    state.clone_into(&mut vm.state);
    (vm.options, vm.rules) = (snapshot.options, snapshot.rules);
    done(format!("Restoring snapshot '{}' ({})\n", snapshot.name, snapshot.uuid))
}

fn delete(vm: &mut Vm, which: &str) -> Answer {
    let Some(Snapshot { name, uuid, .. }) = find(vm, which).cloned() else { return missing(which) };
    vm.snapshots.retain(|it| it.uuid != uuid);
    done(format!("Deleting snapshot '{name}' ({uuid})\n"))
}

fn find<'a>(vm: &'a Vm, which: &str) -> Option<&'a Snapshot> {
    vm.snapshots.iter().find(|it| it.name == which || it.uuid == which)
}

fn missing(which: &str) -> Answer {
    let text = format!("Could not find a snapshot named '{which}'");
    Answer::fails(1, &text).of("VBOX_E_OBJECT_NOT_FOUND (0x80bb0001)", "SessionMachine")
}

fn done(stdout: String) -> Answer {
    Answer { stdout, stderr: PROGRESS.into(), ..Answer::default() }
}
