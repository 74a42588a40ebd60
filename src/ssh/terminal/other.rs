use std::io;

use tokio::sync::watch;

use super::Size;

/// There is no raw mode here yet: Windows has brought its own `ssh` along since 2018.
pub struct RawMode;

impl RawMode {
    pub fn enter() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the built-in client has no terminal on this system: use the system's `ssh`",
        ))
    }
}

pub fn size() -> Option<Size> {
    None
}

pub fn sizes() -> watch::Receiver<Size> {
    watch::channel(Size::default()).1
}
