//! boot2docker's latest release as docker-machine has it: one file in the store's cache, looked at
//! before each machine that is made, in docker-machine's words.

use std::fs;
use std::path::{Path, PathBuf};

use machine_driver::{Error, Image, Progress, Result, file};
use machine_guest::apt::compare_versions;
use serde::{Deserialize, Serialize};

use super::fetch::{Desk, isos, known, unable_to_look};
use super::isos::{Iso, Isos};
use super::known::FINAL;
use super::lookup::Release;
use super::releases::Releases;
use super::{Images, volume};

/// docker-machine's cache file, which it and others may exchange at any time.
struct Shelf {
    path: PathBuf,
    /// Where it is noted what was seen there.
    seen: PathBuf,
}

/// What was last seen in docker-machine's cache file, so that it need not be hashed each time.
#[derive(Serialize, Deserialize)]
struct Seen {
    stamp: String,
    sha256: String,
}

enum Found {
    Nothing,
    /// No image, or half of one.
    Rubbish(std::io::Error),
    Image {
        version: String,
        sha256: String,
    },
}

/// Brings the file up to date, and returns it.
pub(super) async fn latest(images: &Images, progress: &dyn Progress) -> Result<Image> {
    make_directory(images, progress)?;
    let desk = Desk::open(images, progress).await?;
    let releases = images.releases()?;
    let shelf = Shelf::of(images);
    match shelf.look()? {
        Found::Image { version, sha256 } => {
            let latest = match desk.ask_latest(&releases).await {
                Ok(latest) => latest,
                Err(error) => {
                    progress.line(&unable_to_look(&error));
                    return Ok(shelf.image(version));
                }
            };
            let of_latest = expected(&desk.isos, &releases, &latest, &latest.tag)?;
            // Whatever its label says: those of some releases say something else (boot2docker#1347).
            if of_latest.as_ref() == Some(&sha256) {
                return Ok(shelf.image(version));
            }
            let broken = expected(&desk.isos, &releases, &latest, &version)?
                .is_some_and(|expected| expected != sha256);
            if !broken && is_current(&version, &latest.tag) {
                return Ok(shelf.image(version));
            }
            if broken {
                progress.warn(&format!(
                    "`{}` is not the release {version} that it says it is: its SHA-256 is {sha256}",
                    shelf.path.display()
                ));
            }
            say_outdated(progress);
            match shelf.fill(&desk, &releases, &latest).await {
                // An older one is better than none.
                Err(error) if !broken => {
                    progress.warn(&format!("going on with {version}: {}", error.one_line()));
                    Ok(shelf.image(version))
                }
                result => result,
            }
        }
        found => {
            match found {
                Found::Rubbish(error) => {
                    progress.line(&format!(
                        "Unable to get the local Boot2Docker ISO version:  {error}"
                    ));
                    say_outdated(progress);
                }
                _ => progress.line(
                    "No default Boot2Docker ISO found locally, downloading the latest release...",
                ),
            }
            let latest = match desk.ask_latest(&releases).await {
                Ok(latest) => latest,
                Err(error) => without_answer(&desk, &releases, error, progress)?,
            };
            shelf.fill(&desk, &releases, &latest).await
        }
    }
}

/// The file, if it is an image.
pub(super) fn here(images: &Images) -> Result<Option<Image>> {
    let shelf = Shelf::of(images);
    Ok(match shelf.look()? {
        Found::Image { version, .. } => Some(shelf.image(version)),
        _ => None,
    })
}

/// The hash of the file, if it is an image.
pub(super) fn hash(images: &Images) -> Result<Option<String>> {
    Ok(match Shelf::of(images).look()? {
        Found::Image { sha256, .. } => Some(sha256),
        _ => None,
    })
}

/// docker-machine's remark where the user names another image.
pub(super) fn is_passed_over(images: &Images, named: &str, progress: &dyn Progress) -> Result<()> {
    make_directory(images, progress)?;
    if Shelf::of(images).path.exists() {
        progress.line(&format!(
            "Boot2Docker URL was explicitly set to {named:?} at create time, so Docker Machine \
             cannot upgrade this machine to the latest version."
        ));
    }
    Ok(())
}

fn make_directory(images: &Images, progress: &dyn Progress) -> Result<()> {
    let dir = &images.settings.store_cache;
    if !dir.exists() {
        progress.line(&format!(
            "Image cache directory does not exist, creating it at {}...",
            dir.display()
        ));
        file::create_dir(dir)?;
    }
    Ok(())
}

fn say_outdated(progress: &dyn Progress) {
    progress.line("Default Boot2Docker ISO is out-of-date, downloading the latest release...");
}

/// Where nobody answers, the newest in the cache will do; and boot2docker's last release is known.
fn without_answer(
    desk: &Desk<'_>,
    releases: &Releases,
    error: Error,
    progress: &dyn Progress,
) -> Result<Release> {
    let cached = desk.isos.from(|url| releases.contains(url))?;
    let release = match cached {
        Some(Iso { version, sha256, size, .. }) => {
            Release { tag: version, sha256: Some(sha256), size: Some(size) }
        }
        None if releases.is_boot2docker() => {
            let release = Release { tag: FINAL.to_owned(), sha256: None, size: None };
            known(releases, release)
        }
        None => return Err(error),
    };
    progress.line(&unable_to_look(&error));
    Ok(release)
}

/// What an image of this version must be, if anybody knows.
fn expected(
    isos: &Isos,
    releases: &Releases,
    latest: &Release,
    version: &str,
) -> Result<Option<String>> {
    if latest.tag == version && latest.sha256.is_some() {
        return Ok(latest.sha256.clone());
    }
    if let Some(known) = releases.known(version) {
        return Ok(Some(known.to_owned()));
    }
    let url = releases.iso_url(version);
    let mut isos = isos.all()?;
    isos.retain(|iso| iso.urls.contains(&url));
    Ok(isos.pop().map(|iso| iso.sha256))
}

/// docker-machine compares for equality, and so replaces a newer image by an older one
/// (toolbox2docker#4).
fn is_current(local: &str, latest: &str) -> bool {
    let bare = |version: &str| version.trim_start_matches('v').to_owned();
    local == latest
        || local.starts_with('v') && compare_versions(&bare(local), &bare(latest)).is_gt()
}

impl Shelf {
    fn of(images: &Images) -> Self {
        let path = images.settings.store_cache.join("boot2docker.iso");
        let name = file::sha256_hex(path.as_os_str().as_encoded_bytes());
        let seen = isos(images).dir.join("seen").join(format!("{name}.json"));
        Self { path, seen }
    }

    fn image(&self, version: String) -> Image {
        Image::iso(version, &self.path)
    }

    fn look(&self) -> Result<Found> {
        match volume::version(&self.path) {
            Ok(version) => Ok(Found::Image { version, sha256: self.hash()? }),
            Err(_) if !self.path.exists() => Ok(Found::Nothing),
            Err(error) => Ok(Found::Rubbish(error)),
        }
    }

    fn hash(&self) -> Result<String> {
        let stamp = file::stamp(&self.path)?;
        let seen = fs::read(&self.seen).ok();
        let seen: Option<Seen> = seen.and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(seen) = seen.filter(|seen| seen.stamp == stamp) {
            return Ok(seen.sha256);
        }
        let sha256 = file::sha256_of(&self.path)?;
        self.note(&Seen { stamp, sha256: sha256.clone() });
        Ok(sha256)
    }

    /// What cannot be noted is hashed again.
    fn note(&self, seen: &Seen) {
        let text = serde_json::to_vec(seen).expect("plain data is JSON");
        let noted = file::create_dir(self.seen.parent().unwrap_or(Path::new(".")))
            .and_then(|()| file::write_atomic(&self.seen, &text, 0o600));
        if let Err(error) = noted {
            tracing::debug!(%error, "not noted");
        }
    }

    /// Puts a release there. It is a copy: people write over this file, and over those of machines
    /// that are linked to it, and the cache must not change with them.
    async fn fill(&self, desk: &Desk<'_>, releases: &Releases, latest: &Release) -> Result<Image> {
        let iso = desk.of_release(releases, latest, &self.path).await?;
        let from = desk.isos.path(&iso);
        file::copy(&from, &self.path).map_err(|error| {
            Error::from(error).context(format!("cannot write `{}`", self.path.display()))
        })?;
        if let Ok(stamp) = file::stamp(&self.path) {
            self.note(&Seen { stamp, sha256: iso.sha256 });
        }
        Ok(self.image(iso.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_image_is_out_of_date() {
        assert!(is_current("v18.09.4", "v18.09.4") && is_current("v24.0.5", "v19.03.12"));
        assert!(!is_current("v18.09.4", "v19.03.12") && !is_current("v9.0.0", "v18.09.4"));
        assert!(!is_current("B2D", "v18.09.4"));
    }
}
