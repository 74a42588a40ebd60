//! Where the disk and the image of a machine lie, and what Hyper-V calls that.
//!
//! On Windows it is the machine's own directory. In WSL that directory is Hyper-V's too if it lies on
//! a drive of Windows (`/mnt/c/…`); if it lies in the file system of Linux, which Hyper-V cannot take
//! disks from, a directory beside the user's other local data takes its place.

use std::path::{Path, PathBuf};

use machine_driver::process::{self, Run};
use machine_driver::{Context, Error, Result, file};

use crate::hypervisor::Hypervisor;
use crate::record::Record;

pub(crate) const DISK: &str = "disk.vhdx";
pub(crate) const IMAGE: &str = "boot2docker.iso";

/// docker-machine's disk, and the one that it made it from.
const OLD_DISKS: [&str; 2] = ["disk.vhd", "fixed.vhd"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// For us.
    dir: PathBuf,
    /// For Hyper-V, without a `\` at the end.
    windows: String,
}

/// Decides where a new machine's files are to lie, and records it.
pub(crate) async fn choose(
    hypervisor: &Hypervisor,
    cx: &Context,
    record: &mut Record,
) -> Result<()> {
    if let Some(wslpath) = wslpath(cx) {
        let own = translated(&wslpath, "-w", &cx.machine_dir.display().to_string()).await?;
        if own.starts_with(r"\\") && record.windows_directory.is_empty() {
            let base = hypervisor.hello(&cx.search_path).await?.local_data;
            let name = format!("{}-{}", cx.store_id.get()?, cx.machine);
            record.windows_directory = format!(r"{base}\machine\{name}");
        }
    }
    Ok(())
}

impl Place {
    pub(crate) async fn of(cx: &Context, record: &Record) -> Result<Self> {
        let own = cx.machine_dir.display().to_string();
        let (dir, windows) = match (wslpath(cx), record.windows_directory.as_str()) {
            (None, "") => (cx.machine_dir.clone(), own.trim_start_matches(r"\\?\").to_owned()),
            (None, windows) => (PathBuf::from(windows), windows.to_owned()),
            (Some(wslpath), "") => {
                (cx.machine_dir.clone(), translated(&wslpath, "-w", &own).await?)
            }
            (Some(wslpath), windows) => {
                (PathBuf::from(translated(&wslpath, "-u", windows).await?), windows.to_owned())
            }
        };
        Ok(Self { dir, windows: windows.trim_end_matches(['\\', '/']).to_owned() })
    }

    pub(crate) fn make(&self) -> Result<()> {
        file::create_dir(&self.dir).map_err(|error| {
            Error::from(error).context(format!("cannot make `{}`", self.dir.display()))
        })
    }

    pub(crate) fn disk(&self) -> PathBuf {
        self.dir.join(DISK)
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.dir.join(IMAGE)
    }

    /// The directory, for Hyper-V.
    pub(crate) fn windows(&self) -> &str {
        &self.windows
    }

    /// A file in it, for Hyper-V.
    pub(crate) fn windows_file(&self, name: &str) -> String {
        let separator = if self.windows.contains('\\') { '\\' } else { '/' };
        format!("{}{separator}{name}", self.windows)
    }

    /// Deletes what this driver has made there, and the directory if it is one of our own.
    pub(crate) fn remove(&self, machine_dir: &Path) -> Result<()> {
        for name in [DISK, IMAGE].iter().chain(&OLD_DISKS) {
            gone(std::fs::remove_file(self.dir.join(name)), &self.dir.join(name))?;
        }
        if self.dir != machine_dir {
            gone(std::fs::remove_dir_all(&self.dir), &self.dir)?;
        }
        Ok(())
    }
}

fn gone(removed: std::io::Result<()>, path: &Path) -> Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::from(error).context(format!("cannot delete `{}`", path.display())))
        }
        _ => Ok(()),
    }
}

/// The translator of paths. It is there in WSL and nowhere else.
fn wslpath(cx: &Context) -> Option<PathBuf> {
    if cfg!(windows) { None } else { process::find("wslpath", &cx.search_path) }
}

async fn translated(wslpath: &Path, way: &str, path: &str) -> Result<String> {
    let output = Run::new(wslpath).args([way, path]).output().await?;
    Ok(output.stdout.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use machine_driver::{Checkpoint, Silent};
    use serde_json::Value;

    use super::*;

    /// A store in a temporary directory.
    pub(crate) struct Lab {
        dir: tempfile::TempDir,
        pub(crate) saved: Arc<Saved>,
    }

    /// Keeps what was checkpointed.
    #[derive(Default)]
    pub(crate) struct Saved(pub(crate) Mutex<Vec<Value>>);

    impl Checkpoint for Saved {
        fn save(&self, record: Value) -> Result<()> {
            self.0.lock().unwrap().push(record);
            Ok(())
        }
    }

    impl Lab {
        pub(crate) fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap(), saved: Arc::default() }
        }

        pub(crate) fn path(&self) -> &Path {
            self.dir.path()
        }

        pub(crate) fn context(&self, machine: &str) -> Context {
            let base = self.path();
            let machine_dir = base.join("machines").join(machine);
            std::fs::create_dir_all(&machine_dir).unwrap();
            Context {
                machine: machine.to_owned(),
                machine_dir,
                shared_dir: base.join("hyperv"),
                cache_dir: base.join("cache"),
                runtime_dir: base.join("run"),
                search_path: base.join("bin").into_os_string(),
                environment: machine_driver::Environment::default(),
                policy: machine_driver::Policy::default(),
                store_id: "0123456789ab".into(),
                progress: Arc::new(Silent),
                checkpoint: self.saved.clone(),
            }
        }
    }

    /// A `wslpath` for a WSL whose drive C is `bin/../c`.
    #[cfg(unix)]
    fn put_wslpath(lab: &Lab) {
        use std::os::unix::fs::PermissionsExt;
        let bin = lab.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let script = format!(
            "#!/bin/sh\ncase $1 in\n-w) case $2 in {base}/c/*) printf 'C:\\\\%s\\n' \
             \"$(echo \"${{2#{base}/c/}}\" | tr / '\\\\')\" ;;\n*) printf \
             '\\\\\\\\wsl.localhost\\\\Debian%s\\n' \"$2\" ;; esac ;;\n-u) echo \"{base}/c/$(echo \
             \"${{2#C:?}}\" | tr '\\\\' /)\" ;;\nesac\n",
            base = lab.path().display()
        );
        std::fs::write(bin.join("wslpath"), script).unwrap();
        std::fs::set_permissions(bin.join("wslpath"), PermissionsExt::from_mode(0o755)).unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_store_on_a_drive_of_windows_is_used_as_it_is() {
        let lab = Lab::new();
        put_wslpath(&lab);
        let mut cx = lab.context("lab1");
        cx.machine_dir = lab.path().join("c/store/machines/lab1");
        let mut record = Record::new(&cx);
        choose(&Hypervisor::default(), &cx, &mut record).await.unwrap();
        assert_eq!(record.windows_directory, "");
        let place = Place::of(&cx, &record).await.unwrap();
        assert_eq!(place.windows_file(DISK), r"C:\store\machines\lab1\disk.vhdx");
        assert_eq!(place.disk(), cx.machine_dir.join(DISK));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_recorded_directory_of_windows_is_found_in_wsl_and_removed_whole() {
        let lab = Lab::new();
        put_wslpath(&lab);
        let cx = lab.context("lab1");
        let mut record = Record::new(&cx);
        record.windows_directory = r"C:\Users\J O'N\machine\x-lab1".into();
        let place = Place::of(&cx, &record).await.unwrap();
        assert_eq!(place.disk(), lab.path().join("c/Users/J O'N/machine/x-lab1/disk.vhdx"));
        place.make().unwrap();
        std::fs::write(place.disk(), "disk").unwrap();
        place.remove(&cx.machine_dir).unwrap();
        place.remove(&cx.machine_dir).unwrap();
        assert!(!lab.path().join("c/Users/J O'N/machine/x-lab1").exists());
        assert!(cx.machine_dir.exists());
    }
}
