use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use tokio::net::TcpStream;
use tokio::process::Command;

/// `ERROR_SHARING_VIOLATION` of winerror.h.
const SHARING_VIOLATION: i32 = 32;
/// `CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW` of winbase.h.
const NO_CONSOLE: u32 = 0x0000_0200 | 0x0800_0000;

/// Holds `path` for as long as the file, or a process that it was given to, is open. `None` if it
/// is held already.
///
/// The file is opened without sharing; a child process whose standard input it is inherits it.
pub(crate) fn hold(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).read(true).share_mode(0);
    match options.open(path) {
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Whether somebody holds `path`.
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    match File::open(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Prepares a local socket and returns the options with which QEMU listens on it. It is a TCP
/// port of the loopback interface here, whose number is in the file `path`.
pub(crate) fn channel(path: &Path) -> io::Result<String> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    std::fs::write(path, port.to_string())?;
    Ok(format!("host=127.0.0.1,port={port},ipv6=off"))
}

/// A local socket that QEMU is to connect to.
pub(crate) struct Listener {
    listener: tokio::net::TcpListener,
    /// What QEMU calls it.
    pub(crate) uri: String,
}

pub(crate) fn listen(_path: &Path) -> io::Result<Listener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let uri = format!("tcp:{}", listener.local_addr()?);
    Ok(Listener { listener: tokio::net::TcpListener::from_std(listener)?, uri })
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
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    std::fs::write(path, port.to_string())?;
    Ok(format!("tcp:127.0.0.1:{port}"))
}

pub(crate) fn connect_blocking(path: &Path) -> io::Result<impl io::Write + use<>> {
    let text = std::fs::read_to_string(path)?;
    let port: u16 = text.trim().parse().map_err(io::Error::other)?;
    std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
}

/// QEMU has no memory in files on Windows, hence no templates.
pub(crate) fn memory_file(_path: &Path, _share: bool) -> Option<String> {
    None
}

pub(crate) async fn connect(path: &Path) -> io::Result<TcpStream> {
    let text = std::fs::read_to_string(path)?;
    let port: u16 = text.trim().parse().map_err(io::Error::other)?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
}

/// Keeps the console's Ctrl-C away from the process, and opens no window for it.
pub(crate) fn detach(command: &mut Command) {
    command.creation_flags(NO_CONSOLE);
}

/// Makes a directory; in a user's profile it is private by inheritance.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    machine_driver::file::create_dir(path)
}

/// Not known: the standard library cannot say it.
pub(crate) fn free_space(_path: &Path) -> Option<u64> {
    None
}

/// Copies a file to an empty one.
pub(crate) fn copy_sparse(from: &Path, mut to: &File) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut to).map(|_bytes| ())
}

/// SHA-256 of a file.
pub(crate) fn hash_sparse(path: &Path) -> io::Result<String> {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(machine_driver::file::hex(&hash.finalize()))
}

/// Bytes that a file takes on the disk, holes included.
pub(crate) fn allocated(path: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}
