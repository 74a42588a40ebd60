//! What is in an image, and what its files must be.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use machine_driver::{Error, Result, file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::apt::Package;

pub const ISO: &str = "machine.iso";
pub const KERNEL: &str = "vmlinuz";
pub const INITRD: &str = "initrd.img";
pub const MANIFEST: &str = "manifest.json";

/// The form of the manifest that this program writes and reads.
pub const FORMAT: u32 = 1;

/// `manifest.json` in the directory of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The name of the image in the cache.
    pub version: String,
    /// The version of the Docker Engine.
    pub docker: String,
    pub kernel: String,
    pub command_line: String,
    /// Of [`ISO`], [`KERNEL`] and [`INITRD`].
    pub files: BTreeMap<String, FileEntry>,
    pub packages: Vec<PackageEntry>,
}

/// What the ISO says about itself, in its `/boot/manifest.json`: the manifest without the ISO's own
/// entry, which cannot be known in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnMedium {
    #[serde(flatten)]
    pub manifest: Manifest,
    /// All that lies before this file on the medium, which is all but zeros.
    pub before: FileEntry,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// In bytes.
    pub size: u64,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageEntry {
    pub name: String,
    pub version: String,
    pub sha256: String,
}

impl Manifest {
    /// Reads the manifest of the image in a directory. The files are not looked at: see [`verify`].
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let text = fs::read(&path).map_err(|error| broken(&path, error.to_string()))?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| broken(&path, error.to_string()))?;
        manifest.check().map_err(|why| broken(&path, why))?;
        if !manifest.files.keys().map(String::as_str).eq([INITRD, ISO, KERNEL]) {
            let why = format!("it is to list `{ISO}`, `{KERNEL}` and `{INITRD}`");
            return Err(broken(&path, why));
        }
        Ok(manifest)
    }

    /// Refuses what another version of the program may have meant, and a name that is a path.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is {}, and only {FORMAT} is known", self.format));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._+~".contains(c);
        let version = &self.version;
        if version.is_empty() || version.starts_with('.') || !version.chars().all(plain) {
            return Err(format!("`{}` is not a version", version.escape_debug()));
        }
        Ok(())
    }
}

/// Compares every file of an image with its manifest.
pub fn verify(dir: &Path) -> Result<Manifest> {
    let manifest = Manifest::read(dir)?;
    for (name, expected) in &manifest.files {
        let path = dir.join(name);
        let found = FileEntry::of(&path).map_err(|error| broken(&path, error.to_string()))?;
        if found != *expected {
            let why = format!("its SHA-256 is {}, not {}", found.sha256, expected.sha256);
            return Err(broken(&path, why));
        }
    }
    Ok(manifest)
}

impl FileEntry {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(Self { size, sha256: file::hex(&hash.finalize()) });
            }
            size += read as u64;
            hash.update(&buffer[..read]);
        }
    }
}

impl From<&Package> for PackageEntry {
    fn from(package: &Package) -> Self {
        let Package { name, version, sha256, .. } = package.clone();
        Self { name, version, sha256 }
    }
}

fn broken(path: &Path, why: String) -> Error {
    Error::other(format!("`{}` is broken", path.display())).caused_by(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> (tempfile::TempDir, Manifest) {
        let dir = tempfile::tempdir().unwrap();
        let files = [ISO, KERNEL, INITRD].map(|name| {
            let path = dir.path().join(name);
            fs::write(&path, name).unwrap();
            (name.to_owned(), FileEntry::of(&path).unwrap())
        });
        let manifest = Manifest {
            format: FORMAT,
            version: "26.1.5-0123abcd".into(),
            docker: "26.1.5".into(),
            kernel: "6.12".into(),
            command_line: "quiet".into(),
            files: files.into(),
            packages: Vec::new(),
        };
        (dir, manifest)
    }

    fn write(dir: &tempfile::TempDir, manifest: &Manifest) {
        fs::write(dir.path().join(MANIFEST), serde_json::to_vec(manifest).unwrap()).unwrap();
    }

    #[test]
    fn a_changed_file_is_named() {
        let (dir, manifest) = image();
        write(&dir, &manifest);
        assert_eq!(verify(dir.path()).unwrap(), manifest);
        fs::write(dir.path().join(INITRD), "initrd.imp").unwrap();
        assert!(verify(dir.path()).unwrap_err().to_string().contains(INITRD));
        fs::remove_file(dir.path().join(INITRD)).unwrap();
        assert!(verify(dir.path()).unwrap_err().to_string().contains(INITRD));
    }

    #[test]
    fn a_manifest_names_no_path_outside_and_nothing_less() {
        let (dir, good) = image();
        let entry = good.files[ISO].clone();
        let bad: [&dyn Fn(&mut Manifest); 6] = [
            &|it| it.format = 2,
            &|it| it.version = "../../x".into(),
            &|it| it.version = ".hidden".into(),
            &|it| it.version = String::new(),
            &|it| it.files.extend([("../other".to_owned(), entry.clone())]),
            &|it| it.files.clear(),
        ];
        for change in bad {
            let mut manifest = good.clone();
            change(&mut manifest);
            write(&dir, &manifest);
            let error = verify(dir.path()).unwrap_err();
            assert!(error.to_string().contains(MANIFEST), "{error}: {manifest:?}");
        }
    }
}
