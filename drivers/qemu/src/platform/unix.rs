use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use tokio::net::UnixStream;
use tokio::process::Command;

use crate::arguments::escape;

/// The longest path of a socket: `sun_path` has 104 bytes on macOS (108 on Linux), with its end.
const SOCKET_PATH_MAX: usize = 103;

/// Holds `path` for as long as the file, or a process that it was given to, is open. `None` if it
/// is held already.
///
/// The lock (`flock`) belongs to the open file, which a child process shares when it is its
/// standard input: it is released when the last of them is gone, whatever became of the others.
pub(crate) fn hold(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).read(true).mode(0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether somebody holds `path`. Looks at it with a shared lock, so that two who look at the same
/// time do not take each other for a holder.
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Prepares a local socket and returns the options with which QEMU listens on it.
pub(crate) fn channel(path: &Path) -> io::Result<String> {
    if path.as_os_str().as_bytes().len() > SOCKET_PATH_MAX {
        let text = format!("the path of the socket is too long: {}", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, text));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(format!("path={}", escape(path))),
    }
}

pub(crate) async fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// Keeps the terminal's Ctrl-C away from the process.
pub(crate) fn detach(command: &mut Command) {
    command.process_group(0);
}

/// Makes a directory that only this user can enter; refuses one that belongs to somebody else.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    machine_driver::file::create_dir(path)?;
    if std::fs::metadata(path)?.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let text = format!("the directory belongs to another user: {}", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// Bytes that this user may still write to the file system of `path`.
pub(crate) fn free_space(path: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path).ok()?;
    Some(space.f_bavail * space.f_frsize)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_child_holds_the_file_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_held(&path).unwrap());
        let file = hold(&path).unwrap().unwrap();
        let mut child = Command::new("sleep").arg("600").stdin(Stdio::from(file)).spawn().unwrap();
        assert!(is_held(&path).unwrap());
        assert!(hold(&path).unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_held(&path).unwrap());
        assert!(hold(&path).unwrap().is_some());
    }

    #[test]
    fn two_who_look_do_not_see_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        drop(hold(&path).unwrap());
        let other = File::open(&path).unwrap();
        other.try_lock_shared().unwrap();
        assert!(!is_held(&path).unwrap());
    }

    #[test]
    fn a_long_socket_path_is_refused() {
        let error = channel(Path::new(&"x".repeat(104))).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
    }
}
