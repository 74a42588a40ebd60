use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::{Progress, file, http};
use sha2::{Digest, Sha256};

use super::AptError;
use super::transfer::{Broken, transfer};

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
        let lock = dir.join(".lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock);
        let lock = lock.map_err(failed)?;
        let mut said = false;
        while let Err(error) = lock.try_lock() {
            if let fs::TryLockError::Error(source) = error {
                return Err(failed(source));
            }
            if !said {
                progress.line("Waiting for another build that uses the package cache...");
                said = true;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
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
        let body = body.map_err(|error| fetch_error(url, error))?;
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
            let found = hash(&path)?;
            if found != wanted.sha256 {
                let expected = wanted.sha256.to_owned();
                return Err(AptError::Tampered { path, expected, found });
            }
            report(wanted.size);
            return Ok(path);
        }
        let part = self.dir.join(format!("{}.part", wanted.name));
        let result = self.download(wanted, &part, report).await;
        let resumable = match &result {
            Ok(()) => return fs::rename(&part, &path).map(|()| path).map_err(cache_error(&part)),
            Err(AptError::WrongContent { .. }) => false,
            Err(_) => fs::metadata(&part).is_ok_and(|part| part.len() > 0),
        };
        if !resumable {
            fs::remove_file(&part).ok();
        }
        result.map(|()| path)
    }

    /// Leaves the whole file, verified, at `part`.
    async fn download(
        &self,
        wanted: &Wanted<'_>,
        part: &Path,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AptError> {
        let failed = cache_error(part);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut target = options.open(part).map_err(&failed)?;
        let mut resumed = target.seek(SeekFrom::End(0)).map_err(&failed)? > 0;
        loop {
            self.complete(wanted, &mut target, part, report).await?;
            target.sync_all().map_err(&failed)?;
            let found = hash(part)?;
            if found == wanted.sha256 {
                return Ok(());
            }
            if !resumed {
                let why = format!("its SHA-256 is {found} instead of {}", wanted.sha256);
                return Err(AptError::WrongContent { url: wanted.url.to_owned(), why });
            }
            // What an earlier build left was no beginning of this file.
            resumed = false;
            target.set_len(0).map_err(&failed)?;
        }
    }

    /// Appends what is missing, again after a failure that may pass.
    async fn complete(
        &self,
        wanted: &Wanted<'_>,
        target: &mut File,
        part: &Path,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AptError> {
        let failed = cache_error(part);
        let mut have = target.seek(SeekFrom::End(0)).map_err(&failed)?;
        if have > wanted.size {
            target.set_len(0).map_err(&failed)?;
            have = 0;
        }
        let mut failures = 0;
        while have < wanted.size {
            let before = have;
            let result = transfer(&self.client, wanted.url, have..wanted.size, target, report);
            let result = result.await;
            have = target.seek(SeekFrom::End(0)).map_err(&failed)?;
            // As long as a bad line brings something, it is worth going on.
            let advanced = have >= before + (1 << 20);
            failures = if advanced { 0 } else { failures + 1 };
            let error = match result {
                Ok(()) => continue,
                Err(Broken::Local(source)) => return Err(failed(source)),
                Err(Broken::Content(why)) => {
                    return Err(AptError::WrongContent { url: wanted.url.to_owned(), why });
                }
                Err(Broken::Cut) => {
                    AptError::Cut { url: wanted.url.to_owned(), have, size: wanted.size }
                }
                Err(Broken::Remote(error)) => {
                    let last = !http::may_pass(&error) && !error.is_decode();
                    let error = fetch_error(wanted.url, error);
                    if last {
                        return Err(error);
                    }
                    error
                }
            };
            if failures > 3 {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(200 * failures)).await;
        }
        Ok(())
    }
}

/// The SHA-256 of a file.
fn hash(path: &Path) -> Result<String, AptError> {
    let failed = cache_error(path);
    let mut file = File::open(path).map_err(&failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(&failed)?;
        if read == 0 {
            return Ok(file::hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

fn cache_error(path: &Path) -> impl Fn(io::Error) -> AptError + use<'_> {
    move |source| AptError::Cache { path: path.to_owned(), source }
}

fn fetch_error(url: &str, error: reqwest::Error) -> AptError {
    let url = url.to_owned();
    match error.status() {
        Some(status) => AptError::Status { url, status: status.as_u16() },
        None => AptError::Unreachable { url, source: error.without_url() },
    }
}
