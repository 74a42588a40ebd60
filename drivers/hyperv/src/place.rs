//! Where the disk and the image of a machine lie, and what Hyper-V calls that.
//!
//! On Windows it is the machine's own directory. In WSL that directory is Hyper-V's too if it lies on
//! a drive of Windows (`/mnt/c/…`); if it lies in the file system of Linux, which Hyper-V cannot take
//! disks from, a directory beside the user's other local data takes its place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::process::{self, Run};
use machine_driver::wait::{Look, Wait};
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
        let own = for_windows(&wslpath, &cx.machine_dir).await?;
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
                (cx.machine_dir.clone(), for_windows(&wslpath, &cx.machine_dir).await?)
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

    /// Deletes what this driver and Hyper-V have made there, and the directory if it is one of our own.
    pub(crate) async fn remove(&self, machine_dir: &Path) -> Result<()> {
        let own = [DISK, IMAGE].iter().chain(&OLD_DISKS).map(|name| self.dir.join(name));
        for path in own.chain(self.checkpoints()) {
            gone(&path, || std::fs::remove_file(&path)).await?;
        }
        if self.dir != machine_dir {
            gone(&self.dir, || std::fs::remove_dir_all(&self.dir)).await?;
        }
        Ok(())
    }

    /// The disks of checkpoints, which lie beside the disk that they go on from.
    fn checkpoints(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().filter_map(Result::ok);
        let is_one =
            |path: &PathBuf| path.extension().is_some_and(|it| it == "avhdx" || it == "avhd");
        entries.map(|entry| entry.path()).filter(is_one).collect()
    }
}

/// Deletes, and waits for Hyper-V where it still merges checkpoints into a disk.
async fn gone(path: &Path, mut delete: impl FnMut() -> std::io::Result<()>) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::from(error).context(format!("cannot delete `{}`", path.display()))
    };
    let look = || {
        std::future::ready(match delete() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Look::Ready(()),
            Err(error) if is_in_use(&error) => Look::NotYet(Some(failed(error))),
            Err(error) => Look::Hopeless(failed(error)),
            Ok(()) => Look::Ready(()),
        })
    };
    Wait::new("the end of Hyper-V's work on the disk", MERGE).until(look).await
}

/// As Windows says it, and as a WSL does.
fn is_in_use(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ResourceBusy};
    /// `ERROR_SHARING_VIOLATION`.
    const SHARING_VIOLATION: i32 = 32;
    matches!(error.kind(), PermissionDenied | ResourceBusy)
        || cfg!(windows) && error.raw_os_error() == Some(SHARING_VIOLATION)
}

/// How long Hyper-V may take to merge checkpoints: it writes what changed since, at most gigabytes.
const MERGE: Duration = Duration::from_secs(300);

/// The translator of paths. It is there in WSL and nowhere else.
fn wslpath(cx: &Context) -> Option<PathBuf> {
    if cfg!(windows) { None } else { process::find("wslpath", &cx.search_path) }
}

/// What Windows calls a path. `wslpath` knows only what exists (microsoft/WSL#4908), and a machine's
/// directory is made after the first questions.
async fn for_windows(wslpath: &Path, path: &Path) -> Result<String> {
    let there = path.ancestors().find(|it| it.exists()).unwrap_or(path);
    let base = translated(wslpath, "-w", &there.display().to_string()).await?;
    let rest = path.strip_prefix(there).unwrap_or(Path::new("")).components();
    let base = base.trim_end_matches('\\').to_owned();
    Ok(rest.fold(base, |path, name| format!(r"{path}\{}", name.as_os_str().display())))
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

    #[tokio::test(start_paused = true)]
    async fn a_disk_in_use_is_waited_for_and_other_failures_are_not() {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let path = Path::new("disk.vhdx");
        let mut tries = 0;
        let merged = gone(path, || {
            tries += 1;
            if tries < 40 { Err(PermissionDenied.into()) } else { Ok(()) }
        });
        merged.await.unwrap();
        assert_eq!(tries, 40);
        let error = gone(path, || Err(ReadOnlyFilesystem.into())).await.unwrap_err();
        assert!(error.one_line().contains("cannot delete `disk.vhdx`"), "{error:?}");
    }
}
