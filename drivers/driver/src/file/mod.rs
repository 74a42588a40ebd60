//! Files that survive a crash: written beside, synced, renamed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::{create_dir, stamp, sync_dir};

/// Replaces `path` with `content` in one step: a reader sees the old bytes or the new ones, also
/// after a power cut. `mode` is the permission on Unix, for example `0o600`.
pub fn write_atomic(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let dir = path.parent().ok_or_else(|| io::Error::other("a file needs a directory"))?;
    let mut temp = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
    temp.write_all(content)?;
    system::set_mode(temp.as_file(), mode)?;
    temp.as_file().sync_all()?;
    persist(temp, path)?;
    sync_dir(dir)
}

/// When a file was last changed; `None` if it is not there.
pub fn modified(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex(&sha2::Sha256::digest(bytes))
}

/// The SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    use sha2::Digest;
    let mut file = File::open(path)?;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

/// Holds a lock file for as long as the result lives; the operating system's own lock, which dies
/// with the process. Calls `waiting` once if somebody else holds it. There is no deadline, for the
/// other may have much to do: whoever waits can be interrupted.
pub async fn lock(path: &Path, waiting: impl FnOnce()) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let mut waiting = Some(waiting);
    while let Err(error) = file.try_lock() {
        if let TryLockError::Error(error) = error {
            return Err(error);
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(file)
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Gives `to` the content of `from` at the least cost: a hard link where both lie on one file
/// system, else a copy.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    copy(from, to)
}

/// Gives `to` the content of `from` in one step. Where the file system can share the blocks, it does.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let dir = to.parent().ok_or_else(|| io::Error::other("a file needs a directory"))?;
    let temp = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
    fs::copy(from, temp.path())?;
    temp.as_file().sync_all()?;
    persist(temp, to)
}

/// Deletes what writes that a crash cut off have left in a directory. For the only writer there.
pub fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// What the names of files begin with that are being written.
pub const TEMPORARY: &str = ".tmp-";

/// Renames a file, over the one that is there, or a directory.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| fs::rename(from, to))
}

/// Deletes a directory and all that is in it.
pub fn remove_dir_all(dir: &Path) -> io::Result<()> {
    patiently(|| fs::remove_dir_all(dir))
}

/// Renames the temporary file over `path`.
fn persist(temp: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    let mut left = Some(temp);
    patiently(|| {
        let temp = left.take().expect("a failure gives it back");
        temp.persist(path).map(drop).map_err(|failed| {
            left = Some(failed.file);
            failed.error
        })
    })
}

/// On Windows a reader or a virus scanner may hold a file for a moment, hence more tries there.
fn patiently(mut attempt: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for pause in system::PAUSES {
        match attempt() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(*pause),
            done => return done,
        }
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_content_and_no_litter() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record");
        write_atomic(&path, b"one", 0o600).unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();
        write_atomic(&dir.path().join("taken"), b"two", 0o600).unwrap_err();
        write_atomic(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_a_crash_left_is_swept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".tmp-Ab3", "record", ".hidden"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        sweep(dir.path());
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".hidden", "record"]);
    }

    #[test]
    fn a_stamp_sees_a_write_that_changes_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "one").unwrap();
        let (before, hash) = (stamp(&path).unwrap(), sha256_of(&path).unwrap());
        assert_eq!((stamp(&path).unwrap(), hash.as_str()), (before.clone(), &*sha256_hex(b"one")));
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "two").unwrap();
        if cfg!(unix) {
            File::options().write(true).open(&path).unwrap().set_modified(times).unwrap();
        }
        assert_ne!(stamp(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn who_waits_for_a_lock_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = lock(&path, || panic!("nobody holds it")).await.unwrap();
        let (told, hears) = tokio::sync::oneshot::channel();
        let waiter =
            tokio::spawn(
                async move { lock(&path, move || told.send(()).unwrap()).await.map(drop) },
            );
        hears.await.unwrap();
        drop(held);
        waiter.await.unwrap().unwrap();
    }

    #[test]
    fn links_replace_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        link_or_copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
    }
}
