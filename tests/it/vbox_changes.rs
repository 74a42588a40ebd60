//! What `set` and `snapshot` do with a machine of VirtualBox: which commands they give, and what the
//! record says after them. Its machines only pretend to run.

use std::path::Path;

use crate::vbox::Host;

/// A complete machine that docker-machine has made, which VirtualBox has.
fn machine() -> Host {
    let vbox = Host::pretending();
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/records/virtualbox.json");
    let store = vbox.lab.store().display().to_string();
    let text = std::fs::read_to_string(record).unwrap().replace("/home/u/.docker/machine", &store);
    vbox.lab.put("virtualbox", text.as_bytes());
    let base = format!("{store}/machines/virtualbox");
    vbox.manage(&["createvm", "--basefolder", &base, "--name", "virtualbox", "--register"]);
    vbox
}

/// The calls that change something.
fn changes(vbox: &Host) -> Vec<String> {
    let calls = vbox.calls().into_iter().map(|call| call.join(" "));
    calls.filter(|call| call.starts_with("modifyvm") || call.starts_with("snapshot")).collect()
}

fn inspect(vbox: &Host, what: &str) -> String {
    vbox.ok(&["inspect", "virtualbox", "-f", what])
}

#[test]
fn another_size() {
    let vbox = machine();
    vbox.calls();
    vbox.ok(&["set", "virtualbox", "--cpus", "3", "--memory", "2G"]);
    assert_eq!(changes(&vbox), ["modifyvm virtualbox --cpus 3 --memory 2048"]);
    assert_eq!(inspect(&vbox, "{{.Driver.CPU}} {{.Driver.Memory}}"), "3 2048\n");
    let disk = vbox.run(&["set", "virtualbox", "--disk", "60G"]);
    assert_eq!(disk.code, Some(1));
    assert!(disk.stderr.contains("driver `virtualbox` does not support larger disks"));
    // VirtualBox itself says what it does not take, and the record stays true.
    let little = vbox.run(&["set", "virtualbox", "--memory", "1"]);
    assert!(little.stderr.contains("Invalid RAM size: 1 MB"), "{}", little.stderr);
    assert_eq!(inspect(&vbox, "{{.Driver.Memory}}"), "2048\n");
    vbox.ok(&["rm", "-y", "virtualbox"]);
    vbox.has_nothing();
}

#[test]
fn snapshots_are_virtualboxs_own() {
    let vbox = machine();
    vbox.calls();
    vbox.ok(&["snapshot", "save", "virtualbox", "clean"]);
    assert_eq!(changes(&vbox), ["snapshot virtualbox take clean"]);
    let again = vbox.run(&["snapshot", "save", "virtualbox", "clean"]);
    assert!(again.stderr.contains("there is a snapshot `clean` already"), "{}", again.stderr);
    let listed = vbox.ok(&["snapshot", "ls", "virtualbox"]);
    assert!(listed.lines().nth(1).unwrap().starts_with("clean "), "{listed}");
    assert_eq!(vbox.calls().len(), 0, "what is on record costs no call");

    let memory = inspect(&vbox, "{{.Driver.Memory}}");
    vbox.ok(&["set", "virtualbox", "--memory", "4096"]);
    vbox.calls();
    vbox.ok(&["snapshot", "restore", "virtualbox", "clean"]);
    assert!(changes(&vbox)[0].starts_with("snapshot virtualbox restore "));
    assert_eq!(inspect(&vbox, "{{.Driver.Memory}}"), memory);
    assert_eq!(vbox.ok(&["status", "virtualbox"]), "Stopped\n");

    vbox.ok(&["snapshot", "rm", "virtualbox", "clean"]);
    assert!(changes(&vbox)[0].starts_with("snapshot virtualbox delete "));
    let none = vbox.run(&["snapshot", "restore", "virtualbox", "clean"]);
    assert!(none.stderr.contains("no snapshot `clean`"), "{}", none.stderr);
    vbox.ok(&["rm", "-y", "virtualbox"]);
    vbox.has_nothing();
}
