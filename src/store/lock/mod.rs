use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use machine_driver::file;
use serde::{Deserialize, Serialize};

use super::StoreError;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// How long commands other than `create` wait for another one on the same machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The lock of one machine, held until it is dropped or the process ends.
///
/// The file lies outside the machine's directory, which `rm` deletes. On Unix it is itself deleted
/// when the lock is released, so whoever gets a lock checks that the file it has locked is still the
/// one in the directory; on Windows it stays.
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
                Ok(()) if system::is_current(&file, &path) => {
                    // Who holds it is good to know and no more: `rm` must work on a full disk.
                    sign(&mut file, &path, command).ok();
                    return Ok(Self { path, file: Some(file) });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                    let holder = read_holder(&mut file, &path);
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
        let path = dir.join(format!("{name}.lock"));
        let mut file = File::open(&path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read_holder(&mut file, &path)),
            _ => None,
        }
    }

    /// The names of all locks that are held or were left by a command that was killed, and whether
    /// they are held.
    pub(super) fn all(dir: &Path) -> Vec<(String, bool)> {
        let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let name = name.strip_suffix(system::MARK)?.to_owned();
                let file = File::open(dir.join(format!("{name}.lock"))).ok()?;
                Some((name, file.try_lock().is_err()))
            })
            .collect();
        found.sort();
        found
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked, so that a waiter finds its file gone and opens a new one.
        system::clean(&self.path);
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

fn sign(file: &mut File, path: &Path, command: &str) -> io::Result<()> {
    let holder = Holder { pid: std::process::id(), command: command.to_owned() };
    system::sign(file, path, &serde_json::to_vec(&holder)?)
}

fn read_holder(file: &mut File, path: &Path) -> Holder {
    let text = system::signature(file, path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
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
