//! What is inside the image: Debian packages, a choice of kernel modules, and files of our own.
//!
//! No maintainer script is run. What they would do and matters, [`root`] does: users and groups, the
//! CA bundle, links of busybox and iptables.

mod busybox;
mod files;
mod initrd;
mod module_lists;
mod modules;
mod packages;
mod root;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::apt::{AptError, Candidate, Package, unpack};
use crate::tree::Tree;

pub use initrd::initrd_tree;
pub use root::root_tree;

/// To be raised when the code that assembles or writes an image changes its bytes.
const RECIPE: u32 = 4;

/// The packages that bring the Docker Engine, the best first.
pub(crate) const ENGINE_PACKAGES: [&str; 2] = ["docker-ce", "docker.io"];

/// The packages that an image is made of.
#[derive(Debug, Clone)]
pub struct Choice {
    /// For the root file system, the kernel and the boot programs, in this order.
    pub candidates: Vec<Candidate>,
    /// For example `26.1.5`.
    pub docker: String,
    /// The kernel's release, for example `6.12.57+deb13-amd64`.
    pub kernel: String,
}

/// Chooses the packages from what the archive has. An archive that also offers Docker's own
/// packages (`docker-ce`) is taken at its word.
pub fn choose(index: &BTreeMap<String, Candidate>) -> Result<Choice, AptError> {
    let find = |name: &str| {
        index.get(name).cloned().ok_or_else(|| AptError::NoPackage { name: name.to_owned() })
    };
    let kernel_meta = find(packages::KERNEL)?;
    let kernel = kernel_meta
        .depends
        .split([',', ' ', '('])
        .find(|word| word.starts_with("linux-image-"))
        .map(str::to_owned)
        .ok_or_else(|| AptError::NoPackage { name: "linux-image-*".to_owned() })?;
    let others =
        ENGINE_PACKAGES.iter().any(|name| *name != "docker.io" && index.contains_key(*name));
    let root = packages::ROOT.iter().map(|name| match (*name, others) {
        ("docker.io", true) => "docker-ce",
        ("docker-cli", true) => "docker-ce-cli",
        ("containerd", true) if index.contains_key("containerd.io") => "containerd.io",
        (name, _) => name,
    });
    let names = root.chain([kernel.as_str()]).chain(packages::BOOT.iter().copied());
    let candidates = names.map(find).collect::<Result<Vec<_>, _>>()?;
    let engine = candidates.iter().find(|it| ENGINE_PACKAGES.contains(&it.name.as_str()));
    let docker = engine.map_or_else(String::new, |engine| upstream(&engine.version));
    let kernel = kernel.trim_start_matches("linux-image-").to_owned();
    Ok(Choice { candidates, docker, kernel })
}

impl Choice {
    /// The image's version: the Engine's, and a hash over everything that goes into the image. The
    /// same version means the same bytes.
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        for candidate in &self.candidates {
            hash.update(&candidate.sha256);
        }
        for (path, mode, content) in files::ROOT {
            hash.update(format!("{path} {mode:o} {}\n", content.len()));
            hash.update(content);
        }
        hash.update(files::INIT);
        hash.update(format!("{} {RECIPE}", env!("CARGO_PKG_VERSION")));
        let hash = machine_driver::file::hex(&hash.finalize());
        format!("{}-{}", self.docker, &hash[..8])
    }
}

/// The unpacked packages, apart: the root, the kernel, and the boot programs.
pub struct Unpacked {
    pub root: Tree,
    pub kernel: Tree,
    pub boot: Tree,
}

/// Unpacks all packages of a choice, several at once.
pub fn unpack_all(choice: &Choice, fetched: &[Package]) -> Result<Unpacked, AptError> {
    let kernel_at = packages::ROOT.len();
    let tree_of = |packages: &[Package]| {
        let mut tree = Tree::default();
        for package in packages {
            unpack(package, &mut tree, packages::is_wanted)?;
        }
        Ok::<_, AptError>(tree)
    };
    debug_assert_eq!(fetched.len(), choice.candidates.len());
    // The kernel's package is about as large as all others together.
    let (rest, kernel) = rayon::join(
        || {
            Ok::<_, AptError>((
                tree_of(&fetched[..kernel_at])?,
                tree_of(&fetched[kernel_at + 1..])?,
            ))
        },
        || tree_of(&fetched[kernel_at..=kernel_at]),
    );
    let (root, boot) = rest?;
    Ok(Unpacked { root, kernel: kernel?, boot })
}

/// A Debian version without epoch and revision, and without what Debian adds to upstream's.
fn upstream(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let end = version.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].to_owned()
}

/// A text file that everybody may read.
fn text(content: impl Into<String>) -> Arc<[u8]> {
    Arc::from(content.into().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_lose_what_debian_adds() {
        assert_eq!(upstream("26.1.5+dfsg1-9+b4"), "26.1.5");
        assert_eq!(upstream("5:28.2.2-1~debian.13~trixie"), "28.2.2");
    }

    #[test]
    fn every_script_is_executable_and_no_secret_is_readable() {
        for (path, mode, content) in files::ROOT {
            let runs = content.starts_with("#!");
            assert_eq!(mode & 0o111 != 0, runs, "{path}");
            assert!(!content.contains("PRIVATE KEY"), "{path}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn every_script_parses() {
        for (path, _, content) in files::ROOT.iter().chain(&[("init", 0o755, files::INIT)]) {
            if !content.starts_with("#!/bin/sh") {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let script = dir.path().join("script");
            std::fs::write(&script, content).unwrap();
            let output = std::process::Command::new("sh").arg("-n").arg(&script).output().unwrap();
            assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
