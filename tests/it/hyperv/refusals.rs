//! What Hyper-V refuses, and what is said of it. The stand-in's words are those of real reports, which
//! its `messages.rs` names.

use serde_json::{Value, json};

use super::Windows;
use crate::lab::Run;

/// What is missing, found before anything is made: exit code 3.
#[test]
fn every_lack_is_told_with_what_mends_it_and_leaves_nothing() {
    let windows = Windows::new();
    let create =
        |args: &[&str]| windows.run(&[&["create", "-d", "hyperv"], args, &["lab1"]].concat());
    for (pointer, value, good, text, hint) in [
        (
            "/facts/module",
            json!(false),
            json!(true),
            "Module is not available",
            "Microsoft-Hyper-V",
        ),
        (
            "/facts/service",
            json!("Stopped"),
            json!("Running"),
            "does not run",
            "Start-Service vmms",
        ),
        ("/facts/hypervisor", json!(false), json!(true), "hypervisor does not run", "bcdedit"),
        (
            "/facts/refused",
            json!(REFUSED),
            Value::Null,
            "have to be run as an Administrator",
            "S-1-5-32-578",
        ),
        ("/switches", json!([]), json!([]), "nor Default Switch found", "--hyperv-nat-subnet"),
    ] {
        windows.set(pointer, value);
        assert_refused(&create(&[]), 3, text, hint);
        windows.set(pointer, good);
    }
    let switch = create(&["--hyperv-virtual-switch", "LAN"]);
    assert_refused(&switch, 3, "vswitch \"LAN\" not found", "leave it out");
    let network = create(&["--hyperv-nat-subnet", "192.168.77.0/24"]);
    assert_refused(&network, 3, "rights of an administrator", "elevated terminal");
    assert_eq!(std::fs::read_dir(windows.store().join("machines")).unwrap().count(), 0);
}

#[test]
fn a_name_that_hyper_v_knows_is_not_taken_again() {
    let windows = Windows::new();
    windows.put("lab1", "Off");
    std::fs::remove_dir_all(windows.store().join("machines/lab1")).unwrap();
    let run = windows.run(&["create", "-d", "hyperv", "lab1"]);
    assert_refused(&run, 3, "has a virtual machine `lab1` already", "Remove-VM -Name 'lab1'");
    assert!(run.stderr.contains(r"C:\vms\lab1"), "{}", run.stderr);
    assert_eq!(windows.host()["machines"].as_array().unwrap().len(), 1, "it was somebody's");
}

/// The machine is made and cannot be started: it can be once there is memory, and be removed.
#[test]
fn too_little_memory_is_said_and_leaves_what_can_be_carried_on() {
    let windows = Windows::new();
    windows.set("/facts/free_memory", json!(100 << 20));
    let image = crate::vbox::hollow_image(&windows.lab);
    let run = windows.run(&["create", "-d", "hyperv", "--hyperv-boot2docker-url", &image, "lab1"]);
    assert_refused(&run, 1, "with ram size 1024 megabytes", "--hyperv-memory 1024");
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("100 MB of memory are free"), "{said}");
    assert_eq!(windows.host()["machines"][0]["state"], "Off");
    assert_eq!(windows.calls().0, 1, "one PowerShell for a command");
    windows.ok(&["rm", "-y", "lab1"]);
    assert_eq!((windows.host()["machines"].clone(), windows.names()), (json!([]), String::new()));
}

#[test]
fn whoever_starts_a_machine_is_told_what_is_in_the_way() {
    let windows = Windows::new();
    windows.put("lab1", "Off");
    let start = || windows.run(&["start", "lab1"]);
    for (pointer, value, good, text, hint) in [
        ("/facts/module", json!(false), json!(true), "could not be loaded", "Microsoft-Hyper-V"),
        ("/facts/service", json!("Stopped"), json!("Running"), "service", "Start-Service vmms"),
        ("/facts/refused", json!(REFUSED), Value::Null, "required permission", "S-1-5-32-578"),
        ("/facts/hypervisor", json!(false), json!(true), "components is not running", "bcdedit"),
        (
            "/facts/free_memory",
            json!(0),
            json!(8_u64 << 30),
            "Not enough memory",
            "--hyperv-memory",
        ),
        (
            "/machines/0/state",
            json!("OffCritical"),
            json!("Off"),
            "its state is OffCritical",
            "is the drive there",
        ),
    ] {
        windows.set(pointer, value);
        assert_refused(&start(), 1, text, hint);
        windows.set(pointer, good);
    }
    // A Windows that speaks German: the words say nothing to us, the groups do.
    windows.set("/facts/refused", json!("Sie besitzen nicht die erforderliche Berechtigung."));
    windows.set("/facts/hyperv_administrator", json!(false));
    assert_refused(&start(), 1, "erforderliche Berechtigung", "S-1-5-32-578");
}

/// kubernetes/minikube#6732.
const REFUSED: &str = "You do not have the required permission to complete this task. Contact the \
                       administrator of the authorization policy for the computer 'PC'.";

#[track_caller]
fn assert_refused(run: &Run, code: i32, text: &str, hint: &str) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    let (told, hints) = run.stderr.split_once("hint:").unwrap_or((&run.stderr, ""));
    assert!(told.contains(text) && hints.contains(hint), "{}", run.stderr);
}
