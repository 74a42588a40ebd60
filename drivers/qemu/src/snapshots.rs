//! Snapshots of a machine: a copy of its disk and, if it runs or is suspended, of its memory.
//!
//! ```text
//! <machine>/snapshots/NAME/   disk.img  [saved.state]  boot2docker.iso  [vmlinuz]  [initrd.img]  snapshot.json
//! ```
//!
//! A directory appears there by one rename when it is whole. The copies of disks are sparse, and
//! share their blocks with the disk where the file system can do that.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::{
    Context, Error, Result, Snapshot, Snapshots, async_trait, check_snapshot_name, file,
    no_snapshot, snapshot_exists,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accelerator::Accelerator;
use crate::driver::Qemu;
use crate::files::Files;
use crate::migration::{self, Memory};
use crate::{platform, power, qmp, saved};

/// What a machine was besides its files: its memory fits no other hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// Seconds since 1970.
    created: u64,
    cpus: u32,
    memory: u32,
    disk_size: u32,
    accelerator_used: Option<Accelerator>,
    image_version: String,
    kernel_command_line: Option<String>,
}

const DIRECTORY: &str = "snapshots";
const MANIFEST: &str = "snapshot.json";
const DISK: &str = "disk.img";
const STATE: &str = "saved.state";
/// The files that a machine boots; its memory fits no others.
pub(crate) const IMAGE: [&str; 3] = ["boot2docker.iso", "vmlinuz", "initrd.img"];

#[async_trait]
impl Snapshots for Qemu {
    fn list(&self, cx: &Context) -> Result<Vec<Snapshot>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(directory(cx)).into_iter().flatten() {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                all.push(snapshot(cx, &name)?);
            }
        }
        all.sort_by_key(|snapshot| snapshot.created);
        Ok(all)
    }

    async fn save(&mut self, cx: &Context, name: &str) -> Result<Snapshot> {
        check_snapshot_name(name)?;
        let target = directory(cx).join(name);
        if target.exists() {
            return Err(snapshot_exists(cx, name));
        }
        file::create_dir(&directory(cx))?;
        sweep(&directory(cx));
        let temp = tempfile::Builder::new().prefix(file::TEMPORARY).tempdir_in(directory(cx))?;
        let files = Files::new(cx);
        if platform::is_held(&files.lock())? {
            copy_running(cx, &files, temp.path()).await?;
        } else {
            copy_disk(&files.disk(), &temp.path().join(DISK))?;
            if files.saved().exists() {
                file::link_or_copy(&files.saved(), &temp.path().join(STATE))?;
            }
        }
        for part in IMAGE.iter().filter(|part| files.dir().join(part).exists()) {
            file::link_or_copy(&files.dir().join(part), &temp.path().join(part))?;
        }
        let text = serde_json::to_vec_pretty(&self.manifest()).expect("plain data is JSON");
        file::write_atomic(&temp.path().join(MANIFEST), &text, 0o600)?;
        fs::rename(temp.path(), &target)?;
        // The directory has another name now, so that there is nothing to delete.
        let _gone = temp.keep();
        file::sync_dir(&directory(cx))?;
        snapshot(cx, name)
    }

    async fn restore(&mut self, cx: &Context, name: &str) -> Result<()> {
        let source = existing(cx, name)?;
        let manifest = read(&source)?;
        let files = Files::new(cx);
        cx.progress.line(&format!("Going back to the snapshot {name}..."));
        // The memory first: without it, any disk is that of a machine after a power cut.
        power::end(self, cx).await?;
        saved::forget(&files)?;
        copy_disk(&source.join(DISK), &files.disk())?;
        for part in IMAGE.iter().filter(|part| source.join(part).exists()) {
            file::link_or_copy(&source.join(part), &files.dir().join(part))?;
        }
        let record = &mut self.record;
        (record.cpus, record.memory, record.disk_size) =
            (manifest.cpus, manifest.memory, manifest.disk_size);
        record.accelerator_used = manifest.accelerator_used;
        record.image_version = manifest.image_version;
        record.kernel_command_line = manifest.kernel_command_line;
        cx.checkpoint(self)?;
        if source.join(STATE).exists() {
            file::link_or_copy(&source.join(STATE), &files.saved())?;
        }
        Ok(file::sync_dir(files.dir())?)
    }

    async fn remove(&mut self, cx: &Context, name: &str) -> Result<()> {
        let source = existing(cx, name)?;
        // Renamed first, so that nobody sees half of it.
        let gone = directory(cx).join(format!("{}{name}", file::TEMPORARY));
        fs::rename(&source, &gone)?;
        Ok(fs::remove_dir_all(gone)?)
    }
}

impl Qemu {
    fn manifest(&self) -> Manifest {
        let record = &self.record;
        Manifest {
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs()),
            cpus: record.cpus,
            memory: record.memory,
            disk_size: record.disk_size,
            accelerator_used: record.accelerator_used,
            image_version: record.image_version.clone(),
            kernel_command_line: record.kernel_command_line.clone(),
        }
    }
}

/// Removes all snapshots of a machine.
pub(crate) fn remove_all(cx: &Context) -> Result<()> {
    match fs::remove_dir_all(directory(cx)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::from(error).context("cannot delete its snapshots"))
        }
        _ => Ok(()),
    }
}

/// Copies disk and memory of the same moment; the machine stands still meanwhile.
async fn copy_running(cx: &Context, files: &Files, to: &Path) -> Result<()> {
    let mut monitor = qmp::connect(&files.monitor()).await?;
    monitor.execute("stop", Value::Null).await?;
    cx.progress.line("Saving its memory...");
    let state = File::create(to.join(STATE))?;
    let sink = zstd::Encoder::new(BufWriter::with_capacity(1 << 20, state), saved::LEVEL)?;
    // QEMU has written all of the disk when it has written the memory.
    let copied = migration::save(&mut monitor, Memory::InStream, &files.migration(), sink).await;
    let copied = copied.and_then(|sink| {
        let file = sink.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        copy_disk(&files.disk(), &to.join(DISK))
    });
    drop(monitor);
    let woken = saved::wake(files).await;
    copied.and(woken)
}

pub(crate) fn copy_disk(from: &Path, to: &Path) -> Result<()> {
    let copy = || -> io::Result<()> {
        let dir = to.parent().ok_or_else(|| io::Error::other("a disk needs a directory"))?;
        let temp = tempfile::Builder::new().prefix(file::TEMPORARY).tempfile_in(dir)?;
        platform::copy_sparse(from, temp.as_file())?;
        temp.as_file().set_len(fs::metadata(from)?.len())?;
        temp.as_file().sync_all()?;
        temp.persist(to)?;
        Ok(())
    };
    copy().map_err(|error| Error::from(error).context(format!("cannot copy `{}`", from.display())))
}

fn directory(cx: &Context) -> PathBuf {
    cx.machine_dir.join(DIRECTORY)
}

fn existing(cx: &Context, name: &str) -> Result<PathBuf> {
    check_snapshot_name(name)?;
    let path = directory(cx).join(name);
    if path.join(MANIFEST).exists() {
        return Ok(path);
    }
    Err(no_snapshot(cx, name))
}

fn read(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    let broken = || Error::other(format!("`{}` cannot be read", path.display()));
    let text = fs::read(&path).map_err(|error| broken().caused_by(error))?;
    serde_json::from_slice(&text).map_err(|error| broken().caused_by(error))
}

fn snapshot(cx: &Context, name: &str) -> Result<Snapshot> {
    let dir = directory(cx).join(name);
    let created = UNIX_EPOCH + Duration::from_secs(read(&dir)?.created);
    let size = |part: &str| platform::allocated(&dir.join(part)).unwrap_or(0);
    Ok(Snapshot {
        name: name.to_owned(),
        created,
        memory: dir.join(STATE).exists(),
        size: Some(size(DISK) + size(STATE)),
    })
}

/// Deletes what was interrupted.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(io::Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(file::TEMPORARY) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use machine_driver::ErrorKind;

    use super::*;
    use crate::files::tests::Lab;
    use crate::record::Record;

    #[tokio::test]
    async fn a_machine_that_is_off_is_what_it_was() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let files = Files::new(&cx);
        let mut qemu = Qemu::new(Record::new(&cx));
        (qemu.record.disk_size, qemu.record.cpus) = (2000, 1);
        fs::write(files.disk(), "one").unwrap();
        fs::write(files.iso(), "iso").unwrap();
        assert!(qemu.list(&cx).unwrap().is_empty());
        let saved = qemu.save(&cx, "first").await.unwrap();
        assert!(!saved.memory);
        fs::write(files.disk(), "two!").unwrap();
        fs::write(files.saved(), "memory").unwrap();
        assert!(qemu.save(&cx, "first").await.unwrap_err().to_string().contains("already"));
        assert!(qemu.save(&cx, "second").await.unwrap().memory);
        qemu.record.cpus = 4;
        qemu.restore(&cx, "first").await.unwrap();
        assert_eq!(fs::read(files.disk()).unwrap(), b"one");
        assert!(!files.saved().exists() && qemu.record.cpus == 1);
        qemu.restore(&cx, "second").await.unwrap();
        assert_eq!(fs::read(files.disk()).unwrap(), b"two!");
        assert_eq!(fs::read(files.saved()).unwrap(), b"memory");
        let names: Vec<_> = qemu.list(&cx).unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names.len(), 2);
        qemu.remove(&cx, "first").await.unwrap();
        assert_eq!(qemu.remove(&cx, "first").await.unwrap_err().kind(), ErrorKind::NotFound);
        remove_all(&cx).unwrap();
        remove_all(&cx).unwrap();
        assert!(qemu.list(&cx).unwrap().is_empty());
    }

    #[tokio::test]
    async fn names_stay_in_their_directory() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let mut qemu = Qemu::new(Record::new(&cx));
        for bad in ["", "..", "a/b", ".tmp-x", "a b"] {
            assert_eq!(qemu.save(&cx, bad).await.unwrap_err().kind(), ErrorKind::Flags, "{bad}");
        }
    }
}
