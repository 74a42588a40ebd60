use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::windows::named_pipe::{NamedPipeServer, PipeMode, ServerOptions};
use tokio::sync::Mutex;

/// A named pipe of this computer. By Windows' defaults other users cannot write to it, and other
/// computers cannot reach it.
///
/// It carries messages, as the one of Docker's own Engine does: a client that has nothing more to say
/// sends an empty one, for a pipe cannot be closed by halves
/// (<https://github.com/microsoft/go-winio>, `pipe.go`: `win32MessageBytePipe`).
pub struct LocalListener {
    path: PathBuf,
    /// The instance that the next client gets.
    next: Mutex<NamedPipeServer>,
}

impl LocalListener {
    /// An error if there is such a pipe already.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let first = options().first_pipe_instance(true).create(path)?;
        Ok(Self { path: path.to_owned(), next: Mutex::new(first) })
    }

    pub async fn accept(&self) -> io::Result<NamedPipeServer> {
        let mut next = self.next.lock().await;
        next.connect().await?;
        // Made before the first is handed out, so that there is always one to connect to.
        let fresh = options().create(&self.path)?;
        Ok(std::mem::replace(&mut *next, fresh))
    }
}

fn options() -> ServerOptions {
    let mut options = ServerOptions::new();
    options.pipe_mode(PipeMode::Message);
    options
}

/// Passes everything on in both directions, until the other side has ended or one of them broke. What
/// an empty message says is that the client has ended.
pub(crate) async fn relay(
    local: NamedPipeServer,
    remote: impl AsyncRead + AsyncWrite,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = split(local);
    let (mut from_engine, mut to_engine) = split(remote);
    let up = async {
        copy(&mut from_client, &mut to_engine).await?;
        to_engine.shutdown().await?;
        std::future::pending().await
    };
    // The pipe is closed with its last byte, since the client would not hear of the end otherwise.
    tokio::select! {
        copied = copy(&mut from_engine, &mut to_client) => copied.map(drop),
        broken = up => broken,
    }
}

/// The pipe `name` of a store. Pipes have one directory for all, so the store is part of the name.
pub fn place(dir: &Path, name: &str) -> PathBuf {
    let store = machine_driver::file::sha256_hex(dir.as_os_str().as_encoded_bytes());
    PathBuf::from(format!(r"\\.\pipe\machine-{}-{name}", &store[..12]))
}

/// What a docker client calls it.
pub fn url(path: &Path) -> String {
    format!("npipe://{}", path.display().to_string().replace('\\', "/"))
}

/// `ERROR_PIPE_BUSY` of winerror.h: another client is just being let in.
const BUSY: i32 = 231;

/// A pipe is no file that could be looked at: it is there if it can be connected to.
pub fn is_there(path: &Path) -> bool {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => true,
        Err(error) => error.raw_os_error() == Some(BUSY),
    }
}
