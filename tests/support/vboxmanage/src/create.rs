use std::fs;
use std::path::Path;

use crate::answer::{Answer, FILE_ERROR, no_machine, unknown_option, usage};
use crate::host::Host;
use crate::vm::Vm;

pub(crate) fn create(host: &mut Host, words: &[&str]) -> Answer {
    let (mut base, mut name, mut uuid, mut register) = ("", "", String::new(), false);
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word {
            "--basefolder" => base = value(),
            "--name" => name = value(),
            "--uuid" => value().clone_into(&mut uuid),
            "--register" => register = true,
            "--platform-architecture" if crate::is_at_least(7, 1) && value() == "x86" => {}
            other => return unknown_option(other),
        }
    }
    if base.is_empty() || name.is_empty() || !register {
        return usage("Parameter --name is required");
    }
    if uuid.is_empty() {
        uuid = random();
    }
    let dir = Path::new(base).join(name);
    let vm = Vm { name: name.into(), uuid, dir, state: "poweroff".into(), ..Vm::default() };
    let settings = vm.settings();
    if settings.exists() {
        let text = format!("Machine settings file '{}' already exists", settings.display());
        let component = "MachineWrap, interface IMachine, callee nsISupports";
        return Answer::fails(1, &text).of(FILE_ERROR, component);
    }
    fs::create_dir_all(vm.dir.join("Logs")).expect("the machine's directory can be made");
    fs::write(&settings, "<VirtualBox/>\n").expect("the settings can be written");
    let said = format!(
        "Virtual machine '{name}' is created and registered.\nUUID: {}\nSettings file: '{}'\n",
        vm.uuid,
        settings.display()
    );
    host.vms.push(vm);
    Answer::says(said)
}

pub(crate) fn unregister(host: &mut Host, words: &[&str]) -> Answer {
    let delete = words.contains(&"--delete");
    let id = words.iter().find(|word| !word.starts_with("--")).copied().unwrap_or_default();
    let Some(place) = host.vms.iter().position(|vm| vm.uuid == id || vm.name == id) else {
        return no_machine(id);
    };
    let vm = &host.vms[place];
    if vm.is_on() {
        let text = format!("Cannot unregister the machine '{}' while it is locked", vm.name);
        return Answer::fails(1, &text)
            .of("VBOX_E_INVALID_OBJECT_STATE (0x80bb0007)", "MachineWrap");
    }
    let vm = host.vms.remove(place);
    if !delete {
        return Answer::default();
    }
    for (kind, path, _) in vm.media.values() {
        if kind == "hdd" {
            fs::remove_file(path).ok();
        }
    }
    fs::remove_dir_all(&vm.dir).ok();
    Answer::done("")
}

/// 16 random bytes as a UUID, without a crate for it.
pub(crate) fn random() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid").expect("Linux has UUIDs").trim().to_owned()
}
