//! The driver `virtualbox`, through the program, with the stand-in of `tests/support/vboxmanage`: it
//! boots the real image over the hardware that VirtualBox shows.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::lab::{Lab, Run, run};

/// The stand-in, which lies beside the program: `cargo test --workspace` has built it. Where that was
/// not run it is built now.
pub(super) fn stand_in() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let machine = Path::new(env!("CARGO_BIN_EXE_machine"));
        let program = machine.with_file_name("VBoxManage");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/vboxmanage/src");
        let written = |path: PathBuf| path.metadata().and_then(|it| it.modified()).ok();
        let newest =
            fs::read_dir(sources).unwrap().filter_map(|it| written(it.unwrap().path())).max();
        if written(program.clone()) > newest {
            return program;
        }
        let target = machine.ancestors().nth(2).unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR")).arg("build").arg("--target-dir").arg(target);
        build.args(["--quiet", "-p", "machine-test-vboxmanage", "--bin", "VBoxManage"]);
        let build = run(&mut build);
        assert_eq!(build.code, Some(0), "{}", build.stderr);
        program
    })
}

/// A lab with a VirtualBox of its own.
pub(super) struct Box_ {
    pub(super) lab: Lab,
    network: Option<Namespace>,
    variables: Vec<(&'static str, String)>,
}

impl Box_ {
    fn new() -> Self {
        let lab = Lab::new();
        let bin = lab.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        std::os::unix::fs::symlink(stand_in(), bin.join("VBoxManage")).unwrap();
        Self { lab, network: None, variables: Vec::new() }
    }

    /// Every machine "runs" at once, and nothing answers.
    pub(super) fn pretending() -> Self {
        let mut vbox = Self::new();
        vbox.variables.push(("STANDIN_START", "pretend".to_owned()));
        vbox.variables.push(("MACHINE_BOOT_TIMEOUT", "0".to_owned()));
        vbox
    }

    pub(super) fn home(&self) -> PathBuf {
        self.lab.path().join("vbox")
    }

    fn command(&self) -> Command {
        let mut command = self.lab.command();
        if let Some(network) = &self.network {
            command = network.inside(&command);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let bin = self.lab.path().join("bin");
        let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path)));
        command.env("PATH", path.unwrap()).env("VBOX_USER_HOME", self.home());
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Run {
        run(self.command().args(args))
    }

    #[track_caller]
    pub(super) fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// The calls of `VBoxManage` since the last look.
    pub(super) fn calls(&self) -> Vec<Vec<String>> {
        let path = self.home().join("calls.jsonl");
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::remove_file(&path).ok();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What VirtualBox has: machines and host-only interfaces, by name.
    fn has(&self) -> (Vec<String>, Vec<String>) {
        let text = fs::read(self.home().join("host.json")).unwrap_or_default();
        let host: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let names = |key: &str| {
            let all = host[key].as_array().into_iter().flatten();
            all.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
        };
        (names("vms"), names("interfaces"))
    }

    #[track_caller]
    pub(super) fn has_nothing(&self) {
        assert_eq!(self.has(), (Vec::new(), Vec::new()));
        assert!(self.lab.machine_files().is_empty());
        let text = fs::read_to_string(self.home().join("host.json")).unwrap_or_default();
        assert!(!text.contains("machine/HostOnly"), "{text}");
    }
}

/// A test that fails leaves no virtual machine behind.
impl Drop for Box_ {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.lab.machine_files() {
                self.command().args(["rm", "-f", &name]).output().ok();
            }
        }
    }
}

/// A network of its own, until it is dropped.
struct Namespace {
    holder: Child,
}

impl Namespace {
    /// `None`, with a word on stderr, where there can be none.
    fn new() -> Option<Self> {
        let script = "ip link set lo up && echo ready && exec sleep 3600";
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "sh", "-c", script]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut line = String::new();
        let holder = unshare.spawn().ok().and_then(|mut holder| {
            BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
            Some(holder)
        });
        match holder {
            Some(holder) if line == "ready\n" => Some(Self { holder }),
            _ => {
                crate::lab::skip(
                    "no network of its own can be made here: it needs root, unshare and ip",
                );
                None
            }
        }
    }

    /// The same command, in there. Its arguments are added afterwards.
    fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.arg(format!("--net=/proc/{}/ns/net", self.holder.id())).arg(command.get_program());
        inside.env_clear().stdin(Stdio::null());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

/// An image that is one by its label only.
pub(crate) fn hollow_image(lab: &Lab) -> String {
    let mut bytes = vec![0; 0x8000];
    bytes.extend(b"\x01CD001\x01");
    bytes.resize(0x8028, 0);
    bytes.extend(format!("{:32}", "hollow-v1").bytes());
    bytes.resize(0x9000, 0);
    let path = lab.path().join("hollow.iso");
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// What `create` says for a machine on the host-only network, each line when it happens.
const LINES: [&str; 17] = [
    "Running pre-create checks...",
    "Creating machine...",
    "(beihai) Copying ",
    "(beihai) Creating VirtualBox VM...",
    "(beihai) Creating SSH key...",
    "(beihai) Starting the VM...",
    "(beihai) Check network to re-create if needed...",
    "(beihai) Waiting for an IP...",
    "Waiting for machine to be running, this may take a few minutes...",
    "Detecting operating system of created instance...",
    "Waiting for SSH to be available...",
    "Detecting the provisioner...",
    "Provisioning with boot2docker...",
    "Copying certs to the local machine directory...",
    "Copying certs to the remote machine...",
    "Setting Docker configuration on the remote daemon...",
    "Checking connection to Docker...",
];

/// The example that this project was asked for, from the firmware through the boot loader, over AHCI
/// and e1000, to an Engine at an address of its own; and what becomes of it when that changes.
#[test]
fn beihai() {
    if crate::lab::in_a_hurry() || crate::vm::skipped() {
        return;
    }
    let Some(network) = Namespace::new() else { return };
    let mut vbox = Box_::new();
    crate::vm::image_version(&vbox.lab);
    vbox.network = Some(network);
    // It is provisioned over SSH, which a busy computer without hardware acceleration makes slow.
    vbox.variables.push(("MACHINE_BOOT_TIMEOUT", "900".to_owned()));
    vbox.variables.push(("STANDIN_NETWORK", "real".to_owned()));
    let created = vbox.ok(&["create", "--driver", "virtualbox", "beihai"]);
    let calls = vbox.calls();
    assert!(calls.len() <= 25, "{} calls: {calls:#?}", calls.len());
    let mut lines = created.lines().skip_while(|line| !line.starts_with(LINES[0]));
    for expected in LINES {
        let line = lines.next().unwrap_or_default();
        assert!(line.starts_with(expected), "`{line}` is not `{expected}` in\n{created}");
    }
    assert_eq!(lines.next(), Some("Docker is up and running!"), "{created}");

    assert_eq!(vbox.ok(&["ip", "beihai"]), "192.168.59.100\n");
    assert_eq!(vbox.ok(&["url", "beihai"]), "tcp://192.168.59.100:2376\n");
    assert_eq!(vbox.calls().len(), 0, "what is on record costs no call");
    assert_eq!(vbox.ok(&["status", "beihai"]), "Running\n");
    assert!(vbox.calls().len() <= 2);
    let listed = vbox.ok(&["ls"]);
    assert!(listed.contains("Running") && listed.contains("tcp://192.168.59.100:2376"), "{listed}");
    assert_eq!(vbox.calls().len(), 1);
    assert_eq!(vbox.ok(&["ssh", "beihai", "hostname"]), "beihai\n");

    // Another address after a restart: the certificate follows by itself.
    vbox.ok(&["stop", "beihai"]);
    let path = vbox.home().join("host.json");
    let host = fs::read_to_string(&path).unwrap();
    fs::write(&path, host.replace("192.168.59.100\"\n", "192.168.59.107\"\n")).unwrap();
    let started = vbox.ok(&["start", "beihai"]);
    assert!(started.contains("does not name 192.168.59.107"), "{started}");
    assert_eq!(vbox.ok(&["ip", "beihai"]), "192.168.59.107\n");
    assert!(vbox.ok(&["ls"]).contains("tcp://192.168.59.107:2376"));
    assert_eq!(vbox.has().1, ["vboxnet0"], "the interface was used again");

    vbox.ok(&["rm", "-y", "beihai"]);
    vbox.has_nothing();
}

/// Without a host-only network: machines that are born provisioned, and reach each other by an
/// internal network.
#[test]
fn two_behind_nat() {
    if crate::lab::in_a_hurry() || crate::vm::skipped() {
        return;
    }
    let vbox = Box_::new();
    crate::vm::image_version(&vbox.lab);
    for name in ["one", "two"] {
        let created = vbox.ok(&[
            "create",
            "-d",
            "virtualbox",
            "--virtualbox-network",
            "nat",
            "--virtualbox-internal-network",
            "lab",
            "--virtualbox-no-share",
            name,
        ]);
        assert!(!created.contains("Provisioning"), "{created}");
    }
    assert_eq!(vbox.has().1, [] as [&str; 0], "no host-only interface was made");
    let one = vbox.ok(&["ip", "--private", "one"]);
    let ping = vbox.run(&["ssh", "two", &format!("sudo ping -c 2 -w 20 {}", one.trim())]);
    assert_eq!(ping.code, Some(0), "{}{}", ping.stdout, ping.stderr);
    // By name, as far as the second one knows of the first.
    assert_eq!(vbox.run(&["ssh", "two", "sudo ping -c 2 -w 20 one"]).code, Some(0));
    assert!(vbox.ok(&["url", "one"]).starts_with("tcp://127.0.0.1:"));
    vbox.ok(&["suspend", "one"]);
    assert_eq!(vbox.ok(&["status", "one"]), "Saved\n");
    vbox.ok(&["start", "one"]);
    vbox.calls();
    assert_eq!(vbox.ok(&["ls"]).matches("Running").count(), 2);
    assert_eq!(vbox.calls().len(), 1, "one call for all of them");
    vbox.ok(&["rm", "-y", "one", "two"]);
    vbox.has_nothing();
}

/// `create` is killed at each of its calls of `VBoxManage`, before it or after it; `rm` then leaves
/// nothing.
#[test]
fn killed_anywhere() {
    let vbox = Box_::pretending();
    let image = hollow_image(&vbox.lab);
    let create = ["create", "-d", "virtualbox", "--virtualbox-boot2docker-url", &image, "lab1"];
    // Nobody answers, so it fails in the end; how many calls that takes is seen here.
    assert_eq!(vbox.run(&create).code, Some(1));
    let whole = vbox.calls().len();
    vbox.ok(&["rm", "-y", "lab1"]);
    vbox.has_nothing();
    let manage = vbox.lab.path().join("bin/VBoxManage");
    let real = manage.with_file_name("real");
    fs::rename(&manage, &real).unwrap();
    let count = vbox.lab.path().join("count");
    for (place, before) in (1..=whole).flat_map(|place| [(place, true), (place, false)]) {
        let kill = "kill -9 $PPID; exit 1";
        let (first, second) = if before { (kill, "") } else { ("", kill) };
        let script = format!(
            "#!/bin/sh\necho >>{count}\nif [ $(wc -l <{count}) = {place} ]; then {first}\n{real} \"$@\"\n{second}\nfi\n\
             exec {real} \"$@\"\n",
            count = count.display(),
            real = real.display()
        );
        let script = if before {
            script.replace(&format!("{kill}\n{} \"$@\"\n\n", real.display()), &format!("{kill}\n"))
        } else {
            script
        };
        fs::remove_file(&count).ok();
        fs::remove_file(&manage).ok();
        fs::write(&manage, script).unwrap();
        fs::set_permissions(&manage, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(vbox.run(&create).code, None, "call {place} of {whole} kills");
        fs::remove_file(&manage).unwrap();
        std::os::unix::fs::symlink(&real, &manage).unwrap();
        if !vbox.lab.machine_files().is_empty() {
            vbox.ok(&["rm", "-y", "lab1"]);
        }
        let (vms, interfaces) = vbox.has();
        assert!(
            vms.is_empty() && interfaces.is_empty(),
            "{place} {before}: {vms:?} {interfaces:?}"
        );
        vbox.has_nothing();
    }
}

/// A machine of docker-machine's is found by its name, and removed with its files.
#[test]
fn a_machine_of_docker_machines() {
    let vbox = Box_::pretending();
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/records/virtualbox.json"),
    );
    let store = vbox.lab.store();
    let text = text.unwrap().replace("/home/u/.docker/machine", &store.display().to_string());
    vbox.lab.put("virtualbox", text.as_bytes());
    let base = store.join("machines/virtualbox").display().to_string();
    let manage = |args: &[&str]| {
        let run = run(Command::new(stand_in()).args(args).env("VBOX_USER_HOME", vbox.home()));
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
    };
    assert_eq!(vbox.ok(&["status", "virtualbox"]), "Not Found\n");
    manage(&["createvm", "--basefolder", &base, "--name", "virtualbox", "--register"]);
    // Its network is one that VirtualBox allows no longer, so it moves; then nobody answers.
    let started = vbox.run(&["start", "virtualbox"]);
    assert!(
        started.stdout.contains("will be 192.168.59.1/24"),
        "{}{}",
        started.stdout,
        started.stderr
    );
    assert_eq!(vbox.ok(&["status", "virtualbox"]), "Running\n");
    assert_eq!(vbox.ok(&["inspect", "virtualbox", "-f", "{{.Driver.SSHPort}}"]), "34377\n");
    // A machine that only has the name is somebody else's.
    vbox.ok(&["kill", "virtualbox"]);
    vbox.ok(&["rm", "-y", "virtualbox"]);
    vbox.has_nothing();
    manage(&[
        "createvm",
        "--basefolder",
        &vbox.lab.path().display().to_string(),
        "--name",
        "virtualbox",
        "--register",
    ]);
    vbox.lab.put("virtualbox", text.as_bytes());
    vbox.ok(&["rm", "-y", "virtualbox"]);
    assert_eq!(vbox.has().0, ["virtualbox"]);
}
