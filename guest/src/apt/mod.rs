//! Packages from a Debian archive, without Debian's tools: signed indices, then each package by
//! its hash, into a cache that builds share.
//!
//! The chain of trust: a key that is compiled in signs `InRelease`, which names the SHA-256 of each
//! `Packages` index, which names the SHA-256 of each package. Everything is checked before use,
//! also what comes out of the cache.

mod apt_conf;
mod archive;
mod cache;
mod control;
mod deb;
mod error;
mod keys;
mod mirror;
mod release;
mod version;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::{StreamExt, TryStreamExt, stream};
use machine_driver::Progress;

pub use archive::{Archive, Repo};
pub use deb::unpack;
pub use error::AptError;
pub use keys::Keyring;
pub use mirror::{DEFAULT_MIRROR, Mirror, host_mirror, host_proxy};
pub use version::compare as compare_versions;

use cache::{Cache, Wanted};
use control::Stanza;

/// A package in the cache, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
    pub path: PathBuf,
}

/// A package that an index offers.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: String,
    pub version: String,
    pub sha256: String,
    /// In bytes.
    pub size: u64,
    /// The text of `Depends`.
    pub depends: String,
    url: String,
}

/// How many packages are downloaded at once.
const DOWNLOADS: usize = 6;

/// The newest version of every package that the archive has for its architecture.
pub async fn index(
    archive: &Archive,
    cache_dir: &Path,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, Candidate>, AptError> {
    let cache = Cache::open(cache_dir, archive.proxy.as_deref(), progress).await?;
    let mut newest: BTreeMap<String, Candidate> = BTreeMap::new();
    for repo in &archive.repos {
        progress.line(&format!("Reading {} {}...", repo.url, repo.suite));
        let Some(release) = release::Release::fetch(&cache, repo).await? else {
            progress.line(&format!("{} has no {}: going on without it.", repo.url, repo.suite));
            continue;
        };
        for component in &repo.components {
            let text = release.packages(&cache, component, archive.architecture).await?;
            for candidate in control::stanzas(&text).filter_map(|it| candidate(repo, &it)) {
                let known = newest.get(&candidate.name);
                let newer = known.is_none_or(|known| {
                    version::compare(&candidate.version, &known.version) == Ordering::Greater
                });
                if newer {
                    newest.insert(candidate.name.clone(), candidate);
                }
            }
        }
    }
    Ok(newest)
}

/// Fetches packages, several at once, in the order of `wanted`.
pub async fn fetch(
    archive: &Archive,
    wanted: &[Candidate],
    cache_dir: &Path,
    progress: Arc<dyn Progress>,
) -> Result<Vec<Package>, AptError> {
    let cache = Cache::open(cache_dir, archive.proxy.as_deref(), &*progress).await?;
    let total: u64 = wanted.iter().map(|candidate| candidate.size).sum();
    let done = AtomicU64::new(0);
    stream::iter(wanted)
        .map(async |candidate| {
            let here = AtomicU64::new(0);
            // A download that is begun anew goes back: the difference wraps, and so does the sum.
            let report = |bytes: u64| {
                let more = bytes.wrapping_sub(here.swap(bytes, Relaxed));
                let done = done.fetch_add(more, Relaxed).wrapping_add(more);
                progress.advance("Packages", done, Some(total));
            };
            let file = format!("{}_{}.deb", candidate.name, candidate.sha256);
            let Candidate { url, sha256, size, .. } = candidate;
            let path =
                cache.file(&Wanted { name: &file, url, sha256, size: *size }, &report).await?;
            Ok(Package {
                name: candidate.name.clone(),
                version: candidate.version.clone(),
                sha256: candidate.sha256.clone(),
                path,
            })
        })
        .buffered(DOWNLOADS)
        .try_collect()
        .await
}

/// What a stanza offers; `None` if it lacks something, or if a name in it is none that Debian
/// Policy allows (5.6.1): names become names of files.
fn candidate(repo: &Repo, stanza: &Stanza<'_>) -> Option<Candidate> {
    let name = stanza.get("Package")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if name.starts_with('.') || !name.chars().all(plain) {
        return None;
    }
    Some(Candidate {
        name: name.to_owned(),
        version: stanza.get("Version")?.to_owned(),
        sha256: release::hash(stanza.get("SHA256")?)?,
        size: stanza.get("Size")?.parse().ok()?,
        depends: stanza.get("Depends").unwrap_or_default().to_owned(),
        url: format!("{}/{}", repo.url.trim_end_matches('/'), stanza.get("Filename")?),
    })
}
