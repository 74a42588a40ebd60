use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use machine_driver::download::{Download, DownloadError};
use machine_driver::{Progress, file, http};

use super::AptError;

/// The directory of downloaded files, shared by builds and processes, of which one at a time holds
/// it. A file has its hash in its name, and is hashed again each time it is taken out. An
/// interrupted download stays as `NAME.part`, from where the next build carries on.
pub(super) struct Cache {
    dir: PathBuf,
    client: reqwest::Client,
    _lock: File,
}

/// A file that an index vouches for.
pub(super) struct Wanted<'a> {
    /// In the cache.
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    /// In lower-case hexadecimal.
    pub(super) sha256: &'a str,
    /// In bytes.
    pub(super) size: u64,
}

/// An index that is larger is none.
const FRESH_LIMIT: usize = 16 << 20;

impl Cache {
    pub(super) async fn open(
        dir: &Path,
        proxy: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Self, AptError> {
        let failed = |source| AptError::Cache { path: dir.to_owned(), source };
        file::create_dir(dir).map_err(failed)?;
        let client = http::client_through(proxy)
            .map_err(|error| failed(io::Error::other(error.to_string())))?;
        let waiting = || progress.line("Waiting for another build that uses the package cache...");
        let lock = file::lock(&dir.join(".lock"), waiting).await.map_err(failed)?;
        Ok(Self { dir: dir.to_owned(), client, _lock: lock })
    }

    /// A small file that changes: always from the network.
    pub(super) async fn fresh(&self, url: &str) -> Result<Vec<u8>, AptError> {
        let get = || async {
            let mut response = self.client.get(url).send().await?.error_for_status()?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > FRESH_LIMIT {
                    break;
                }
            }
            Ok(body)
        };
        let mut body = http::with_retry(get).await;
        // A body that ends early is worth another try too.
        if body.as_ref().is_err_and(reqwest::Error::is_decode) {
            body = http::with_retry(get).await;
        }
        let body = body.map_err(|error| DownloadError::of(url, error))?;
        if body.len() > FRESH_LIMIT {
            let why = format!("it is longer than {FRESH_LIMIT} bytes");
            return Err(AptError::NotSigned { file: url.to_owned(), why });
        }
        Ok(body)
    }

    /// The file, from the cache or from the network. `report` is told how many bytes are there.
    pub(super) async fn file(
        &self,
        wanted: &Wanted<'_>,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<PathBuf, AptError> {
        let path = self.dir.join(wanted.name);
        if path.exists() {
            let found = file::sha256_of(&path).map_err(cache_error(&path))?;
            if found != wanted.sha256 {
                let expected = wanted.sha256.to_owned();
                return Err(AptError::Tampered { path, expected, found });
            }
            report(wanted.size);
            return Ok(path);
        }
        let part = self.dir.join(format!("{}.part", wanted.name));
        let download = Download {
            client: &self.client,
            url: wanted.url,
            size: Some(wanted.size),
            sha256: Some(wanted.sha256),
        };
        download.fetch(&part, &|have, _| report(have)).await?;
        fs::rename(&part, &path).map_err(cache_error(&part))?;
        Ok(path)
    }
}

fn cache_error(path: &Path) -> impl Fn(io::Error) -> AptError + use<'_> {
    move |source| AptError::Cache { path: path.to_owned(), source }
}
