use serde::{Deserialize, Serialize};

use crate::{Context, Error, ErrorKind, Result, async_trait};

/// A TCP port of this computer that leads to a port of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The address on this computer, normally `127.0.0.1`.
    pub host: String,
    pub host_port: u16,
    pub guest_port: u16,
}

impl Forward {
    /// The error where the port of this computer is somebody else's.
    pub fn taken(&self) -> Error {
        Error::other(format!("port {} of this computer is taken", self.host_port))
            .hint(format!("let any free port be chosen: `0:{}`", self.guest_port))
    }

    /// The place of the forward from `host_port` among those of `machine`; an error if it has none.
    pub fn place(all: &[Self], host_port: u16, machine: &str) -> Result<usize> {
        all.iter().position(|it| it.host_port == host_port).ok_or_else(|| {
            let text = format!("there is no forward from port {host_port}");
            Error::new(ErrorKind::NotFound, text)
                .hint(format!("`machine forward {machine}` lists them"))
        })
    }
}

/// Port forwards that can be changed while the machine runs and are kept across restarts.
#[async_trait]
pub trait Forwards: Send + Sync {
    /// The user's forwards, without those for SSH and Docker.
    fn list(&self) -> Vec<Forward>;

    /// Adds a forward, at once if the machine runs. `host_port` 0 lets the driver choose. Returns
    /// the forward as made. The record is put on disk.
    async fn add(&mut self, cx: &Context, forward: Forward) -> Result<Forward>;

    /// Takes a forward away. [`crate::ErrorKind::NotFound`] if there is none on that port.
    async fn remove(&mut self, cx: &Context, host_port: u16) -> Result<()>;
}
