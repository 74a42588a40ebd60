//! The whole image, from a real mirror.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine_driver::download::DownloadError;
use machine_driver::{Progress, Silent};
use machine_guest::apt::{self, AptError, Archive, Mirror};
use machine_guest::build;
use machine_guest::content::{self, Choice};
use machine_guest::manifest::{self, INITRD, ISO, KERNEL, MANIFEST};

use crate::support::{Deb, Repository, Server, set_up};

/// The same packages give the same bytes, and the ISO alone gives the whole image again.
#[tokio::test]
async fn the_same_packages_give_the_same_bytes() {
    let archive = debian();
    let Some(choice) = choose(&archive).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let [first, second, imported] = ["first", "second", "imported"].map(|it| dir.path().join(it));
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    for output in [&first, &second] {
        let progress = Arc::clone(&progress);
        build::build(&archive, choice.clone(), &packages(), output, progress).await.unwrap();
    }
    fs::create_dir(&imported).unwrap();
    machine_guest::import::iso(&first.join(ISO), &imported).unwrap();
    for name in [ISO, KERNEL, INITRD, MANIFEST] {
        let bytes = fs::read(first.join(name)).unwrap();
        assert!(bytes == fs::read(second.join(name)).unwrap(), "{name} differs");
        assert!(bytes == fs::read(imported.join(name)).unwrap(), "{name} differs in the import");
    }
    assert_eq!(fs::read_dir(&first).unwrap().count(), 4, "nothing else is left");
    let size = fs::metadata(first.join(ISO)).unwrap().len();
    assert!(size <= 130_000_000, "the ISO has {size} bytes");

    // Every part of the ISO is looked at.
    for at in [0x8030, size / 2, size - (5 << 20)] {
        let bad = dir.path().join("bad.iso");
        let mut bytes = fs::read(first.join(ISO)).unwrap();
        bytes[usize::try_from(at).unwrap()] ^= 1;
        fs::write(&bad, bytes).unwrap();
        not_imported(&bad, "SHA-256");
    }
    let cut = dir.path().join("cut.iso");
    fs::write(&cut, &fs::read(first.join(ISO)).unwrap()[..50 << 20]).unwrap();
    not_imported(&cut, "cut off");
    fs::write(&cut, "<html>").unwrap();
    not_imported(&cut, "too short");
}

/// `--repo`: an Engine newer than Debian's, from a repository with a key of its own.
#[tokio::test]
async fn a_further_repository_brings_a_newer_engine() {
    let mut archive = debian();
    let Some(debians) = choose(&archive).await else { return };
    let server = Server::start();
    let further = Repository::new("/further", vec![Deb::new("docker.io", "99.1.2-1")]);
    further.publish(&server);
    archive.repos.push(further.repo(&server));
    let choice = choose(&archive).await.unwrap();
    assert_eq!(choice.docker, "99.1.2");
    assert_ne!(choice.version(), debians.version());
    let newer: Vec<_> = choice
        .candidates
        .iter()
        .zip(&debians.candidates)
        .filter(|(one, other)| one.sha256 != other.sha256)
        .map(|(one, _)| (one.name.as_str(), one.sha256.clone()))
        .collect();
    assert_eq!(newer, [("docker.io", further.debs[0].sha256())], "and nothing else changes");
}

#[track_caller]
fn not_imported(iso: &Path, why: &str) {
    let dir = tempfile::tempdir().unwrap();
    let error = machine_guest::import::iso(iso, dir.path()).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains(&iso.display().to_string()), "{error}");
    assert!(cause.contains(why), "{cause}");
    assert!(!error.hints().is_empty());
    manifest::verify(dir.path()).unwrap_err();
}

/// Where this host has its packages from.
fn debian() -> Archive {
    set_up();
    let mirror = match std::env::var("MACHINE_DEBIAN_MIRROR") {
        Ok(url) => Mirror::named(&url),
        Err(_) => apt::host_mirror(Path::new("/etc/apt")).unwrap_or_default(),
    };
    let mut archive = Archive::debian(&mirror, "trixie", "amd64").unwrap();
    archive.proxy = apt::host_proxy(Path::new("/etc/apt"));
    archive
}

/// `None`, said plainly, if there is no network: without an index nothing can be chosen, whatever
/// packages are in the cache.
async fn choose(archive: &Archive) -> Option<Choice> {
    match apt::index(archive, &packages(), &Silent).await {
        Ok(index) => Some(content::choose(&index).unwrap()),
        Err(AptError::Download(DownloadError::Unreachable { url, .. })) => {
            let note = format!("skipped: {url} does not answer\n");
            std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes()).unwrap();
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Shared with the tests of whole machines.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("machine-cache/packages")
}
