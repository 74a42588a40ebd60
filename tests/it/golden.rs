//! Records as docker-machine writes them, one for each driver, with made-up values.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lab::Lab;

/// The files of `tests/golden/records`, by the name of their machine.
pub(crate) fn records() -> Vec<(String, PathBuf)> {
    files("records")
}

/// The record of one driver's machine.
pub(crate) fn record(driver: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/records")
        .join(format!("{driver}.json"))
}

/// The records of docker-machine before 0.5: `v0`, `v1` and `v2`.
pub(crate) fn old_records() -> Vec<(String, PathBuf)> {
    files("old")
}

fn files(dir: &str) -> Vec<(String, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(dir);
    let mut files: Vec<(String, PathBuf)> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

impl Lab {
    /// Puts the record of a machine into the store, and gives its path.
    pub(crate) fn put(&self, name: &str, record: &[u8]) -> PathBuf {
        let dir = self.store().join("machines").join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.json"), record).unwrap();
        dir.join("config.json")
    }

    /// A store with a machine of every driver. No name of a proxy is an address that anybody has:
    /// whatever asks a cloud is told at once that it cannot.
    pub(crate) fn with_golden_records() -> Self {
        let lab = Self::new();
        for (name, path) in records() {
            lab.put(&name, &fs::read(path).unwrap());
        }
        lab
    }

    /// The program, without a way to the rest of the world.
    pub(crate) fn offline(&self) -> std::process::Command {
        let mut command = self.command();
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, "http://127.0.0.1:1");
        }
        command
    }
}
