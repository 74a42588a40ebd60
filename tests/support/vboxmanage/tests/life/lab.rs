use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use machine_driver::seed::Seed;
use machine_driver::{
    Birth, Checkpoint, Context, Driver, FlagKind, FlagValue, FlagValues, Image, Kind, Progress,
};
use machine_driver_virtualbox::kind;
use serde_json::Value;

/// A store, and a `VBoxManage`.
pub(crate) struct Lab {
    dir: tempfile::TempDir,
    heard: Arc<Heard>,
    /// Whether it is Oracle's.
    pub(crate) is_real: bool,
    program: PathBuf,
}

/// What becomes of a machine that is started in the stand-in.
pub(crate) enum Guests {
    Real,
    /// It is said to run, by a VirtualBox of this version.
    Pretended(&'static str),
}

#[derive(Default)]
struct Heard {
    records: Mutex<Vec<Value>>,
    lines: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
}

impl Lab {
    /// `None`, with a word on stderr, where there can be none.
    pub(crate) fn new(guests: &Guests) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("machine-test-").tempdir().unwrap();
        let real = std::env::var_os("MACHINE_REAL_VIRTUALBOX").map(PathBuf::from);
        let is_real = real.is_some();
        let pretended = match guests {
            Guests::Real => String::new(),
            Guests::Pretended(_) if is_real => return None,
            Guests::Pretended(version) => {
                format!("export STANDIN_START=pretend STANDIN_VERSION={version}\n")
            }
        };
        if !is_real
            && pretended.is_empty()
            && Command::new("qemu-system-x86_64").arg("--version").output().is_err()
        {
            std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no qemu-system-x86_64\n")
                .unwrap();
            return None;
        }
        let program = match real {
            Some(dir) => dir.join("VBoxManage"),
            None => stand_in(dir.path(), &pretended),
        };
        std::fs::write(dir.path().join("button.iso"), crate::guest::iso()).unwrap();
        Some(Self { dir, heard: Arc::default(), is_real, program })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn context(&self, machine: &str) -> Context {
        let machine_dir = self.path().join("machines").join(machine);
        std::fs::create_dir_all(&machine_dir).unwrap();
        Context {
            machine: machine.into(),
            machine_dir,
            shared_dir: self.path().join("virtualbox"),
            runtime_dir: self.path().join("run"),
            search_path: self.program.parent().unwrap().into(),
            cache_dir: self.path().join("cache"),
            environment: machine_driver::Environment::default(),
            policy: machine_driver::Policy::default(),
            store_id: "0123456789ab".into(),
            progress: self.heard.clone(),
            checkpoint: self.heard.clone(),
        }
    }

    pub(crate) fn birth(&self) -> Birth {
        let image = Some(Image::iso("v1", self.path().join("button.iso")));
        Birth {
            image,
            seed: Seed::default(),
            ssh_public_key: String::new(),
            first_boot: machine_driver::FirstBoot::default(),
        }
    }

    /// What `VBoxManage` prints; it must succeed.
    pub(crate) fn manage(&self, args: &[&str]) -> String {
        let output = Command::new(&self.program).args(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn info(&self, machine: &dyn Driver) -> String {
        self.manage(&["showvminfo", &id(machine), "--machinereadable"])
    }

    pub(crate) fn interfaces(&self) -> usize {
        self.manage(&["list", "hostonlyifs"]).matches("VBoxNetworkName:").count()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let all = self.heard.warnings.lock().unwrap();
        all.iter().filter(|text| !text.contains("VT-x")).cloned().collect()
    }

    /// What a power cut would do to a machine: its processes end without a word.
    pub(crate) fn kill_processes(&self, uuid: &str) {
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let mut killed = 0;
        for process in processes {
            let Ok(line) = std::fs::read(process.path().join("cmdline")) else { continue };
            let line = String::from_utf8_lossy(&line).into_owned();
            // QEMU's command line has the first digits only, in the name of its monitor.
            let is_qemu = line.contains("qemu-system") && line.contains(&uuid[..8]);
            if is_qemu || line.contains(uuid) {
                let pid = process.file_name().into_string().unwrap();
                Command::new("kill").args(["-9", &pid]).status().unwrap();
                killed += 1;
            }
        }
        assert!(killed > 0, "no process has {uuid} in its command line");
        // The real one's service looks whether its machines live every few seconds.
        for _ in 0..300 {
            let info = self.manage(&["showvminfo", uuid, "--machinereadable"]);
            if info.contains("VMState=\"aborted\"") {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// No machine, no medium, no file.
    pub(crate) fn has_nothing_left(&self, cx: &Context) {
        let name = format!("\"{}\"", cx.machine);
        assert!(!self.manage(&["list", "vms"]).contains(&name));
        let media = self.manage(&["list", "hdds"]);
        let dir = cx.machine_dir.display().to_string();
        assert!(!media.contains(&dir), "{media}");
        let media = self.manage(&["list", "dvds"]);
        assert!(!media.contains(&dir), "{media}");
        let left: Vec<_> =
            std::fs::read_dir(&cx.machine_dir).unwrap().map(|it| it.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The UUID of a machine.
pub(crate) fn id(machine: &dyn Driver) -> String {
    machine.record()["UUID"].as_str().unwrap().to_owned()
}

/// A machine with these options.
pub(crate) fn configure(cx: &Context, pairs: &[(&str, &str)]) -> Box<dyn Driver> {
    let flags = kind().flags();
    let mut values = FlagValues::defaults(&flags);
    for (name, text) in pairs {
        let flag = flags.iter().find(|flag| flag.name == *name).unwrap();
        let value = match flag.kind {
            FlagKind::Bool => FlagValue::Bool(*text == "true"),
            FlagKind::Int(_) => FlagValue::Int(text.parse().unwrap()),
            _ => FlagValue::Text((*text).into()),
        };
        values.set(*name, value);
    }
    kind().configure(cx, &values).unwrap()
}

/// The stand-in as a program that needs no variable: two may be under test at once.
fn stand_in(dir: &Path, variables: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let bin = dir.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let path = bin.join("VBoxManage");
    let script = format!(
        "#!/bin/sh\n{variables}export VBOX_USER_HOME='{}'\nexec '{}' \"$@\"\n",
        dir.join("vbox").display(),
        env!("CARGO_BIN_EXE_VBoxManage")
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

impl Checkpoint for Heard {
    fn save(&self, record: Value) -> machine_driver::Result<()> {
        self.records.lock().unwrap().push(record);
        Ok(())
    }
}

impl Progress for Heard {
    fn line(&self, text: &str) {
        self.lines.lock().unwrap().push(text.into());
    }
    fn advance(&self, _what: &str, _done: u64, _total: Option<u64>) {}
    fn warn(&self, text: &str) {
        self.warnings.lock().unwrap().push(text.into());
    }
}
