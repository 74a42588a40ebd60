use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::{Driver, Environment, Policy, Progress, Result};

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
    /// A directory of this store with a short path for sockets, whose names are bounded by the
    /// system to about 100 bytes. Private to the user; made on first use.
    pub runtime_dir: PathBuf,
    /// The directories in which programs are looked up, as the `PATH` variable has them.
    pub search_path: OsString,
    /// What the caller's variables say, for references to secrets and vendors' own files.
    pub environment: Environment,
    /// What holds for new machines of all drivers alike.
    pub policy: Policy,
    /// Identifies this store on everything that is created outside it.
    pub store_id: StoreId,
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

/// A store's mark, read when somebody wants it for the first time: most commands never do.
#[derive(Clone)]
pub struct StoreId {
    known: OnceLock<String>,
    read: Arc<dyn Fn() -> Result<String> + Send + Sync>,
}

impl StoreId {
    pub fn new(read: impl Fn() -> Result<String> + Send + Sync + 'static) -> Self {
        Self { known: OnceLock::new(), read: Arc::new(read) }
    }

    /// 12 hexadecimal digits.
    pub fn get(&self) -> Result<&str> {
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let read = (self.read)()?;
        Ok(self.known.get_or_init(|| read))
    }
}

/// One that is known already.
impl From<&str> for StoreId {
    fn from(id: &str) -> Self {
        let id = id.to_owned();
        Self::new(move || Ok(id.clone()))
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreId").field(&self.known.get()).finish()
    }
}

/// Writes a driver's record durably; implemented by the store.
pub trait Checkpoint: Send + Sync {
    /// `record` becomes the `Driver` object of the machine's `config.json`.
    fn save(&self, record: serde_json::Value) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Error;

    #[test]
    fn the_mark_is_read_once_and_only_when_wanted() {
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&reads);
        let id = StoreId::new(move || match counter.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::other("not now")),
            _ => Ok("0123456789ab".to_owned()),
        });
        assert_eq!(reads.load(Ordering::SeqCst), 0);
        id.get().unwrap_err();
        assert_eq!((id.get().unwrap(), id.get().unwrap()), ("0123456789ab", "0123456789ab"));
        assert_eq!(reads.load(Ordering::SeqCst), 2, "a failure is not kept, a success is");
    }
}
