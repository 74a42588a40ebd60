//! A VirtualBox for each test, and where it has to be, a network.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::lab::{Lab, Run, run};

/// The stand-in, which lies beside the program: `cargo test --workspace` has built it. Where that was
/// not run it is built now.
fn stand_in() -> &'static Path {
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
pub(crate) struct Host {
    pub(crate) lab: Lab,
    pub(super) network: Option<Namespace>,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Host {
    pub(super) fn new() -> Self {
        let lab = Lab::new();
        let bin = lab.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, bin.join(name)).unwrap();
        link(stand_in(), "VBoxManage");
        for name in ["machine", "docker-machine"] {
            link(Path::new(env!("CARGO_BIN_EXE_machine")), name);
        }
        Self { lab, network: None, variables: Vec::new() }
    }

    /// Every machine "runs" at once, and nothing answers.
    pub(crate) fn pretending() -> Self {
        let mut host = Self::new();
        host.variables.push(("STANDIN_START", "pretend".to_owned()));
        host.variables.push(("MACHINE_BOOT_TIMEOUT", "0".to_owned()));
        host
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.lab.path().join("vbox")
    }

    /// A program, with this VirtualBox and `machine` on its `PATH`, and in the network if there is one.
    pub(super) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.network {
            Some(network) => network.enter(program.as_ref()),
            None => Command::new(program),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let bin = self.lab.path().join("bin");
        let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path)));
        let lab = self.lab.command();
        command.env_clear().stdin(Stdio::null());
        command.envs(lab.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", path.unwrap()).env("VBOX_USER_HOME", self.home());
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        run(self.program("machine").args(args))
    }

    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// What a person types into a shell.
    #[track_caller]
    pub(super) fn shell(&self, script: &str) -> String {
        let run = run(self.program("bash").args(["-e", "-o", "pipefail", "-c", script]));
        assert_eq!(run.code, Some(0), "{script}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// VirtualBox itself, as another program uses it.
    #[track_caller]
    pub(crate) fn manage(&self, args: &[&str]) -> String {
        let run = run(self.program(stand_in()).args(args));
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
        run.stdout
    }

    /// The calls of `VBoxManage` since the last look.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        let path = self.home().join("calls.jsonl");
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::remove_file(&path).ok();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What VirtualBox has: machines and host-only interfaces, by name.
    pub(super) fn has(&self) -> (Vec<String>, Vec<String>) {
        let text = fs::read(self.home().join("host.json")).unwrap_or_default();
        let host: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let names = |key: &str| {
            let all = host[key].as_array().into_iter().flatten();
            all.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
        };
        (names("vms"), names("interfaces"))
    }

    #[track_caller]
    pub(crate) fn has_nothing(&self) {
        assert_eq!(self.has(), (Vec::new(), Vec::new()));
        assert!(self.lab.machine_files().is_empty());
        let text = fs::read_to_string(self.home().join("host.json")).unwrap_or_default();
        assert!(!text.contains("machine/HostOnly"), "{text}");
    }

    /// The `Driver` object of a machine's record.
    pub(super) fn record(&self, name: &str) -> serde_json::Value {
        let path = self.lab.store().join("machines").join(name).join("config.json");
        let record: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        record["Driver"].clone()
    }
}

/// A test that fails leaves no virtual machine behind.
impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.lab.machine_files() {
                self.program("machine").args(["rm", "-f", &name]).output().ok();
            }
        }
    }
}

/// A network of its own, until it is dropped.
pub(super) struct Namespace {
    holder: Child,
}

impl Namespace {
    /// `None`, with a word on stderr, where there can be none.
    pub(super) fn new() -> Option<Self> {
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

    fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// A program in there.
    fn enter(&self, program: &OsStr) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path())).arg("--").arg(program);
        command
    }

    /// Somebody who listens in there, on loopback.
    pub(super) fn listen(&self) -> TcpListener {
        crate::lab::listen_in(Path::new(&self.path()))
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
