//! The machine directory on disk, in docker-machine's layout.
//!
//! Rules that hold for everything here: writes are atomic and durable; readers take no lock and
//! write nothing; a lock is the operating system's and dies with its process; one broken record is
//! an error for that machine and for no other.

mod error;
mod journal;
mod lock;
mod name;
mod options;
mod record;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use machine_driver::file;

pub use error::StoreError;
pub use journal::{Event, Journal, Unfinished};
pub use lock::{Holder, Lock};
pub use name::check_name;
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

    /// Identifies this store on what is created outside it: 12 hexadecimal digits, made once.
    pub fn id(&self) -> Result<String, StoreError> {
        let path = self.base.join("store-id");
        match fs::read_to_string(&path) {
            Ok(id) => return Ok(id.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::Read { path, source }),
        }
        let _lock = self.lock(".store", "store set-up", lock::PATIENCE)?;
        if let Ok(id) = fs::read_to_string(&path) {
            return Ok(id.trim().to_owned());
        }
        let id = random_hex(6);
        write(&path, format!("{id}\n").as_bytes())?;
        Ok(id)
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
        Record::parse(name, &path, &text)
    }

    /// Writes one record.
    pub fn save(&self, record: &Record) -> Result<(), StoreError> {
        write(&self.machine_dir(&record.name).join("config.json"), &record.to_json())
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
        match fs::rename(&path, &gone) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(StoreError::write(&path, source)),
        }
        if gone.is_dir() {
            fs::remove_dir_all(&gone).map_err(|source| StoreError::write(&gone, source))
        } else {
            fs::remove_file(&gone).map_err(|source| StoreError::write(&gone, source))
        }
    }

    /// Deletes what an interrupted [`Store::remove`] left of a machine.
    pub fn sweep(&self, name: &str) {
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
        Lock::take(&self.base.join("locks"), name, command, patience)
    }

    /// Who holds a lock now; `None` if nobody does.
    pub fn lock_holder(&self, name: &str) -> Option<Holder> {
        Lock::holder(&self.base.join("locks"), name)
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
        let id = store.id().unwrap();
        assert_eq!((store.id().unwrap(), id.len()), (id.clone(), 12));
    }
}
