use std::path::{Path, PathBuf};

use machine_driver::Context;

/// Everything that this driver itself makes in a machine's directory.
pub(crate) const OWNED: [&str; 5] =
    ["boot2docker.iso", "boot2docker.iso.new", "disk.vmdk", "console.log", "boot2docker-key"];

/// Where the files of one machine are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
    machine: String,
}

impl Files {
    pub(crate) fn new(cx: &Context) -> Self {
        Self { dir: cx.machine_dir.clone(), machine: cx.machine.clone() }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn iso(&self) -> PathBuf {
        self.dir.join("boot2docker.iso")
    }

    /// The data disk. It takes what the guest has written, and not its whole size.
    pub(crate) fn disk(&self) -> PathBuf {
        self.dir.join("disk.vmdk")
    }

    /// What the guest's serial console said since the last start.
    pub(crate) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    /// The key of a boot2docker machine that was taken over.
    pub(crate) fn imported_key(&self) -> PathBuf {
        self.dir.join("boot2docker-key")
    }

    /// VirtualBox's own directory of the machine, with its settings and logs.
    pub(crate) fn settings(&self) -> PathBuf {
        self.dir.join(&self.machine)
    }

    /// What VirtualBox wrote at the last start.
    pub(crate) fn log(&self) -> PathBuf {
        self.settings().join("Logs").join("VBox.log")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use machine_driver::{Checkpoint, Progress, Result};

    use super::*;

    /// A store of its own, with what was recorded and said in it.
    pub(crate) struct Lab {
        dir: tempfile::TempDir,
        heard: Arc<Heard>,
    }

    #[derive(Default)]
    struct Heard {
        records: Mutex<Vec<serde_json::Value>>,
        lines: Mutex<Vec<String>>,
    }

    impl Lab {
        pub(crate) fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap(), heard: Arc::default() }
        }

        /// The context of a machine, whose directory exists from now on.
        pub(crate) fn context(&self, machine: &str) -> Context {
            let machine_dir = self.dir.path().join("machines").join(machine);
            std::fs::create_dir_all(&machine_dir).unwrap();
            Context {
                machine: machine.into(),
                machine_dir,
                shared_dir: self.dir.path().join("virtualbox"),
                runtime_dir: self.dir.path().join("run"),
                search_path: "".into(),
                cache_dir: self.dir.path().join("cache"),
                environment: machine_driver::Environment::default(),
                policy: machine_driver::Policy::default(),
                store_id: "0123456789ab".into(),
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
        fn line(&self, text: &str) {
            self.lines.lock().unwrap().push(text.into());
        }
        fn advance(&self, _what: &str, _done: u64, _total: Option<u64>) {}
        fn warn(&self, text: &str) {
            self.lines.lock().unwrap().push(text.into());
        }
    }
}
