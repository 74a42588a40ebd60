//! The driver `hyperv` with a stand-in for PowerShell, whose virtual machines are QEMU's.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::golden;
use crate::lab::{Lab, Run, run};

/// A Windows with Hyper-V, and a store whose path has all that is hard to quote.
struct Windows {
    lab: Lab,
}

impl Windows {
    fn new() -> Self {
        let lab = Lab::new();
        let bin = lab.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(env!("CARGO_BIN_EXE_stand-in-powershell"), bin.join("powershell.exe")).unwrap();
        Self { lab }
    }

    fn store(&self) -> PathBuf {
        self.lab.path().join("Jörg O'Neil $x")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.lab.command();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.lab.path().join("bin")].into_iter().chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HYPERV_STAND_IN", self.lab.path().join("w"))
            .env("MACHINE_STORAGE_PATH", self.store())
            .args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    fn host(&self) -> Value {
        let text = std::fs::read(self.lab.path().join("w/host.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Changes what the stand-in knows, one value of it.
    fn set(&self, pointer: &str, value: Value) {
        let dir = self.lab.path().join("w");
        let mut host = match dir.join("host.json").exists() {
            true => self.host(),
            false => json!({ "facts": {} }),
        };
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        host.pointer_mut(parent).unwrap()[key] = value;
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("host.json"), host.to_string()).unwrap();
    }

    /// What the stand-in was asked: processes and requests, and forgets it.
    fn calls(&self) -> (usize, Vec<String>) {
        let path = self.lab.path().join("w/log.jsonl");
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::remove_file(path).ok();
        let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let (mut started, mut scripts) = (0, Vec::new());
        for entry in entries {
            match entry["script"].as_str() {
                Some(script) => scripts.push(script.to_owned()),
                None => started += 1,
            }
        }
        (started, scripts)
    }

    fn docker(&self, args: &[&str]) -> Run {
        let config = self.ok(&["config", "lab1"]);
        let options = config.lines().map(|line| line.replace('"', ""));
        let mut docker = Command::new("docker");
        run(docker.env("DOCKER_CONFIG", self.lab.path().join("docker")).args(options).args(args))
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        if std::thread::panicking() && self.store().exists() {
            for console in ["lab1", "natted"] {
                let path = self.lab.path().join(format!("w/{console}.console"));
                let text = std::fs::read_to_string(path).unwrap_or_default();
                crate::lab::skip(&format!("console of {console}: {text}"));
                self.command(&["rm", "-f", "-y", console]).output().ok();
            }
        }
    }
}

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
    let (started, scripts) = windows.calls();
    assert_eq!(started, 1, "one PowerShell for a command: {scripts:?}");
    assert_eq!(scripts[..6], ["check", "check", "create", "configure", "start", "states"]);
    let machine = &windows.host()["machines"][0];
    assert_eq!(machine["checkpoints"], false, "{machine}");
    assert_eq!((&machine["processors"], &machine["memory_mb"]), (&json!(2), &json!(1024)));

    assert_eq!(windows.docker(&["version", "--format", "{{.Server.Os}}"]).stdout, "linux\n");
    assert_eq!(windows.ok(&["ssh", "lab1", "hostname"]), "lab1\n");
    assert!(windows.ok(&["ls"]).contains("tcp://127.88.0.10:2376"));
    windows.ok(&["suspend", "lab1"]);
    assert_eq!(windows.ok(&["status", "lab1"]), "Saved\n");
    windows.ok(&["start", "lab1"]);

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
    windows.ok(&["stop", "lab1"]);
    assert_eq!(windows.host()["machines"][0]["state"], "Off");
    let started = windows.ok(&["start", "lab1"]);
    assert!(started.contains("does not name 127.88.2.10"), "{started}");
    assert_eq!(windows.docker(&["ps", "-q"]).code, Some(0), "told by its neighbours");

    windows.ok(&["rm", "-y", "lab1"]);
    assert_eq!(windows.host()["machines"], json!([]));
    assert_eq!(std::fs::read_dir(windows.store().join("machines")).unwrap().count(), 0);
}

/// A network of our own. All runs in a network namespace, where the machine's subnet is this
/// computer's own, so that the stand-in can have ports there.
#[test]
fn a_network_of_our_own_has_addresses_that_never_move() {
    if crate::lab::in_a_hurry() || cannot_boot() {
        return;
    }
    let windows = Windows::new();
    windows.set("/facts/elevated", json!(true));
    let script = r#"
        ip link set lo up && ip route add local 192.168.77.0/24 dev lo || exit 42
        set -e
        $M create -d hyperv --hyperv-nat-subnet 192.168.77.0/24 natted
        docker $($M config natted | tr -d '"') version --format 'engine {{.Server.Os}}'
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

/// Puts `m<number>` into the store as docker-machine leaves one, and returns the stand-in's own record.
fn machine_of_docker_machines(windows: &Windows, number: u32) -> Value {
    let name = format!("m{number}");
    let dir = windows.store().join("machines").join(&name);
    std::fs::create_dir_all(&dir).unwrap();
    let record = std::fs::read(golden::record("hyperv")).unwrap();
    let mut record: Value = serde_json::from_slice(&record).unwrap();
    (record["Name"], record["Driver"]["MachineName"]) = (json!(name), json!(name));
    std::fs::write(dir.join("config.json"), record.to_string()).unwrap();
    json!({
        "id": format!("{number:08}"), "name": name, "path": format!("C:\\vms\\{name}"),
        "generation": 1, "switch": "Default Switch", "state": "Off", "memory_mb": 1024,
        "processors": 1, "dynamic_memory": true, "nested": false, "mac": "00155D000001",
        "vlan": 0, "image": null, "disk": null, "secure_boot": false, "checkpoints": true,
        "address": ""
    })
}

/// One of ours is given its shape once more; docker-machine's has its files elsewhere.
#[test]
fn another_size() {
    let windows = Windows::new();
    let machine = machine_of_docker_machines(&windows, 1);
    windows.set("/machines", json!([machine]));
    let size = ["set", "m1", "--cpus", "2", "--memory", "2G"];
    let refused = windows.run(&size);
    assert!(refused.stderr.contains("a machine of docker-machine"), "{}", refused.stderr);
    let dir = windows.store().join("machines/m1");
    let path = dir.join("config.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    (record["Driver"]["VMID"], record["Driver"]["Generation"]) = (json!("00000001"), json!(1));
    std::fs::write(&path, record.to_string()).unwrap();
    // Its disk is not there: what Hyper-V refuses does not stand in the record.
    let memory = ["inspect", "m1", "-f", "{{.Driver.CPU}} {{.Driver.MemSize}}"];
    let before = windows.ok(&memory);
    assert_eq!(windows.run(&size).code, Some(1));
    assert_eq!(windows.ok(&memory), before);
    for file in ["disk.vhdx", "boot2docker.iso"] {
        std::fs::write(dir.join(file), "").unwrap();
    }
    windows.ok(&size);
    assert_eq!(windows.ok(&memory), "2 2048\n");
    let machine = &windows.host()["machines"][0];
    assert_eq!((&machine["processors"], &machine["memory_mb"]), (&json!(2), &json!(2048)));
    let disk = windows.run(&["set", "m1", "--disk", "60G"]);
    assert!(disk.stderr.contains("does not support larger disks"), "{}", disk.stderr);
}

/// `docker-machine` needed ten seconds for one machine.
#[test]
fn ten_machines_are_listed_with_one_question() {
    let windows = Windows::new();
    let mut machines = Vec::new();
    for number in 0..10 {
        machines.push(machine_of_docker_machines(&windows, number));
    }
    windows.set("/machines", json!(machines));
    let table = windows.ok(&["ls", "--format", "{{.Name}} {{.State}}"]);
    assert_eq!(table.matches("Stopped").count(), 10, "{table}");
    assert_eq!(windows.calls(), (1, vec!["states".to_owned()]));
    // docker-machine's machines have no id in their record.
    windows.ok(&["rm", "-y", "m3"]);
    assert_eq!(windows.host()["machines"].as_array().unwrap().len(), 9);
}

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
            json!("You do not have the required permission."),
            Value::Null,
            "have to be run as an Administrator",
            "S-1-5-32-578",
        ),
        ("/switches", json!([]), json!([]), "nor Default Switch found", "--hyperv-nat-subnet"),
    ] {
        windows.set(pointer, value);
        let run = create(&[]);
        assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(text) && run.stderr.contains(hint), "{}", run.stderr);
        windows.set(pointer, good);
    }
    let run = create(&["--hyperv-virtual-switch", "LAN"]);
    assert!(run.stderr.contains("vswitch \"LAN\" not found"), "{}", run.stderr);
    let run = create(&["--hyperv-nat-subnet", "192.168.77.0/24"]);
    assert!(run.stderr.contains("rights of an administrator"), "{}", run.stderr);
    assert_eq!(std::fs::read_dir(windows.store().join("machines")).unwrap().count(), 0);
}
