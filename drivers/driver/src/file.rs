//! Files that survive a crash: written beside, synced, renamed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Replaces `path` with `content` in one step: a reader sees the old bytes or the new ones, also
/// after a power cut. `mode` is the permission on Unix, for example `0o600`.
pub fn write_atomic(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let dir = path.parent().ok_or_else(|| io::Error::other("a file needs a directory"))?;
    let mut temp = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
    temp.write_all(content)?;
    set_mode(temp.as_file(), mode)?;
    temp.as_file().sync_all()?;
    persist(temp, path)?;
    sync_dir(dir)
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

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Makes a directory and its parents, for the owner alone where they are new.
#[cfg(unix)]
pub fn create_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a directory and its parents, for the owner alone where they are new. A file system that
/// knows no rights is used as it is; `doctor` says so.
#[cfg(windows)]
pub fn create_dir(path: &Path) -> io::Result<()> {
    let first = path.ancestors().take_while(|it| !it.exists()).last();
    fs::create_dir_all(path)?;
    if let Some(error) = first.and_then(|first| crate::acl::make_private(first).err()) {
        tracing::debug!(?first, %error, "rights");
    }
    Ok(())
}

/// Gives `to` the content of `from` at the least cost: a hard link where both lie on one file
/// system, else a copy.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if fs::hard_link(from, to).is_ok() { Ok(()) } else { copy(from, to) }
}

/// Replaces `to` with a copy of `from` in one step.
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

/// Flushes a directory's entries, so that a rename in it survives a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Renames the temporary file over `path`. On Windows a virus scanner may hold the target for a
/// moment, hence the second and third try there.
fn persist(mut temp: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    let tries = if cfg!(windows) { 10 } else { 1 };
    for left in (0..tries).rev() {
        match temp.persist(path) {
            Ok(_) => return Ok(()),
            Err(error) if left == 0 => return Err(error.error),
            Err(error) => temp = error.file,
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
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
    fn links_replace_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        link_or_copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
    }
}
