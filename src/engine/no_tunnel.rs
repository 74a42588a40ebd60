//! Tunnels need Unix sockets, which tokio does not have here.

use std::path::PathBuf;

use machine_driver::{Error, ErrorKind, Result};

use super::Engine;

pub fn socket(_engine: &Engine, _name: &str) -> Result<PathBuf> {
    Err(unsupported())
}

pub fn is_up(_engine: &Engine, _name: &str) -> bool {
    false
}

pub async fn tunnel(_engine: &Engine, _name: &str, _ready: impl FnOnce(&PathBuf)) -> Result<()> {
    Err(unsupported())
}

pub async fn end_tunnel(_engine: &Engine, _name: &str) {}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "there are no tunnels to sockets on this system")
        .hint("`machine env --via ssh` needs none")
}
