//! Real SSH hosts: a Debian with systemd, sshd and Docker, each in namespaces of its own. They need
//! root, `ip`, `unshare` and mmdebstrap; where that is missing, tests say that they are skipped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, Run, run};

/// A host that runs until it is dropped.
pub(crate) struct Host {
    pub(crate) address: String,
    up: Child,
    root: PathBuf,
    /// Holds the address for us.
    _claim: File,
}

/// Which of the two there is.
#[derive(Clone, Copy)]
pub(crate) enum Base {
    /// Docker from the distribution, as it ships it.
    Docker,
    /// No Docker, and its packages in a local source.
    Bare,
}

impl Host {
    /// Boots a host. `None`, with a word on stderr, where there can be none. `prepare` changes its
    /// files first.
    pub(crate) fn boot(base: Base, prepare: impl FnOnce(&Path)) -> Option<Self> {
        if let Err(why) = possible() {
            crate::lab::skip(&format!("no host can be started here: {why}"));
            return None;
        }
        let dir = bases();
        let (octet, claim) = (10..250).find_map(claim).expect("an address is free");
        let name = format!("h{octet}");
        let root = dir.join(format!("run-{name}"));
        let from = dir.join(match base {
            Base::Docker => "docker",
            Base::Bare => "bare",
        });
        fs::remove_dir_all(&root).ok();
        let copied = Command::new("cp").arg("-a").arg(from).arg(&root).status().unwrap();
        assert!(copied.success());
        prepare(&root);
        let address = format!("10.98.0.{octet}");
        let log = File::create(dir.join(format!("{name}.log"))).unwrap();
        let up = Command::new(scripts().join("up.sh"))
            .args([&name, &address])
            .arg(&root)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let host = Self { address, up, root, _claim: claim };
        let end = Instant::now() + Duration::from_secs(90);
        while host.ssh("docker ps >/dev/null 2>&1 || ! command -v docker").code != Some(0) {
            assert!(Instant::now() < end, "the host did not come up: see {}", dir.display());
            std::thread::sleep(Duration::from_millis(300));
        }
        Some(host)
    }

    /// Runs a command there as root.
    pub(crate) fn ssh(&self, command: &str) -> Run {
        run(in_network("ssh")
            .args(["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "ConnectTimeout=5", "-i"])
            .arg(key())
            .arg(format!("root@{}", self.address))
            .arg(command))
    }

    /// What a command there printed; it must succeed.
    pub(crate) fn says(&self, command: &str) -> String {
        let run = self.ssh(command);
        assert_eq!(run.code, Some(0), "{command}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// An image and a container that runs, without a registry.
    pub(crate) fn run_container(&self, name: &str) {
        self.says(
            "cd / && tar -ch usr/bin/sleep lib64/ld-linux-x86-64.so.2 \
             lib/x86_64-linux-gnu/libc.so.6 | docker import - tiny",
        );
        self.says(&format!("docker run -d --name {name} tiny /usr/bin/sleep 100000"));
    }

    /// What must stay the same in a container that goes on running.
    pub(crate) fn container(&self, name: &str) -> String {
        self.says(&format!(
            "docker inspect -f '{{{{.State.Pid}}}} {{{{.State.StartedAt}}}} {{{{.State.Running}}}}' {name}"
        ))
    }

    /// `create -d generic` with the flags that lead here.
    pub(crate) fn create(&self, lab: &Lab, args: &[&str]) -> Run {
        let mut command = machine(lab);
        command.args(["create", "-d", "generic", "--generic-ip-address", &self.address]);
        run(command.arg("--generic-ssh-key").arg(key()).args(args))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The script ends its own processes and takes the network away.
        let pid = self.up.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().ok();
        self.up.wait().ok();
        fs::remove_dir_all(&self.root).ok();
    }
}

/// The program in the network of the hosts, in a lab's environment.
pub(crate) fn machine(lab: &Lab) -> Command {
    let inner = lab.command();
    let mut command = in_network(inner.get_program());
    command.env_clear();
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Any program there.
pub(crate) fn in_network(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", "mt-client"]).arg(program).stdin(Stdio::null());
    command
}

/// The key that opens all hosts.
pub(crate) fn key() -> PathBuf {
    bases().join("id_ed25519")
}

fn possible() -> Result<(), String> {
    let id = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
    if id.stdout != b"0\n" {
        return Err("that needs root".to_owned());
    }
    for program in ["ip", "unshare", "mmdebstrap", "ssh"] {
        Command::new(program)
            .arg("--version")
            .output()
            .map_err(|_| format!("there is no `{program}`"))?;
    }
    let made =
        Command::new("unshare").args(["--net", "--mount", "--pid", "--fork", "true"]).status();
    made.ok().filter(std::process::ExitStatus::success).ok_or("no namespaces may be made")?;
    let _lock = lock(&bases().join("base.lock"));
    let log = File::create(bases().join("base.log")).map_err(|error| error.to_string())?;
    let made = Command::new(scripts().join("base.sh"))
        .arg(bases())
        .env("MIRROR", mirror())
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|error| error.to_string())?)
        .stderr(log)
        .status();
    match made {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("its file system could not be made: see {}/base.log", bases().display())),
    }
}

/// The Debian mirror of this computer's apt, else the public one.
fn mirror() -> String {
    let files = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    let text: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let mut words = text.split_whitespace();
    let found = words
        .find(|word| word.starts_with("http") && word.trim_end_matches('/').ends_with("/debian"));
    found.unwrap_or(machine_guest::apt::DEFAULT_MIRROR).to_owned()
}

fn bases() -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("machine-hosts");
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/hosts")
}

fn lock(path: &Path) -> File {
    let file = File::create(path).unwrap();
    file.lock().unwrap();
    file
}

/// An address that no other test run on this computer uses.
fn claim(octet: u8) -> Option<(u8, File)> {
    let dir = std::env::temp_dir().join("machine-hosts");
    fs::create_dir_all(&dir).ok()?;
    let file = File::create(dir.join(octet.to_string())).ok()?;
    file.try_lock().ok().map(|()| (octet, file))
}
