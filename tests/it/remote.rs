//! `ssh`, `scp`, `mount` and `logs` against OpenSSH's own server, with the system's programs.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::lab::{Lab, run, skipped};

/// A machine of the fake driver whose address is `127.0.0.1` and `port`. Nothing is asked of it.
pub(crate) fn machine_at(lab: &Lab, name: &str, port: u16, user: &str) {
    if !lab.store().join("machines").join(name).exists() {
        assert_eq!(lab.fake(&[name]).code, Some(0));
    }
    let path = lab.store().join("machines").join(name).join("config.json");
    let mut record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    record["Driver"]["IPAddress"] = "127.0.0.1".into();
    record["Driver"]["SSHPort"] = port.into();
    record["Driver"]["SSHUser"] = user.into();
    record["Driver"]["HasSSH"] = true.into();
    fs::write(&path, record.to_string()).unwrap();
}

/// The server of one machine, which lets only that machine's key in.
struct Sshd {
    process: Child,
}

impl Sshd {
    /// `None` where there is none, or it cannot run.
    fn start(lab: &Lab, name: &str) -> Option<Self> {
        let Some(program) = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists())
        else {
            skipped("there is no sshd");
            return None;
        };
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        machine_at(lab, name, 1, &user);
        let host_key = lab.path().join(format!("{name}-host-key"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&host_key)
            .status();
        assert!(made.unwrap().success());
        let keys = lab.store().join("machines").join(name).join("id_rsa.pub");
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = Command::new(program)
                .args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string(), "-h"])
                .arg(&host_key)
                .args(["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none"])
                .args(["-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PermitRootLogin=yes"])
                .args(["-o", "Subsystem=sftp internal-sftp", "-o"])
                .arg(format!("AuthorizedKeysFile={}", keys.display()))
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = String::new();
            let mut stderr = process.stderr.take().unwrap();
            let mut byte = [0];
            while !said.contains("listening on 127.0.0.1") && stderr.read(&mut byte).unwrap() > 0 {
                said.push(char::from(byte[0]));
            }
            if said.contains("listening on 127.0.0.1") {
                // It goes on complaining there, and must not be stopped by a full pipe.
                std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
                machine_at(lab, name, port, &user);
                return Some(Self { process });
            }
            process.wait().unwrap();
            if said.contains("Missing privilege separation directory") {
                skipped("sshd lacks its directory /run/sshd");
                return None;
            }
            assert!(said.contains("Address already in use"), "sshd: {said}");
        }
        panic!("no port is free");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Two machines, each with a server of its own and a directory with a file in it.
fn two() -> Option<(Lab, [Sshd; 2], PathBuf)> {
    let lab = Lab::new();
    let servers = [Sshd::start(&lab, "m")?, Sshd::start(&lab, "n")?];
    let dir = lab.path().join("far away");
    fs::create_dir_all(dir.join("deep")).unwrap();
    fs::write(dir.join("deep/file"), "hello\n").unwrap();
    Some((lab, servers, dir))
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !there {
        skipped(&format!("{program} is not installed"));
    }
    there
}

#[test]
fn ssh_passes_output_and_status() {
    let Some((lab, _servers, _)) = two() else { return };
    for global in [&["ssh"][..], &["--native-ssh", "ssh"]] {
        let call = |words: &[&str]| lab.run(global.iter().chain(words));
        let run = call(&["m", "echo", "$((6*7));", "exit", "42"]);
        assert_eq!((run.stdout.as_str(), run.code), ("42\n", Some(42)), "{}", run.stderr);
        assert_eq!(call(&["n", "--", "echo", "-n", "x"]).stdout, "x");
    }
    let old = |args: &[&str]| run(&mut lab.docker_machine(args));
    let external = old(&["ssh", "m", "exit 42"]);
    assert_eq!((external.stderr.as_str(), external.code), ("exit status 42\n", Some(1)));
    let native = old(&["-native-ssh", "ssh", "m", "exit 42"]);
    assert_eq!((native.stderr.as_str(), native.code), ("Process exited with status 42\n", Some(1)));
}

#[test]
fn scp_between_machines_uses_both_ports_and_keys() {
    let Some((lab, _servers, dir)) = two() else { return };
    let far = dir.display();
    let copy = |args: &[&str]| {
        let run = lab.run(["scp"].iter().chain(args));
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
    };
    let (from, to) = (format!("m:{far}/deep/file"), format!("n:{far}/copy"));
    copy(&["-q", &from, &to]);
    assert_eq!(fs::read_to_string(dir.join("copy")).unwrap(), "hello\n");
    let here = lab.path().join("here");
    copy(&["-r", "-q", &format!("n:{far}/deep"), here.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(here.join("file")).unwrap(), "hello\n");
    if !installed("rsync") {
        return;
    }
    let there = format!("m:{}", lab.path().join("there").display());
    copy(&["-d", "-r", "-q", &format!("{}/", here.display()), &there]);
    assert_eq!(fs::read_to_string(lab.path().join("there/file")).unwrap(), "hello\n");
    assert_eq!(lab.run(["scp", "-d", &from, &to]).code, Some(2), "rsync has one remote end");
}

#[test]
fn mount_and_unmount() {
    let Some((lab, _servers, dir)) = two() else { return };
    if !installed("sshfs") || !installed("fusermount") {
        return;
    }
    if fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").is_err() {
        return skipped("/dev/fuse cannot be opened");
    }
    let here = lab.path().join("mounted, here");
    fs::create_dir(&here).unwrap();
    let (place, here_text) = (format!("m:{}", dir.display()), here.to_str().unwrap());
    let mounted = lab.run(["mount", &place, here_text]);
    assert_eq!(mounted.code, Some(0), "{}", mounted.stderr);
    let seen = fs::read_to_string(here.join("deep/file"));
    let unmounted = lab.run(["mount", "-u", &place, here_text]);
    assert_eq!(unmounted.code, Some(0), "{}", unmounted.stderr);
    assert_eq!(seen.unwrap(), "hello\n");
    assert_eq!(fs::read_dir(&here).unwrap().count(), 0);
}
