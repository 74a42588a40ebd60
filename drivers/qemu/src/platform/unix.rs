use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::net::{UnixListener, UnixStream};
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
    clear(path)?;
    Ok(format!("path={}", escape(path)))
}

/// Makes room for a socket at `path`.
fn clear(path: &Path) -> io::Result<()> {
    if path.as_os_str().as_bytes().len() > SOCKET_PATH_MAX {
        let text = format!("the path of the socket is too long: {}", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, text));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A local socket that QEMU is to connect to.
pub(crate) struct Listener {
    listener: UnixListener,
    /// What QEMU calls it.
    pub(crate) uri: String,
}

pub(crate) fn listen(path: &Path) -> io::Result<Listener> {
    clear(path)?;
    let listener = UnixListener::bind(path)?;
    Ok(Listener { listener, uri: format!("unix:{}", path.display()) })
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<impl io::Read + Send + use<>> {
        let stream = self.listener.accept().await?.0.into_std()?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

/// The name of a local socket on which QEMU is to wait for a state.
pub(crate) fn incoming(path: &Path) -> io::Result<String> {
    clear(path)?;
    Ok(format!("unix:{}", path.display()))
}

pub(crate) fn connect_blocking(path: &Path) -> io::Result<impl io::Write + use<>> {
    std::os::unix::net::UnixStream::connect(path)
}

/// The object that keeps a guest's memory in a file; `share` is whether the guest's writes reach
/// it. `None` where QEMU cannot do that.
#[expect(clippy::unnecessary_wraps, reason = "Windows has none")]
pub(crate) fn memory_file(path: &Path, share: bool) -> Option<String> {
    let share = if share { "on" } else { "off" };
    Some(format!("memory-backend-file,mem-path={},share={share}", escape(path)))
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

/// Copies a sparse file to an empty one of the same file system or another: what is a hole stays
/// one. Where the file system can share the blocks, it does.
pub(crate) fn copy_sparse(from: &Path, to: &File) -> io::Result<()> {
    let source = File::open(from)?;
    let length = source.metadata()?.len();
    to.set_len(length)?;
    #[cfg(target_os = "linux")]
    if rustix::fs::ioctl_ficlone(to, &source).is_ok() {
        return Ok(());
    }
    for (begin, end) in data(&source)? {
        let mut reader = &source;
        reader.seek(SeekFrom::Start(begin))?;
        let mut writer = to;
        writer.seek(SeekFrom::Start(begin))?;
        io::copy(&mut reader.take(end - begin), &mut writer)?;
    }
    Ok(())
}

/// SHA-256 of a sparse file: of its length, and of the place and content of each block that is not
/// all zeros. It is the same whether zeros are holes or written.
pub(crate) fn hash_sparse(path: &Path) -> io::Result<String> {
    const BLOCK: u64 = 1 << 16;
    let file = File::open(path)?;
    let mut hash = Sha256::new();
    hash.update(file.metadata()?.len().to_le_bytes());
    let mut buffer = vec![0; usize::try_from(BLOCK).expect("a small number")];
    let mut next = 0;
    for (begin, end) in data(&file)? {
        // A file system's idea of a block may be smaller than ours.
        let mut at = (begin / BLOCK * BLOCK).max(next);
        while at < end {
            let mut reader = &file;
            reader.seek(SeekFrom::Start(at))?;
            let length = fill(&mut reader, &mut buffer)?;
            if buffer[..length].iter().any(|byte| *byte != 0) {
                hash.update(at.to_le_bytes());
                hash.update(&buffer[..length]);
            }
            at += BLOCK;
        }
        next = next.max(at);
    }
    Ok(machine_driver::file::hex(&hash.finalize()))
}

/// Reads until the buffer is full or the file ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// Begin and end of each part of a file that is not a hole.
fn data(file: &File) -> io::Result<Vec<(u64, u64)>> {
    use rustix::fs::{SeekFrom, seek};
    let length = file.metadata()?.len();
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        let begin = match seek(file, SeekFrom::Data(at)) {
            Ok(begin) => begin,
            Err(rustix::io::Errno::NXIO) => return Ok(parts),
            // A file system that knows no holes.
            Err(rustix::io::Errno::INVAL) => return Ok(vec![(0, length)]),
            Err(error) => return Err(error.into()),
        };
        let end = seek(file, SeekFrom::Hole(begin))?;
        parts.push((begin, end));
        at = end;
    }
}

/// Bytes that a file takes on the disk. `st_blocks` counts 512 bytes whatever the file system's own
/// blocks are.
pub(crate) fn allocated(path: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.blocks() * 512)
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

    #[test]
    fn a_sparse_copy_is_equal_and_sparse() {
        use std::os::unix::fs::FileExt;
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let file = File::create(&from).unwrap();
        file.set_len(64 << 20).unwrap();
        file.write_all_at(b"begin", 0).unwrap();
        file.write_all_at(&vec![7; 100_000], 40 << 20).unwrap();
        copy_sparse(&from, &File::create(&to).unwrap()).unwrap();
        assert!(std::fs::read(&from).unwrap() == std::fs::read(&to).unwrap());
        assert!(allocated(&to).unwrap() < 1 << 20, "{}", allocated(&to).unwrap());
    }

    #[test]
    fn the_hash_sees_data_and_place_and_no_holes() {
        use std::os::unix::fs::FileExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        let holes = hash_sparse(&path).unwrap();
        file.write_all_at(&vec![0; 70_000], 0).unwrap();
        assert_eq!(hash_sparse(&path).unwrap(), holes);
        file.write_all_at(b"x", 70_000).unwrap();
        let data = hash_sparse(&path).unwrap();
        assert_ne!(data, holes);
        file.write_all_at(b"\0", 70_000).unwrap();
        file.write_all_at(b"x", 140_000).unwrap();
        assert!(![data, holes].contains(&hash_sparse(&path).unwrap()));
    }
}
