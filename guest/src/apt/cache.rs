use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use machine_driver::{file, http};
use sha2::{Digest, Sha256};

use super::AptError;

/// The directory of downloaded files, shared by builds and processes. A file has its hash in its
/// name, and is hashed again each time it is taken out.
pub(super) struct Cache {
    dir: PathBuf,
    client: reqwest::Client,
}

impl Cache {
    pub(super) fn open(dir: &Path, proxy: Option<&str>) -> Result<Self, AptError> {
        let failed = |source| AptError::Cache { path: dir.to_owned(), source };
        file::create_dir(dir).map_err(failed)?;
        let client = http::client_through(proxy)
            .map_err(|error| failed(io::Error::other(error.to_string())))?;
        Ok(Self { dir: dir.to_owned(), client })
    }

    /// A small file that changes: always from the network.
    pub(super) async fn fresh(&self, url: &str) -> Result<Vec<u8>, AptError> {
        let get = || async { self.client.get(url).send().await?.error_for_status()?.bytes().await };
        let bytes = http::with_retry(get).await.map_err(|error| fetch_error(url, error))?;
        Ok(bytes.to_vec())
    }

    /// The file with this hash, downloaded if it is not there, an interrupted download carried on.
    /// `report` is told the bytes as they come; all of them at once if the file was there.
    pub(super) async fn file(
        &self,
        name: &str,
        url: &str,
        sha256: &str,
        size: u64,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<PathBuf, AptError> {
        let path = self.dir.join(name);
        if path.exists() {
            check(&path, sha256)?;
            report(size);
            return Ok(path);
        }
        let part = self.dir.join(format!("{name}.part"));
        let failed = |source| AptError::Cache { path: part.clone(), source };
        let mut target = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&part)
            .map_err(failed)?;
        // Another process may be downloading the same file: whoever comes second finds it done.
        while target.try_lock().is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        if path.exists() {
            check(&path, sha256)?;
            report(size);
            return Ok(path);
        }
        self.download(url, size, &mut target, &part, report).await?;
        target.sync_all().map_err(failed)?;
        if let Err(error) = check(&part, sha256) {
            // What is wrong is of no use to the next try; the error still names its source.
            fs::remove_file(&part).ok();
            return Err(named(error, url));
        }
        fs::rename(&part, &path).map_err(failed)?;
        Ok(path)
    }

    async fn download(
        &self,
        url: &str,
        size: u64,
        target: &mut File,
        part: &Path,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AptError> {
        let failed = |source| AptError::Cache { path: part.to_owned(), source };
        let mut have = target.seek(SeekFrom::End(0)).map_err(failed)?;
        if have >= size {
            target.set_len(0).map_err(failed)?;
            have = target.seek(SeekFrom::Start(0)).map_err(failed)?;
        }
        let mut tries = 3;
        loop {
            let result = self.stream(url, have, target, report).await;
            have = target.seek(SeekFrom::End(0)).map_err(failed)?;
            match result {
                Ok(()) => return Ok(()),
                Err(Broken::Local(source)) => return Err(failed(source)),
                Err(Broken::Remote(error)) if tries == 0 || error.is_status() => {
                    return Err(fetch_error(url, error));
                }
                Err(Broken::Remote(_)) => tries -= 1,
            }
        }
    }

    async fn stream(
        &self,
        url: &str,
        have: u64,
        target: &mut File,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Broken> {
        let mut request = self.client.get(url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let response = request.send().await.and_then(reqwest::Response::error_for_status);
        let response = response.map_err(Broken::Remote)?;
        if have > 0 && response.status() != reqwest::StatusCode::PARTIAL_CONTENT {
            target.set_len(0).and_then(|()| target.rewind()).map_err(Broken::Local)?;
        } else {
            report(have);
        }
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(Broken::Remote)?;
            target.write_all(&chunk).map_err(Broken::Local)?;
            report(chunk.len() as u64);
        }
        Ok(())
    }
}

enum Broken {
    Remote(reqwest::Error),
    Local(io::Error),
}

/// Compares a file's SHA-256 with what it should be.
fn check(path: &Path, expected: &str) -> Result<(), AptError> {
    let failed = |source| AptError::Cache { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let found = file::hex(&hash.finalize());
    if found == expected {
        return Ok(());
    }
    let (file, expected) = (path.display().to_string(), expected.to_owned());
    Err(AptError::Tampered { file, expected, found })
}

fn named(error: AptError, url: &str) -> AptError {
    match error {
        AptError::Tampered { expected, found, .. } => {
            AptError::Tampered { file: url.to_owned(), expected, found }
        }
        other => other,
    }
}

fn fetch_error(url: &str, error: reqwest::Error) -> AptError {
    let url = url.to_owned();
    match error.status() {
        Some(status) => AptError::Status { url, status: status.as_u16() },
        None => AptError::Unreachable { url, source: error.without_url() },
    }
}
