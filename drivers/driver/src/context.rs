use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Driver, Progress, Result};

/// What a driver may know of the world outside it, handed in by the engine.
#[derive(Clone)]
pub struct Context {
    /// The machine's name.
    pub machine: String,
    /// The machine's own directory; it exists, and the driver owns the files that it makes there.
    /// The engine owns `config.json`, `journal.jsonl`, `known_hosts`, the `*.pem` and `id_*` files.
    pub machine_dir: PathBuf,
    /// A directory of this driver in this store, for what its machines share (networks, port
    /// reservations). Made on first use, by the driver, with [`crate::file::create_dir`].
    pub shared_dir: PathBuf,
    /// A directory of this driver in the user's cache, shared by all stores. It may be emptied at any
    /// time, so nothing that a machine needs lies only there. Made on first use, by the driver.
    pub cache_dir: PathBuf,
    /// A directory with a short path for sockets, whose names are bounded by the system to about
    /// 100 bytes. Private to the user; made on first use.
    pub runtime_dir: PathBuf,
    /// The directories in which programs are looked up, as the `PATH` variable has them.
    pub search_path: OsString,
    /// Identifies this store on everything that is created outside it.
    pub store_id: String,
    pub progress: Arc<dyn Progress>,
    pub checkpoint: Arc<dyn Checkpoint>,
}

impl Context {
    /// Puts the driver's record on disk. Call it after each resource that was created and before
    /// the next call is made: what is not recorded cannot be removed after a crash.
    pub fn checkpoint(&self, driver: &dyn Driver) -> Result<()> {
        self.checkpoint.save(driver.record())
    }
}

/// Writes a driver's record durably; implemented by the store.
pub trait Checkpoint: Send + Sync {
    /// `record` becomes the `Driver` object of the machine's `config.json`.
    fn save(&self, record: serde_json::Value) -> Result<()>;
}
