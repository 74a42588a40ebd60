//! A signed repository of this process's own making, and a mirror that serves and spoils it.

mod repository;
mod server;

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;

use machine_driver::{Error, Silent};
use machine_guest::apt::{self, AptError, Archive, Candidate, Package, Repo};

pub(crate) use repository::{Deb, Repository};
pub(crate) use server::{Fault, Server};

/// What `main` does first in the product.
pub(crate) fn set_up() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// An archive of these repositories and nothing else.
pub(crate) fn archive(repos: impl IntoIterator<Item = Repo>) -> Archive {
    set_up();
    Archive { repos: repos.into_iter().collect(), architecture: "amd64", proxy: None }
}

/// Fetches the package of this name in its newest version.
pub(crate) async fn fetch(
    archive: &Archive,
    cache: &Path,
    name: &str,
) -> Result<Package, AptError> {
    let index = apt::index(archive, cache, &Silent).await?;
    let wanted: Vec<Candidate> = index.get(name).into_iter().cloned().collect();
    let mut packages = apt::fetch(archive, &wanted, cache, Arc::new(Silent)).await?;
    packages.pop().ok_or_else(|| AptError::NoPackage { name: name.to_owned() })
}

/// Demands an error whose message or cause says all of `says`, with a hint.
#[track_caller]
pub(crate) fn refused<T>(result: Result<T, AptError>, says: &[&str]) {
    let Err(error) = result else { panic!("this should not work; wanted {says:?}") };
    let error = Error::from(error);
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    for part in says {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
    assert!(!error.hints().is_empty(), "no hint: {text}");
}

/// The files in a package cache, but for its lock.
pub(crate) fn files(cache: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}
