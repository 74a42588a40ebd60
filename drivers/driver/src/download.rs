//! Downloads over bad lines: begun again where they stopped, and checked before they are used.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};

use crate::{Error, file, http};

/// A file somewhere, and what is known of it.
pub struct Download<'a> {
    pub client: &'a reqwest::Client,
    pub url: &'a str,
    /// In bytes.
    pub size: Option<u64>,
    /// In lower-case hexadecimal.
    pub sha256: Option<&'a str>,
}

/// Told how many bytes are there, and of how many.
pub type Report<'a> = dyn Fn(u64, Option<u64>) + Sync + 'a;

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("cannot fetch `{url}`")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("`{url}` answered {status}{}", again(*retry_after))]
    Status { url: String, status: u16, retry_after: Option<Duration> },
    #[error("`{url}` ended after {have}{} bytes", of(*size))]
    Cut { url: String, have: u64, size: Option<u64> },
    #[error("`{url}` is not what it should be: {why}")]
    WrongContent { url: String, why: String },
    #[error("cannot write `{}`", path.display())]
    File { path: PathBuf, source: io::Error },
}

/// So often in a row a transfer may bring next to nothing.
const TRIES: u32 = 4;

/// A transfer that brings this much is worth going on with, however often the line breaks.
const ADVANCE: u64 = 1 << 20;

/// How long a server may be silent, or may ask us to stay away.
const PATIENCE: Duration = Duration::from_secs(120);

impl Download<'_> {
    /// Leaves the whole file at `part`, with what is known of it proved, and returns its SHA-256.
    ///
    /// What an earlier call left at `part` is gone on with, if it is proved to be a beginning of the
    /// file: by the hash in the end, or by the server (`If-Range`, RFC 9110 section 13.1.5), whose
    /// mark for the file is kept as `PART.mark`. After a failure `part` is there if it is of use.
    pub async fn fetch(&self, part: &Path, report: &Report<'_>) -> Result<String, DownloadError> {
        let result = self.verified(part, report).await;
        let resumable = match &result {
            Ok(_) | Err(DownloadError::WrongContent { .. }) => false,
            Err(_) => fs::metadata(part).is_ok_and(|part| part.len() > 0),
        };
        if !resumable {
            fs::remove_file(mark_of(part)).ok();
        }
        if !resumable && result.is_err() {
            fs::remove_file(part).ok();
        }
        result
    }

    async fn verified(&self, part: &Path, report: &Report<'_>) -> Result<String, DownloadError> {
        let failed = file_error(part);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut target = options.open(part).map_err(&failed)?;
        let mut resumed = target.seek(SeekFrom::End(0)).map_err(&failed)? > 0;
        loop {
            self.complete(&mut target, part, report).await?;
            target.sync_all().map_err(&failed)?;
            let found = file::sha256_of(part).map_err(&failed)?;
            match self.sha256 {
                Some(expected) if found != expected => {
                    if !resumed {
                        return Err(
                            self.wrong(format!("its SHA-256 is {found} instead of {expected}"))
                        );
                    }
                    // What an earlier call left was no beginning of this file.
                    resumed = false;
                    target.set_len(0).map_err(&failed)?;
                }
                _ => return Ok(found),
            }
        }
    }

    /// Appends what is missing, again after a failure that may pass.
    async fn complete(
        &self,
        target: &mut File,
        part: &Path,
        report: &Report<'_>,
    ) -> Result<(), DownloadError> {
        let failed = file_error(part);
        let mut have = target.seek(SeekFrom::End(0)).map_err(&failed)?;
        let mut mark = fs::read_to_string(mark_of(part)).ok();
        let no_beginning = self.sha256.is_none() && mark.is_none();
        if no_beginning || self.size.is_some_and(|size| have > size) {
            target.set_len(0).map_err(&failed)?;
            have = 0;
        }
        let mut failures = 0;
        loop {
            if self.size == Some(have) {
                return Ok(());
            }
            let before = have;
            let result = self.transfer(have, &mut mark, target, part, report).await;
            have = target.seek(SeekFrom::End(0)).map_err(&failed)?;
            failures = if have >= before + ADVANCE { 0 } else { failures + 1 };
            let mut pause = Duration::from_millis(200) * failures;
            let error = match result {
                Ok(()) => return Ok(()),
                Err(error @ (DownloadError::File { .. } | DownloadError::WrongContent { .. })) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            if let DownloadError::Status { retry_after: Some(wish), .. } = &error {
                pause = pause.max(*wish);
            }
            if failures >= TRIES || !error.may_pass() || pause > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Fetches the bytes from `have` on, to the end. A server that cannot start in the middle, or
    /// that has another file by now, sends all: then the target is begun anew.
    async fn transfer(
        &self,
        mut have: u64,
        mark: &mut Option<String>,
        target: &mut File,
        part: &Path,
        report: &Report<'_>,
    ) -> Result<(), DownloadError> {
        let failed = file_error(part);
        let mut request = self.client.get(self.url);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
            if let Some(mark) = mark {
                request = request.header(IF_RANGE, mark.as_str());
            }
        }
        let response = request.send().await.map_err(|error| self.broken(error, have, None))?;
        if have > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            if content_range(&response) == Some(format!("bytes */{have}")) && self.size.is_none() {
                return Ok(());
            }
            // The server's file ends before ours does: one of them is another file.
            target.set_len(0).map_err(&failed)?;
            return Err(DownloadError::Cut { url: self.url.to_owned(), have, size: self.size });
        }
        let mut response = self.check_status(response)?;
        if have > 0 && !continues_at(&response, have) {
            target.set_len(0).map_err(&failed)?;
            have = 0;
        }
        if self.sha256.is_none() {
            *mark = remember(&response, part).map_err(&failed)?;
        }
        let announced = response.content_length().map(|length| have + length);
        if let (Some(size), Some(announced)) = (self.size, announced)
            && size != announced
        {
            return Err(self.wrong(format!("it has {announced} bytes instead of {size}")));
        }
        let size = self.size.or(announced);
        target.seek(SeekFrom::Start(have)).map_err(&failed)?;
        report(have, size);
        let mut slow = Slow::from(have);
        while let Some(chunk) =
            response.chunk().await.map_err(|error| self.broken(error, have, size))?
        {
            have += chunk.len() as u64;
            if let Some(size) = self.size.filter(|size| have > *size) {
                return Err(self.wrong(format!("it has more than {size} bytes")));
            }
            target.write_all(&chunk).map_err(&failed)?;
            report(have, size);
            if slow.stands_still(have) {
                break;
            }
        }
        match size {
            Some(size) if have < size => {
                Err(DownloadError::Cut { url: self.url.to_owned(), have, size: Some(size) })
            }
            None if slow.stood_still => {
                Err(DownloadError::Cut { url: self.url.to_owned(), have, size: None })
            }
            _ => Ok(()),
        }
    }

    fn check_status(&self, response: Response) -> Result<Response, DownloadError> {
        if response.status().is_success() {
            return Ok(response);
        }
        Err(DownloadError::Status {
            url: self.url.to_owned(),
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        })
    }

    /// A body that ends early is an error of decoding to the client.
    fn broken(&self, error: reqwest::Error, have: u64, size: Option<u64>) -> DownloadError {
        match error.is_decode() {
            true => DownloadError::Cut { url: self.url.to_owned(), have, size },
            false => DownloadError::of(self.url, error),
        }
    }

    fn wrong(&self, why: String) -> DownloadError {
        DownloadError::WrongContent { url: self.url.to_owned(), why }
    }
}

impl DownloadError {
    /// What the client says of a request for `url`.
    pub fn of(url: &str, error: reqwest::Error) -> Self {
        let url = url.to_owned();
        match error.status() {
            Some(status) => Self::Status { url, status: status.as_u16(), retry_after: None },
            None => Self::Unreachable { url, source: error.without_url() },
        }
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Unreachable { source, .. } => http::may_pass(source),
            Self::Cut { .. } => true,
            Self::WrongContent { .. } | Self::File { .. } => false,
        }
    }
}

impl From<DownloadError> for Error {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::File { path, source } => {
                Self::from(source).context(format!("cannot write `{}`", path.display()))
            }
            error => Self::other("the download failed").caused_by(error),
        }
    }
}

/// How long the server asks us to wait, where it says so in seconds.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Notices a server that trickles, so that no single read takes too long and the whole never ends.
struct Slow {
    since: Instant,
    next: u64,
    stood_still: bool,
}

impl Slow {
    const STEP: u64 = 1 << 16;

    fn from(have: u64) -> Self {
        Self { since: Instant::now(), next: have + Self::STEP, stood_still: false }
    }

    fn stands_still(&mut self, have: u64) -> bool {
        if have >= self.next {
            (self.since, self.next) = (Instant::now(), have + Self::STEP);
        }
        self.stood_still = self.since.elapsed() > PATIENCE;
        self.stood_still
    }
}

/// Keeps the server's mark for the file that it sends, for the day when the line breaks. A weak mark
/// is none: two files that have it in common may differ.
fn remember(response: &Response, part: &Path) -> io::Result<Option<String>> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let strong = header(ETAG).filter(|mark| !mark.starts_with("W/"));
    let mark = strong.or_else(|| header(LAST_MODIFIED)).map(str::to_owned);
    match &mark {
        Some(mark) => file::write_atomic(&mark_of(part), mark.as_bytes(), 0o600)?,
        None => drop(fs::remove_file(mark_of(part))),
    }
    Ok(mark)
}

fn mark_of(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".mark");
    name.into()
}

fn content_range(response: &Response) -> Option<String> {
    Some(response.headers().get(CONTENT_RANGE)?.to_str().ok()?.to_owned())
}

fn continues_at(response: &Response, have: u64) -> bool {
    response.status() == StatusCode::PARTIAL_CONTENT
        && content_range(response).is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> DownloadError + use<'_> {
    move |source| DownloadError::File { path: path.to_owned(), source }
}

fn again(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wish| {
        format!(", and wants to be asked again in {} s", wish.as_secs())
    })
}

fn of(size: Option<u64>) -> String {
    size.map_or_else(String::new, |size| format!(" of {size}"))
}
