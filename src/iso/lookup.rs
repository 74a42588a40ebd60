//! Asking a server for its releases.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::{Error, ErrorKind, Result, download, file, http};
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::releases::is_tag;

/// Who asks, and where the answers are kept.
pub(super) struct Lookup<'a> {
    pub(super) client: &'a reqwest::Client,
    pub(super) token: Option<&'a str>,
    /// Answers, each with the server's mark for it, so that asking again costs nothing of what
    /// GitHub allows: one that still holds is a short "not modified".
    pub(super) dir: PathBuf,
    /// An answer that was given since then, to somebody who asked before us, need not be had again.
    pub(super) since: SystemTime,
}

/// What a server says of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Release {
    pub(super) tag: String,
    /// Of its `boot2docker.iso`, in lower-case hexadecimal, if it is said.
    pub(super) sha256: Option<String>,
    /// In bytes.
    pub(super) size: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    etag: Option<String>,
    /// Milliseconds since 1970.
    given: u64,
    release: Release,
}

const DEADLINE: Duration = Duration::from_secs(30);

/// If a server asks us to wait longer than this, we do without its answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Lookup<'_> {
    /// The release that `url` describes: `…/releases/latest` or `…/releases/tags/TAG`.
    pub(super) async fn release(&self, url: &str) -> Result<Release> {
        let path = self.dir.join(format!("{}.json", file::sha256_hex(url.as_bytes())));
        let kept: Option<Answer> =
            fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(kept) = &kept
            && kept.given >= milliseconds(self.since)
        {
            return Ok(kept.release.clone());
        }
        let etag = kept.as_ref().and_then(|kept| kept.etag.clone());
        let response = self.ask(url, etag.as_deref()).await?;
        let given = milliseconds(SystemTime::now());
        if response.status() == StatusCode::NOT_MODIFIED
            && let Some(kept) = kept
        {
            let answer = Answer { given, ..kept };
            keep(&path, &answer);
            return Ok(answer.release);
        }
        let etag = header(response.headers(), ETAG.as_str());
        let body = response.bytes().await.map_err(|error| failed(url, error))?;
        let release = read(url, &body)?;
        keep(&path, &Answer { etag, given, release: release.clone() });
        Ok(release)
    }

    async fn ask(&self, url: &str, etag: Option<&str>) -> Result<Response> {
        let mut pauses = [300, 900].map(Duration::from_millis).into_iter();
        loop {
            let send = || async {
                let mut request = self.client.get(url).timeout(DEADLINE);
                request = request.header(ACCEPT, "application/vnd.github+json");
                if let Some(etag) = etag {
                    request = request.header(IF_NONE_MATCH, etag);
                }
                if let Some(bearer) = self.bearer(url) {
                    request = request.header(AUTHORIZATION, bearer);
                }
                request.send().await
            };
            let response = http::with_retry(send).await.map_err(|error| failed(url, error))?;
            let status = response.status();
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let wish = download::retry_after(response.headers()).unwrap_or_default();
            let may_pass = matches!(status.as_u16(), 408 | 429 | 500..) && wish <= PATIENCE;
            match pauses.next().filter(|_| may_pass) {
                Some(pause) => tokio::time::sleep(pause.max(wish)).await,
                None => return Err(self.refusal(url, &response)),
            }
        }
    }

    /// The token goes to whom the user named, encrypted or to this computer only. Redirects to
    /// another host do not get it: the client takes such headers away.
    fn bearer(&self, url: &str) -> Option<HeaderValue> {
        let host = reqwest::Url::parse(url).ok()?.host_str()?.to_owned();
        let local = ["127.0.0.1", "localhost", "[::1]"].contains(&host.as_str());
        if !url.starts_with("https://") && !local {
            return None;
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.token?)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn refusal(&self, url: &str, response: &Response) -> Error {
        let status = response.status().as_u16();
        let headers = response.headers();
        let error = |kind| Error::new(kind, format!("`{url}` answered {status}"));
        let spent = header(headers, "x-ratelimit-remaining").as_deref() == Some("0");
        match status {
            404 => error(ErrorKind::NotFound),
            401 => error(ErrorKind::Other)
                .hint("is the token of `--github-api-token` or `MACHINE_GITHUB_API_TOKEN` right?"),
            403 | 429 if spent || status == 429 || self.token.is_none() => {
                let until = header(headers, "x-ratelimit-reset")
                    .and_then(|reset| reset.parse::<u64>().ok())
                    .map(|reset| reset.saturating_sub(milliseconds(SystemTime::now()) / 1000) / 60);
                let until = until.map_or_else(String::new, |minutes| {
                    format!(" for another {} min", minutes + 1)
                });
                error(ErrorKind::Other)
                    .caused_by(format!("it allows no more questions from this address{until}"))
                    .hint(
                        "with a token it allows more: `--github-api-token TOKEN` before the command, \
                         or `MACHINE_GITHUB_API_TOKEN`",
                    )
                    .hint(
                        "no question is asked for a version: `--virtualbox-boot2docker-url \
                         v19.03.12`, or `MACHINE_DEFAULT_IMAGE=v19.03.12`",
                    )
            }
            _ => error(ErrorKind::Other),
        }
    }
}

/// GitHub's form of a release, <https://docs.github.com/en/rest/releases/releases>.
#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    tag_name: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    size: Option<u64>,
    /// `sha256:HEX`, of what was uploaded since 2025.
    digest: Option<String>,
}

/// boot2docker's notes carry what `sha256sum boot2docker.iso` printed. Where the server has computed
/// a hash too, both must be the same: a wrong ISO was uploaded once (boot2docker#1251).
fn read(url: &str, body: &[u8]) -> Result<Release> {
    let release: Described = serde_json::from_slice(body).map_err(|error| {
        Error::other(format!("`{url}` does not describe a release")).caused_by(error)
    })?;
    if !is_tag(&release.tag_name) {
        // docker-machine's words, which people search for.
        return Err(Error::other(
            "failure getting a version tag from the Github API response (are you getting rate \
             limited by Github?)",
        ));
    }
    let asset = release.assets.into_iter().find(|asset| asset.name == "boot2docker.iso");
    let size = asset.as_ref().and_then(|asset| asset.size);
    let computed =
        asset.and_then(|it| it.digest).and_then(|digest| hash(digest.strip_prefix("sha256:")?));
    let noted = release.body.as_deref().and_then(noted);
    if let (Some(computed), Some(noted)) = (&computed, &noted)
        && computed != noted
    {
        return Err(Error::other(format!("`{url}` contradicts itself"))
            .caused_by(format!(
                "its notes say that the ISO's SHA-256 is {noted}, and it has {computed}"
            ))
            .hint("take another release"));
    }
    Ok(Release { tag: release.tag_name, sha256: computed.or(noted), size })
}

fn noted(body: &str) -> Option<String> {
    body.lines().find_map(|line| {
        let (word, name) = line.split_once(char::is_whitespace)?;
        (name.trim().trim_start_matches('*') == "boot2docker.iso").then(|| hash(word)).flatten()
    })
}

fn hash(word: &str) -> Option<String> {
    let is_hash = word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| word.to_ascii_lowercase())
}

/// An answer that cannot be kept is asked for again.
fn keep(path: &Path, answer: &Answer) {
    let text = serde_json::to_vec(answer).expect("plain data is JSON");
    let kept = path.parent().map_or(Ok(()), file::create_dir);
    if let Err(error) = kept.and_then(|()| file::write_atomic(path, &text, 0o600)) {
        tracing::debug!(%error, "the answer is not kept");
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn failed(url: &str, error: reqwest::Error) -> Error {
    Error::other(format!("cannot ask `{url}`")).caused_by(error.without_url())
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e8794ba5fd4f89cb0db46c20ef5877947d29068027f438df34ce218dd362ad10";

    /// The form of boot2docker's notes.
    fn described(noted: &str, digest: &str) -> Vec<u8> {
        let body = format!(
            "- Docker v18.09.4\r\n\r\n```console\r\n$ sha512sum boot2docker.iso\r\n{noted}{noted}  \
             boot2docker.iso\r\n$ sha256sum boot2docker.iso\r\n{noted}  boot2docker.iso\r\n$ md5sum \
             boot2docker.iso\r\n7b84  boot2docker.iso\r\n```"
        );
        let asset = serde_json::json!({"name": "boot2docker.iso", "size": 7, "digest": digest});
        serde_json::to_vec(
            &serde_json::json!({"tag_name": "v18.09.4", "body": body, "assets": [asset]}),
        )
        .unwrap()
    }

    #[test]
    fn the_hash_is_the_servers_and_the_notes() {
        let other = "0".repeat(64);
        let whole = |digest: &str| read("u", &described(HASH, digest));
        let expected = Release { tag: "v18.09.4".into(), sha256: Some(HASH.into()), size: Some(7) };
        assert_eq!(whole("").unwrap(), expected);
        assert_eq!(whole(&format!("sha256:{HASH}")).unwrap(), expected);
        assert_eq!(whole(&format!("sha512:{HASH}")).unwrap(), expected);
        let error = whole(&format!("sha256:{other}")).unwrap_err();
        assert!(error.to_string().contains("contradicts itself"), "{error}");
        let bare = read("u", br#"{"tag_name": "v1"}"#).unwrap();
        assert_eq!((bare.tag.as_str(), bare.sha256, bare.size), ("v1", None, None));
        for wrong in ["{}", r#"{"tag_name": "../x"}"#, r#"{"message": "limit"}"#, "<html>"] {
            read("u", wrong.as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn a_token_is_not_sent_in_the_clear() {
        let client = reqwest::Client::new();
        let since = SystemTime::now();
        let lookup = Lookup { client: &client, token: Some("t"), dir: PathBuf::new(), since };
        for (url, sent) in [
            ("https://api.github.com/x", true),
            ("http://127.0.0.1:1/x", true),
            ("http://mirror.example/x", false),
        ] {
            assert_eq!(lookup.bearer(url).is_some(), sent, "{url}");
        }
    }
}
