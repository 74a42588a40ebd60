use std::fs;
use std::path::Path;
use std::process::Command;

use crate::answer::{Answer, FAILURE, FILE_ERROR, IN_USE, no_machine};
use crate::create::random;
use crate::host::Host;

pub(crate) fn controller(host: &mut Host, id: &str, words: &[&str]) -> Answer {
    let Some(vm) = host.vm_mut(id) else { return no_machine(id) };
    let ["--name", name, "--add", "sata", "--hostiocache", "on"] = *words else {
        return crate::answer::usage("storagectl");
    };
    if vm.controller.as_deref() == Some(name) {
        let component = "SessionMachine, interface IMachine, callee nsISupports";
        let text = format!("Storage controller named '{name}' already exists");
        return Answer::fails(1, &text).of(IN_USE, component);
    }
    vm.controller = Some(name.to_owned());
    Answer::default()
}

pub(crate) fn attach(host: &mut Host, id: &str, words: &[&str]) -> Answer {
    let ["--storagectl", _, "--port", port, "--device", "0", "--type", kind, "--medium", path] =
        *words
    else {
        return crate::answer::usage("storageattach");
    };
    let Some(vm) = host.vm_mut(id) else { return no_machine(id) };
    let Ok(metadata) = fs::metadata(path) else {
        let text = format!("Could not find file for the medium '{path}' (VERR_FILE_NOT_FOUND)");
        let mut answer = Answer::fails(1, &text)
            .of(FILE_ERROR, "MediumWrap, interface IMedium, callee nsISupports");
        answer.stderr += &format!("VBoxManage: error: Invalid UUID or filename \"{path}\"\n");
        return answer;
    };
    if kind == "dvddrive" && metadata.len() % 512 != 0 {
        return Answer::fails(
            1,
            &format!(
                "Could not get the storage format of the medium '{path}' (VERR_NOT_SUPPORTED)"
            ),
        )
        .of(FAILURE, "MediumWrap");
    }
    let uuid = if kind == "hdd" { disk_uuid(Path::new(path)) } else { Some(random()) };
    let Some(uuid) = uuid else {
        return Answer::fails(1, &format!("Could not get the storage format of the medium '{path}' (VERR_VD_VMDK_INVALID_HEADER)"))
            .of(FAILURE, "MediumWrap");
    };
    let port = port.parse().expect("a port is a number");
    vm.media.insert(port, (kind.to_owned(), path.to_owned(), uuid));
    if kind == "dvddrive" && !host.dvds.iter().any(|it| it == path) {
        host.dvds.push(path.to_owned());
    }
    Answer::default()
}

/// A CD that is on no list is opened first, if it is there.
pub(crate) fn close(host: &mut Host, path: &str) -> Answer {
    if !host.dvds.iter().any(|it| it == path) && !Path::new(path).exists() {
        let text = format!("Could not find file for the medium '{path}' (VERR_FILE_NOT_FOUND)");
        return Answer::fails(1, &text)
            .of(FILE_ERROR, "MediumWrap, interface IMedium, callee nsISupports");
    }
    host.dvds.retain(|it| it != path);
    Answer::default()
}

/// The UUID in a disk's description, which lies in its first 11 KiB.
fn disk_uuid(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(21 * 512)]).into_owned();
    if !start.starts_with("KDMV") {
        return None;
    }
    start.split("ddb.uuid.image=\"").nth(1)?.split('"').next().map(str::to_owned)
}

pub(crate) fn clone(from: &str, to: &str) -> Answer {
    let copied = Command::new("cp").args(["--sparse=always", from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "a disk can be copied");
    Answer::done(format!("Clone medium created in format 'VMDK'. UUID: {}\n", random()))
}
