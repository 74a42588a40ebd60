use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::sync::Mutex;

/// A named pipe of this computer. By Windows' defaults other users cannot write to it, and other
/// computers cannot reach it.
pub struct LocalListener {
    path: PathBuf,
    /// The instance that the next client gets.
    next: Mutex<NamedPipeServer>,
}

impl LocalListener {
    /// An error if there is such a pipe already.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let first = ServerOptions::new().first_pipe_instance(true).create(path)?;
        Ok(Self { path: path.to_owned(), next: Mutex::new(first) })
    }

    pub async fn accept(&self) -> io::Result<NamedPipeServer> {
        let mut next = self.next.lock().await;
        next.connect().await?;
        // Made before the first is handed out, so that there is always one to connect to.
        let fresh = ServerOptions::new().create(&self.path)?;
        Ok(std::mem::replace(&mut *next, fresh))
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

/// A pipe is no file that could be looked at: it is there if it can be connected to.
pub fn is_there(path: &Path) -> bool {
    OpenOptions::new().read(true).write(true).open(path).is_ok()
}
