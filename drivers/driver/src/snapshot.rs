use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Context, Error, ErrorKind, Result};

/// Snapshots of a machine: its disk, and its memory where the driver can, as they were. They belong
/// to the machine and go with it.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// The oldest first.
    fn list(&self, cx: &Context) -> Result<Vec<Snapshot>>;

    /// Saves the machine as it is, running or not, under a name that no snapshot of it has. A
    /// machine that runs goes on. The snapshot appears whole or not at all.
    async fn save(&mut self, cx: &Context, name: &str) -> Result<Snapshot>;

    /// Makes the machine what it was: everything since is lost. It is off, or saved if the snapshot
    /// has its memory, and `start` carries on there. [`crate::ErrorKind::NotFound`] if there is no
    /// such snapshot.
    async fn restore(&mut self, cx: &Context, name: &str) -> Result<()>;

    /// Removes a snapshot; the machine and its other snapshots stay as they are.
    async fn remove(&mut self, cx: &Context, name: &str) -> Result<()>;
}

/// One snapshot, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub name: String,
    pub created: SystemTime,
    /// Whether the memory is in it, so that the machine carries on where it was.
    pub memory: bool,
    /// Bytes that it takes on the disk, where the driver knows that.
    pub size: Option<u64>,
}

/// Whether this can be the name of a snapshot: for one driver it is that of a directory.
pub fn check_snapshot_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.len() <= 60 && !name.starts_with('.') && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Flags, format!("`{name}` is no name for a snapshot"))
        .hint("use up to 60 letters, digits, `-`, `_` and `.`"))
}

/// The error for a name that a machine has no snapshot of.
pub fn no_snapshot(cx: &Context, name: &str) -> Error {
    let machine = &cx.machine;
    Error::new(ErrorKind::NotFound, format!("machine `{machine}` has no snapshot `{name}`"))
        .hint(format!("machine snapshot ls {machine}"))
}

/// The error for a name that a machine has a snapshot of already.
pub fn snapshot_exists(cx: &Context, name: &str) -> Error {
    Error::other(format!("there is a snapshot `{name}` already"))
        .hint(format!("machine snapshot rm {} {name}", cx.machine))
}
