use std::path::{Path, PathBuf};

use machine_driver::Context;
use sha2::{Digest, Sha256};

/// Everything that this driver makes in a machine's directory.
pub(crate) const OWNED: [&str; 13] = [
    "boot2docker.iso",
    "boot2docker.iso.next",
    "vmlinuz",
    "vmlinuz.next",
    "initrd.img",
    "initrd.img.next",
    "disk.img",
    "console.log",
    "console.log.1",
    "qemu.log",
    "qemu.pid",
    "qemu.lock",
    "saved.state",
];

/// What a machine is made of, and takes along to another store.
pub(crate) const PORTABLE: [&str; 4] = ["boot2docker.iso", "vmlinuz", "initrd.img", "disk.img"];

/// Where the files of one machine are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
    /// Directory and stem of the sockets, whose paths must be short.
    sockets: PathBuf,
}

impl Files {
    pub(crate) fn new(cx: &Context) -> Self {
        Self::of(cx, &cx.machine)
    }

    /// The files of another machine of the same store.
    pub(crate) fn of(cx: &Context, machine: &str) -> Self {
        let dir = cx.machine_dir.with_file_name(machine);
        // The directory is this store's own, so the machine alone makes the name.
        let name = digest(&[machine]);
        Self { dir, sockets: cx.runtime_dir.join(&name[..16]) }
    }

    /// Files that belong to no machine of a store: a template that is being made.
    pub(crate) fn apart(cx: &Context, dir: PathBuf) -> Self {
        let name = digest(&[&dir.display().to_string()]);
        Self { dir, sockets: cx.runtime_dir.join(&name[..16]) }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn iso(&self) -> PathBuf {
        self.dir.join("boot2docker.iso")
    }

    pub(crate) fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    pub(crate) fn initrd(&self) -> PathBuf {
        self.dir.join("initrd.img")
    }

    /// Where another image's file waits until the record says that it counts.
    pub(crate) fn next(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".next");
        name.into()
    }

    /// The data disk, raw and sparse.
    pub(crate) fn disk(&self) -> PathBuf {
        self.dir.join("disk.img")
    }

    /// What the guest's serial console said since the last start.
    pub(crate) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    /// The same of the start before.
    pub(crate) fn console_before(&self) -> PathBuf {
        self.dir.join("console.log.1")
    }

    /// The command line of QEMU, and what QEMU itself said.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("qemu.log")
    }

    /// Written by QEMU.
    pub(crate) fn pid(&self) -> PathBuf {
        self.dir.join("qemu.pid")
    }

    /// Held by QEMU for as long as it lives; see [`crate::platform`].
    pub(crate) fn lock(&self) -> PathBuf {
        self.dir.join("qemu.lock")
    }

    /// The memory and devices of a machine that was suspended.
    pub(crate) fn saved(&self) -> PathBuf {
        self.dir.join("saved.state")
    }

    /// The socket through which a state is written or read.
    pub(crate) fn migration(&self) -> PathBuf {
        self.sockets.with_extension("mig")
    }

    /// The socket of QEMU's monitor.
    pub(crate) fn monitor(&self) -> PathBuf {
        self.sockets.with_extension("qmp")
    }

    /// The socket that leads to the guest's port `machine.identity`.
    pub(crate) fn identity(&self) -> PathBuf {
        self.sockets.with_extension("id")
    }
}

/// SHA-256 in hexadecimal of several words, for names and choices that must be the same each time
/// and differ between stores.
pub(crate) fn digest(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A number made of [`digest`].
pub(crate) fn digest_number(words: &[&str]) -> u32 {
    u32::from_str_radix(&digest(words)[..8], 16).expect("eight hexadecimal digits")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use machine_driver::{Checkpoint, Progress, Result};

    use super::*;

    /// A store of its own, with what was recorded and said in it.
    pub(crate) struct Lab {
        dir: tempfile::TempDir,
        pub(crate) heard: Arc<Heard>,
    }

    #[derive(Default)]
    pub(crate) struct Heard {
        pub(crate) records: Mutex<Vec<serde_json::Value>>,
        pub(crate) warnings: Mutex<Vec<String>>,
    }

    impl Lab {
        pub(crate) fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap(), heard: Arc::default() }
        }

        pub(crate) fn path(&self) -> &Path {
            self.dir.path()
        }

        /// The context of a machine, whose directory exists from now on.
        pub(crate) fn context(&self, machine: &str) -> Context {
            let machine_dir = self.dir.path().join("machines").join(machine);
            std::fs::create_dir_all(&machine_dir).unwrap();
            Context {
                machine: machine.into(),
                machine_dir,
                shared_dir: self.dir.path().join("qemu"),
                runtime_dir: self.dir.path().join("run"),
                search_path: "".into(),
                cache_dir: self.dir.path().join("cache"),
                environment: machine_driver::Environment::default(),
                policy: machine_driver::Policy::default(),
                store_id: "s1".into(),
                progress: self.heard.clone(),
                checkpoint: self.heard.clone(),
            }
        }
    }

    impl Checkpoint for Heard {
        fn save(&self, record: serde_json::Value) -> Result<()> {
            self.records.lock().unwrap().push(record);
            Ok(())
        }
    }

    impl Progress for Heard {
        fn line(&self, _text: &str) {}
        fn advance(&self, _what: &str, _done: u64, _total: Option<u64>) {}
        fn warn(&self, text: &str) {
            self.warnings.lock().unwrap().push(text.into());
        }
    }

    #[test]
    fn sockets_differ_by_machine_and_have_short_names() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let (one, two) = (Files::new(&cx), Files::of(&cx, "lab2"));
        assert_ne!(one.monitor(), two.monitor());
        assert_eq!(one.monitor(), Files::new(&cx).monitor());
        assert_eq!(one.monitor().file_name().unwrap().len(), 20);
        assert!(two.dir().ends_with("machines/lab2"));
    }
}
