use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};

/// Why a transfer ended before its end.
#[derive(Debug)]
pub(super) enum Broken {
    Remote(reqwest::Error),
    Local(io::Error),
    /// The body was shorter than it should be, without saying so.
    Cut,
    /// What is sent cannot be the file.
    Content(String),
}

/// Fetches the bytes `missing` of a file, which reach to its end, and appends them to `target`. A
/// server that cannot start in the middle sends all: then `target` is begun anew.
pub(super) async fn transfer(
    client: &reqwest::Client,
    url: &str,
    missing: Range<u64>,
    target: &mut File,
    report: &(dyn Fn(u64) + Sync),
) -> Result<(), Broken> {
    let size = missing.end;
    let mut have = missing.start;
    let mut request = client.get(url);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request.send().await.map_err(Broken::Remote)?;
    if have > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // The server's file ends before ours does: one of them is another file.
        target.set_len(0).map_err(Broken::Local)?;
        return Err(Broken::Cut);
    }
    let mut response = response.error_for_status().map_err(Broken::Remote)?;
    if have > 0 && !continues_at(&response, have) {
        target.set_len(0).map_err(Broken::Local)?;
        have = 0;
    }
    if let Some(length) = response.content_length()
        && have + length != size
    {
        return Err(Broken::Content(format!("it has {} bytes instead of {size}", have + length)));
    }
    target.seek(SeekFrom::Start(have)).map_err(Broken::Local)?;
    report(have);
    while let Some(chunk) = response.chunk().await.map_err(Broken::Remote)? {
        have += chunk.len() as u64;
        if have > size {
            return Err(Broken::Content(format!("it has more than {size} bytes")));
        }
        target.write_all(&chunk).map_err(Broken::Local)?;
        report(have);
    }
    if have < size { Err(Broken::Cut) } else { Ok(()) }
}

fn continues_at(response: &reqwest::Response, have: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    response.status() == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}
