//! The driver `hyperv` with a stand-in for PowerShell, whose virtual machines are QEMU's.

mod life;
mod many;
mod refusals;
mod size;
mod wsl;

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
            false => json!({ "facts": {}, "machines": [] }),
        };
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        host.pointer_mut(parent).unwrap()[key] = value;
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("host.json"), host.to_string()).unwrap();
    }

    /// Has a machine of docker-machine's in the store and in Hyper-V, in that state. It stands on
    /// paper only: it has no disk.
    fn put(&self, name: &str, state: &str) {
        let dir = self.store().join("machines").join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let record = std::fs::read(golden::record("hyperv")).unwrap();
        let mut record: Value = serde_json::from_slice(&record).unwrap();
        (record["Name"], record["Driver"]["MachineName"]) = (json!(name), json!(name));
        std::fs::write(dir.join("config.json"), record.to_string()).unwrap();
        let mut machines = match self.lab.path().join("w/host.json").exists() {
            true => self.host()["machines"].as_array().cloned().unwrap_or_default(),
            false => Vec::new(),
        };
        machines.push(json!({
            "id": format!("{:08}-AAAA", machines.len()), "name": name,
            "path": format!("C:\\vms\\{name}"), "generation": 1, "switch": "Default Switch",
            "state": state, "memory_mb": 1024, "processors": 1, "dynamic_memory": true,
            "nested": false, "mac": "00155D000001", "vlan": 0, "image": null, "disk": null,
            "secure_boot": false, "checkpoints": true, "address": "127.88.0.200"
        }));
        self.set("/machines", json!(machines));
    }

    /// The names of the machines in the store.
    fn names(&self) -> String {
        self.ok(&["ls", "-q"])
    }

    fn log(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.lab.path().join("w/log.jsonl")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the stand-in was asked: processes and requests, and forgets it.
    fn calls(&self) -> (usize, Vec<String>) {
        let entries = self.log();
        std::fs::remove_file(self.lab.path().join("w/log.jsonl")).ok();
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
