use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use machine_driver::{Error, Result, file};
use serde::{Deserialize, Serialize};

use crate::platform;

pub(super) const MEMORY: &str = "memory";
pub(super) const DEVICES: &str = "devices";
pub(super) const DISK: &str = "disk.img";
const NAME: &str = "template.json";

/// What a template fits, and what its files must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) id: String,
    /// The version of the guest image.
    pub(super) image: String,
    /// For people.
    pub(super) fits: String,
    /// In MiB.
    pub(super) disk_size: u32,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) files: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// In lower-case hexadecimal.
    sha256: String,
    /// What the file system said of the file when its hash was last seen to be right: as long as it
    /// says so, nobody has written to it, and hundreds of megabytes need not be read again.
    stamp: String,
}

impl Manifest {
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let text = fs::read(dir.join(NAME)).map_err(|error| broken(dir, NAME, error))?;
        serde_json::from_slice(&text).map_err(|error| broken(dir, NAME, error))
    }

    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("plain data is JSON");
        Ok(file::write_atomic(&dir.join(NAME), &text, 0o600)?)
    }
}

impl Entry {
    pub(super) fn of(path: &Path) -> Result<Self> {
        Ok(Self { stamp: file::stamp(path)?, sha256: platform::hash_sparse(path)? })
    }
}

/// Proves that a template is what it was: by the stamps, and by the hash where one has changed.
pub(super) fn check(dir: &Path, id: &str) -> Result<()> {
    let mut manifest = Manifest::read(dir)?;
    if manifest.id != id {
        return Err(broken(dir, NAME, "it is of another template"));
    }
    let mut changed = false;
    for (name, entry) in &mut manifest.files {
        let path = dir.join(name);
        let stamp = file::stamp(&path).map_err(|error| broken(dir, name, error))?;
        if stamp != entry.stamp {
            verify_file(dir, name, entry)?;
            entry.stamp = stamp;
            changed = true;
        }
    }
    if changed { manifest.write(dir) } else { Ok(()) }
}

/// Compares every file with its hash.
pub(super) fn verify(dir: &Path) -> Result<()> {
    let manifest = Manifest::read(dir)?;
    manifest.files.iter().try_for_each(|(name, entry)| verify_file(dir, name, entry))
}

fn verify_file(dir: &Path, name: &str, entry: &Entry) -> Result<()> {
    let found = platform::hash_sparse(&dir.join(name)).map_err(|error| broken(dir, name, error))?;
    if found == entry.sha256 {
        return Ok(());
    }
    Err(broken(dir, name, "it is not what was written"))
}

fn broken(
    dir: &Path,
    name: &str,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    let id = dir.file_name().unwrap_or_default().to_string_lossy();
    Error::other(format!("the file `{name}` of the template `{id}` is broken"))
        .caused_by(why)
        .hint(format!("remove it, and it is made again: `machine template rm {id}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(dir: &Path) {
        for name in [MEMORY, DEVICES, DISK] {
            fs::write(dir.join(name), name).unwrap();
        }
        let entry = |name: &&str| ((*name).to_owned(), Entry::of(&dir.join(name)).unwrap());
        let manifest = Manifest {
            id: "12ab".into(),
            image: "v1".into(),
            fits: String::new(),
            disk_size: 1,
            created: 0,
            files: [MEMORY, DEVICES, DISK].iter().map(entry).collect(),
        };
        manifest.write(dir).unwrap();
    }

    #[test]
    fn what_was_altered_truncated_or_exchanged_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        template(dir);
        check(dir, "12ab").unwrap();
        assert!(check(dir, "34cd").is_err(), "a template under another name");
        fs::write(dir.join(MEMORY), "MEMORY").unwrap();
        let error = check(dir, "12ab").unwrap_err();
        assert!(error.to_string().contains("`memory`"), "{error}");
        fs::write(dir.join(MEMORY), MEMORY).unwrap();
        fs::File::options().write(true).open(dir.join(DEVICES)).unwrap().set_len(3).unwrap();
        assert!(verify(dir).unwrap_err().to_string().contains("`devices`"));
        fs::remove_file(dir.join(DEVICES)).unwrap();
        assert!(check(dir, "12ab").is_err());
    }

    #[test]
    fn a_file_that_was_only_copied_is_hashed_once() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        template(dir);
        let before = Manifest::read(dir).unwrap();
        fs::write(dir.join("copy"), MEMORY).unwrap();
        fs::rename(dir.join("copy"), dir.join(MEMORY)).unwrap();
        check(dir, "12ab").unwrap();
        let after = Manifest::read(dir).unwrap();
        assert_ne!(after.files[MEMORY].stamp, before.files[MEMORY].stamp);
        assert_eq!(after.files[MEMORY].sha256, before.files[MEMORY].sha256);
    }
}
