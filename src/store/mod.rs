//! The machine directory on disk, in docker-machine's layout.
//!
//! Rules that hold for everything here: writes are atomic and durable; readers take no lock and
//! write nothing; a lock is the operating system's and dies with its process; one broken record is
//! an error for that machine and for no other.

mod error;
mod journal;
mod keys;
mod lock;
mod migrate;
mod name;
mod options;
mod record;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use machine_driver::file;

pub use error::StoreError;
pub use journal::{Event, Journal, Unfinished, What};
pub(crate) use keys::rename as rename_keys;
pub use lock::{Holder, Lock};
pub use name::{check_name, is_directory_name};
pub use options::{AuthOptions, EngineOptions, HostOptions, SwarmOptions};
pub use record::Record;

/// A store: the directory that `MACHINE_STORAGE_PATH` names.
#[derive(Debug, Clone)]
pub struct Store {
    base: PathBuf,
}

impl Store {
    /// Nothing is read or made until it is needed.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    pub fn base(&self) -> &Path {
        &self.base
    }

    pub fn certs_dir(&self) -> PathBuf {
        self.base.join("certs")
    }

    pub fn machine_dir(&self, name: &str) -> PathBuf {
        self.base.join("machines").join(name)
    }

    /// What the machines of one driver share.
    pub fn driver_dir(&self, driver: &str) -> PathBuf {
        self.base.join("drivers").join(driver)
    }

    /// Identifies this store on what is created outside it: 12 hexadecimal digits, made by the
    /// first lock that is taken in it. Empty before, for whoever holds no lock writes nothing.
    pub fn id(&self) -> Result<String, StoreError> {
        let path = self.base.join("store-id");
        match fs::read_to_string(&path) {
            Ok(id) => Ok(id.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(source) => Err(StoreError::Read { path, source }),
        }
    }

    fn make_id(&self) -> Result<(), StoreError> {
        if !self.id()?.is_empty() {
            return Ok(());
        }
        let _lock = Lock::take(&self.locks_dir(), ".store", "store set-up", lock::PATIENCE)?;
        if !self.id()?.is_empty() {
            return Ok(());
        }
        write(&self.base.join("store-id"), format!("{}\n", random_hex(6)).as_bytes())
    }

    fn locks_dir(&self) -> PathBuf {
        self.base.join("locks")
    }

    /// A machine exists if its directory does, whatever is in it.
    pub fn exists(&self, name: &str) -> bool {
        self.machine_dir(name).exists()
    }

    /// The names of all machines, in byte order. A store that is not there yet is empty.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let path = self.base.join("machines");
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Reads one record. The name is the directory's, whatever the file says.
    pub fn load(&self, name: &str) -> Result<Record, StoreError> {
        let path = self.machine_dir(name).join("config.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(match self.exists(name) {
                    false => StoreError::Unknown { name: name.to_owned() },
                    true => StoreError::NoRecord { name: name.to_owned(), path },
                });
            }
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        Record::parse(&self.base, name, &path, &text)
    }

    /// Writes one record. What an older version of docker-machine wrote is kept beside, once.
    pub fn save(&self, record: &Record) -> Result<(), StoreError> {
        let dir = self.machine_dir(&record.name);
        if let Some(old) = record.old_bytes() {
            write(&dir.join("config.json.bak"), old)?;
        }
        write(&dir.join("config.json"), &record.to_json())
    }

    /// Notes in a record that its journal need not be read any more.
    pub fn mark_finished(&self, name: &str) -> Result<(), StoreError> {
        self.mark(name, false)
    }

    /// Notes in a record that its journal must be read.
    pub fn mark_unfinished(&self, name: &str) -> Result<(), StoreError> {
        self.mark(name, true)
    }

    fn mark(&self, name: &str, unfinished: bool) -> Result<(), StoreError> {
        let mut record = self.load(name)?;
        if record.unfinished == unfinished {
            return Ok(());
        }
        record.unfinished = unfinished;
        self.save(&record)
    }

    /// Makes the directory of a machine.
    pub fn make_machine_dir(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.machine_dir(name);
        file::create_dir(&path).map_err(|source| StoreError::write(&path, source))?;
        Ok(path)
    }

    /// Deletes a machine's directory. It is renamed first, so that no reader sees half of it.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.machine_dir(name);
        let gone = self.base.join("machines").join(format!(".removed-{name}-{}", random_hex(4)));
        match file::rename(&path, &gone) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(StoreError::write(&path, source)),
        }
        if gone.is_dir() {
            file::remove_dir_all(&gone).map_err(|source| StoreError::write(&gone, source))
        } else {
            fs::remove_file(&gone).map_err(|source| StoreError::write(&gone, source))
        }
    }

    /// Deletes what interrupted writes and an interrupted [`Store::remove`] left of a machine. For
    /// the holder of its lock.
    pub fn sweep(&self, name: &str) {
        file::sweep(&self.machine_dir(name));
        let prefix = format!(".removed-{name}-");
        let entries = fs::read_dir(self.base.join("machines")).into_iter().flatten();
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }

    /// Takes the lock of a machine, waiting up to `patience` for its holder.
    pub fn lock(
        &self,
        name: &str,
        command: &str,
        patience: std::time::Duration,
    ) -> Result<Lock, StoreError> {
        self.make_id()?;
        Lock::take(&self.locks_dir(), name, command, patience)
    }

    /// Who holds a lock now; `None` if nobody does.
    pub fn lock_holder(&self, name: &str) -> Option<Holder> {
        Lock::holder(&self.locks_dir(), name)
    }

    /// The names of all locks that are held or were left by a command that was killed, and whether
    /// they are held.
    pub fn locks(&self) -> Vec<(String, bool)> {
        Lock::all(&self.locks_dir())
    }

    /// The journal of what is being done with a machine.
    pub fn journal(&self, name: &str) -> Journal {
        Journal::at(self.machine_dir(name).join("journal.jsonl"))
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    file::write_atomic(path, content, 0o600).map_err(|source| StoreError::write(path, source))
}

/// `bytes` random bytes in hexadecimal.
pub fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut buffer)
        .expect("the system gives random numbers");
    buffer.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("store"));
        (dir, store)
    }

    #[test]
    fn names_are_directories_without_a_dot() {
        let (_dir, store) = store();
        assert!(store.names().unwrap().is_empty());
        for name in ["b", "a", ".removed-x"] {
            store.make_machine_dir(name).unwrap();
        }
        fs::write(store.base().join("machines/file"), "").unwrap();
        assert_eq!(store.names().unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_missing_and_a_broken_record_are_told_apart() {
        let (_dir, store) = store();
        assert!(matches!(store.load("x"), Err(StoreError::Unknown { .. })));
        let dir = store.make_machine_dir("x").unwrap();
        assert!(matches!(store.load("x"), Err(StoreError::NoRecord { .. })));
        fs::write(dir.join("config.json"), r#"{"ConfigVersion": 3, "Dri"#).unwrap();
        assert!(matches!(store.load("x"), Err(StoreError::Broken { .. })));
    }

    #[test]
    fn the_first_write_of_an_old_record_keeps_it() {
        let (_dir, store) = store();
        let dir = store.make_machine_dir("x").unwrap();
        let old = br#"{"ConfigVersion":2,"Driver":{"CPU":1},"DriverName":"virtualbox","Mine":[1]}"#;
        fs::write(dir.join("config.json"), old).unwrap();
        let mut record = store.load("x").unwrap();
        assert!(!dir.join("config.json.bak").exists(), "reading writes nothing");
        record.driver["CPU"] = 2.into();
        store.save(&record).unwrap();
        assert_eq!(fs::read(dir.join("config.json.bak")).unwrap(), old);
        let again = store.load("x").unwrap().to_value();
        assert_eq!((&again["ConfigVersion"], &again["Mine"][0]), (&3.into(), &1.into()));
        assert_eq!(again["Driver"]["CPU"], 2);
        assert_eq!(again["Driver"]["StorePath"], store.base().display().to_string());
        store.save(&store.load("x").unwrap()).unwrap();
        assert_eq!(fs::read(dir.join("config.json.bak")).unwrap(), old, "once");
    }

    #[test]
    fn removal_is_whole_and_idempotent() {
        let (_dir, store) = store();
        let dir = store.make_machine_dir("x").unwrap();
        fs::write(dir.join("disk.img"), "").unwrap();
        store.remove("x").unwrap();
        store.remove("x").unwrap();
        assert_eq!(fs::read_dir(store.base().join("machines")).unwrap().count(), 0);
    }

    #[test]
    fn the_store_keeps_its_id() {
        let (_dir, store) = store();
        assert_eq!(store.id().unwrap(), "");
        assert!(!store.base().exists(), "a reader makes nothing");
        let lock = || store.lock("x", "test", std::time::Duration::ZERO).unwrap();
        drop(lock());
        let id = store.id().unwrap();
        drop(lock());
        assert_eq!((store.id().unwrap(), id.len()), (id.clone(), 12));
    }
}
