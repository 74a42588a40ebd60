use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};

/// A socket, which is gone when this is dropped.
pub struct LocalListener {
    listener: UnixListener,
    path: PathBuf,
}

impl LocalListener {
    /// What an earlier one left there is replaced.
    pub fn bind(path: &Path) -> io::Result<Self> {
        std::fs::remove_file(path).ok();
        Ok(Self { listener: UnixListener::bind(path)?, path: path.to_owned() })
    }

    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _peer)| stream)
    }
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// Passes everything on in both directions, until both sides have ended or one of them broke.
pub(crate) async fn relay(
    mut local: UnixStream,
    mut remote: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    copy_bidirectional(&mut local, &mut remote).await.map(drop)
}

/// Where the socket `name` of a store lies, whose own directory for such things is `dir`.
pub fn place(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.docker.sock"))
}

/// What a docker client calls it.
pub fn url(path: &Path) -> String {
    format!("unix://{}", path.display())
}

pub fn is_there(path: &Path) -> bool {
    path.exists()
}
