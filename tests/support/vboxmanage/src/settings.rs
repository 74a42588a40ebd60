//! What is merely kept: shared folders, guest properties, extra data.

use crate::answer::{Answer, IN_USE, no_machine};
use crate::host::Host;

pub(crate) fn share(host: &mut Host, id: &str, words: &[&str]) -> Answer {
    let Some(vm) = host.vm_mut(id) else { return no_machine(id) };
    let ["--name", name, "--hostpath", path, "--automount"] = *words else {
        return crate::answer::usage("sharedfolder");
    };
    if vm.shares.iter().any(|(it, _)| it == name) {
        let component = "SessionMachine, interface IMachine, callee nsISupports";
        return Answer::fails(1, &format!("Shared folder named '{name}' already exists"))
            .of(IN_USE, component);
    }
    vm.shares.push((name.to_owned(), path.to_owned()));
    Answer::default()
}

pub(crate) fn property(host: &mut Host, id: &str, key: &str, value: &str) -> Answer {
    let Some(vm) = host.vm_mut(id) else { return no_machine(id) };
    vm.properties.insert(key.to_owned(), value.to_owned());
    Answer::default()
}

pub(crate) fn properties(host: &Host, id: &str) -> Answer {
    let Some(vm) = host.vm(id) else { return no_machine(id) };
    let width = vm.properties.keys().map(String::len).max().unwrap_or(0);
    let line = |(key, value): (&String, &String)| {
        format!("{key:width$} = '{value}' @ 2026-11-23T21:19:07.895Z\n")
    };
    Answer::says(vm.properties.iter().map(line).collect::<String>())
}

pub(crate) fn set_extradata(host: &mut Host, id: &str, key: &str, value: Option<&str>) -> Answer {
    let data = match id {
        "global" => &mut host.extradata,
        id => match host.vm_mut(id) {
            Some(vm) => &mut vm.extradata,
            None => return no_machine(id),
        },
    };
    match value {
        Some(value) => data.insert(key.to_owned(), value.to_owned()),
        None => data.remove(key),
    };
    Answer::default()
}

pub(crate) fn extradata(host: &Host, id: &str, key: &str) -> Answer {
    let data = match id {
        "global" => &host.extradata,
        id => match host.vm(id) {
            Some(vm) => &vm.extradata,
            None => return no_machine(id),
        },
    };
    if key == "enumerate" {
        let line = |(key, value): (&String, &String)| format!("Key: {key}, Value: {value}\n");
        return Answer::says(data.iter().map(line).collect::<String>());
    }
    match data.get(key) {
        Some(value) => Answer::says(format!("Value: {value}\n")),
        None => Answer::says("No value set!\n"),
    }
}
