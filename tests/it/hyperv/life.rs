//! Whole machines, booted.

use std::process::Command;

use serde_json::{Value, json};

use super::Windows;
use crate::lab::run;

/// Whether the stand-in can boot machines and give them ports 22 and 2376.
fn cannot_boot() -> bool {
    if crate::vm::skipped() {
        return true;
    }
    if std::net::TcpListener::bind("127.88.255.1:22").is_err() {
        crate::lab::skip("no right to use port 22");
        return true;
    }
    false
}

#[test]
fn a_machine_from_cradle_to_grave() {
    if crate::lab::in_a_hurry() || cannot_boot() {
        return;
    }
    let windows = Windows::new();
    let created = windows.ok(&["create", "-d", "hyperv", "--hyperv-cpu-count", "2", "lab1"]);
    assert!(created.contains("Using switch \"Default Switch\""), "{created}");
    assert!(created.contains("does not name 127.88.0.10: renewing it"), "{created}");
    assert_looks_are_a_second_apart(&windows.log());
    let (started, scripts) = windows.calls();
    assert_eq!(started, 1, "one PowerShell for a command: {scripts:?}");
    assert_eq!(scripts[..6], ["check", "check", "create", "configure", "start", "states"]);
    let machine = &windows.host()["machines"][0];
    assert_eq!(machine["checkpoints"], false, "{machine}");
    assert_eq!((&machine["processors"], &machine["memory_mb"]), (&json!(2), &json!(1024)));

    assert_eq!(windows.docker(&["version", "--format", "{{.Server.Os}}"]).stdout, "linux\n");
    assert_eq!(windows.ok(&["ssh", "lab1", "hostname"]), "lab1\n");
    assert!(windows.ok(&["ls"]).contains("tcp://127.88.0.10:2376"));
    windows.calls();
    windows.ok(&["suspend", "lab1"]);
    assert_eq!(windows.ok(&["status", "lab1"]), "Saved\n");
    assert_eq!(windows.calls().0, 2, "one for each command");
    windows.ok(&["start", "lab1"]);
    let (started, scripts) = windows.calls();
    assert_eq!(started, 1, "one for a command: {scripts:?}");
    // Somebody has paused it with Hyper-V's own tools.
    windows.set("/machines/0/state", json!("Paused"));
    assert_eq!(windows.ok(&["status", "lab1"]), "Paused\n");
    windows.ok(&["start", "lab1"]);
    assert_eq!(windows.host()["machines"][0]["state"], "Running");

    // Windows was restarted, and the machine with it: the Default Switch has another subnet.
    windows.set("/subnet", json!("127.88.1"));
    let config = windows.store().join("machines/lab1/config.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    record["Driver"]["AddressSince"] = json!(1);
    std::fs::write(&config, record.to_string()).unwrap();
    let env = windows.run(&["env", "--shell", "powershell", "lab1"]);
    assert!(env.stdout.contains("$Env:DOCKER_HOST = \"tcp://127.88.1.10:2376\""), "{}", env.stdout);
    assert!(env.stderr.contains("does not name 127.88.1.10"), "{}", env.stderr);
    assert_eq!(windows.docker(&["ps", "-q"]).code, Some(0));
    windows.calls();
    windows.ok(&["env", "--shell", "powershell", "lab1"]);
    assert_eq!(windows.calls().0, 0, "nothing is asked as long as this computer runs");

    windows.set("/subnet", json!("127.88.2"));
    windows.set("/integration", json!(false));
    windows.calls();
    windows.ok(&["stop", "lab1"]);
    assert_eq!(windows.calls().0, 1, "one for a command");
    assert_eq!(windows.host()["machines"][0]["state"], "Off");
    let started = windows.ok(&["start", "lab1"]);
    assert!(started.contains("does not name 127.88.2.10"), "{started}");
    assert_eq!(windows.docker(&["ps", "-q"]).code, Some(0), "told by its neighbours");

    // Somebody has made a checkpoint with Hyper-V's own tools.
    let dir = windows.store().join("machines/lab1");
    std::fs::write(dir.join("disk_4E55.avhdx"), "").unwrap();
    windows.calls();
    windows.ok(&["rm", "-y", "lab1"]);
    assert_eq!(windows.calls().0, 1, "one for a command");
    assert_eq!(windows.host()["machines"], json!([]));
    assert_eq!(std::fs::read_dir(windows.store().join("machines")).unwrap().count(), 0);
}

/// However long a machine takes to have an address, this computer is not kept busy with questions.
fn assert_looks_are_a_second_apart(log: &[Value]) {
    let looks = log.iter().filter(|entry| entry["script"] == "states");
    let times: Vec<u64> = looks.map(|entry| entry["ms"].as_u64().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1000), "{times:?}");
}

/// A network of our own. All runs in a network namespace, where the machine's subnet is this
/// computer's own, so that the stand-in can have ports there. Whoever calls has the one address that
/// QEMU's user network takes for its own: with the guest's, the guest would believe nothing.
#[test]
fn a_network_of_our_own_has_addresses_that_never_move() {
    if crate::lab::in_a_hurry() || cannot_boot() {
        return;
    }
    let windows = Windows::new();
    windows.set("/facts/elevated", json!(true));
    let script = r#"
        ip link set lo up && ip route add local 192.168.77.0/24 dev lo src 127.0.0.1 || exit 42
        set -e
        $M create -d hyperv --hyperv-nat-subnet 192.168.77.0/24 natted
        eval "$($M env --shell bash natted)"
        docker version --format 'engine {{.Server.Os}}'
        $M ssh natted "ip route show default; cat /etc/resolv.conf"
        $M rm -y natted"#;
    let command = windows.command(&[]);
    let mut shell = Command::new("unshare");
    shell.args(["--net", "sh", "-c", script]).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("M", env!("CARGO_BIN_EXE_machine"));
    let run = run(&mut shell);
    if run.code == Some(42) || run.stderr.contains("unshare failed") {
        crate::lab::skip("no right to make a network namespace");
        return;
    }
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("engine linux"), "{}", run.stdout);
    assert!(run.stdout.contains("default via 192.168.77.1"), "{}", run.stdout);
    assert!(run.stdout.contains("nameserver 192.0.2.53"), "{}", run.stdout);
    assert!(!run.stdout.contains("renewing"), "born with its address: {}", run.stdout);
    let host = windows.host();
    assert_eq!((&host["nats"], host["switches"].as_array().unwrap().len()), (&json!([]), 1));
}
