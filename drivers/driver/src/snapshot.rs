use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Context, Result};

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
    /// Bytes that it takes on the disk.
    pub size: u64,
}
