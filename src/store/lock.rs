use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use machine_driver::file;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// How long commands other than `create` wait for another one on the same machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The lock of one machine, held until it is dropped or the process ends.
///
/// The file lies outside the machine's directory, which `rm` deletes, and is itself deleted when
/// the lock is released. Whoever gets a lock therefore checks that the file it has locked is still
/// the one in the directory.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Option<File>,
}

/// Who holds a lock, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub command: String,
}

impl Lock {
    pub(super) fn take(
        dir: &Path,
        name: &str,
        command: &str,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        file::create_dir(dir).map_err(|source| StoreError::write(dir, source))?;
        let path = dir.join(format!("{name}.lock"));
        let end = Instant::now() + patience;
        loop {
            let failed = |source| StoreError::write(&path, source);
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) if is_current(&file, &path) => {
                    // Who holds it is good to know and no more: `rm` must work on a full disk.
                    sign(&mut file, command).ok();
                    return Ok(Self { path, file: Some(file) });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                    let holder = read_holder(&mut file);
                    return Err(StoreError::Busy { name: name.to_owned(), holder });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

impl Lock {
    /// Who holds the lock; takes and changes nothing.
    pub(super) fn holder(dir: &Path, name: &str) -> Option<Holder> {
        let mut file = File::open(dir.join(format!("{name}.lock"))).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read_holder(&mut file)),
            _ => None,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Deleted while still locked, so that a waiter finds its file gone and opens a new one.
        fs::remove_file(&self.path).ok();
        drop(self.file.take());
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            0 => f.write_str("another command works on it"),
            pid => write!(f, "`machine {}` works on it (process {pid})", self.command),
        }
    }
}

fn sign(file: &mut File, command: &str) -> io::Result<()> {
    let holder = Holder { pid: std::process::id(), command: command.to_owned() };
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(&holder)?)
}

fn read_holder(file: &mut File) -> Holder {
    let mut text = String::new();
    file.rewind().ok();
    file.read_to_string(&mut text).ok();
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(unix)]
fn is_current(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Windows refuses to delete a file that another process has open, so a locked file is current.
#[cfg(not(unix))]
fn is_current(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_and_gets_it_later() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path(), "lab1", "create lab1", Duration::ZERO).unwrap();
        let error = Lock::take(dir.path(), "lab1", "rm lab1", Duration::ZERO).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("create lab1"), "{text}");
        assert!(text.contains(&std::process::id().to_string()), "{text}");
        drop(lock);
        Lock::take(dir.path(), "lab1", "rm lab1", Duration::ZERO).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn deleting_the_file_never_lets_two_in() {
        let dir = tempfile::tempdir().unwrap();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let lock = Lock::take(dir.path(), "m", "x", Duration::from_secs(60));
                        let lock = lock.unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }
}
