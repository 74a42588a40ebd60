//! `InRelease` and the indices that it vouches for.

use std::io::Read;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::cache::{Cache, Wanted};
use super::control::{Stanza, stanzas};
use super::{AptError, Repo};

/// A verified `InRelease`.
pub(super) struct Release {
    /// Where it came from.
    url: String,
    /// What stands before the names of its files.
    base: String,
    suite: String,
    text: String,
}

/// The forms of `Packages`, the one to be preferred first. Debian has xz; some makers of small
/// repositories only have the others.
const FORMS: [&str; 3] = [".xz", ".gz", ""];

impl Release {
    /// The index of a repository, if one of its keys has signed it and it is of today. `None` for
    /// an optional suite that the archive does not have.
    pub(super) async fn fetch(cache: &Cache, repo: &Repo) -> Result<Option<Self>, AptError> {
        let base = format!("{}/dists/{}", repo.url.trim_end_matches('/'), repo.suite);
        let url = format!("{base}/InRelease");
        let signed = match cache.fresh(&url).await {
            Err(error) if error.is_missing() && repo.optional => return Ok(None),
            result => result?,
        };
        let text = repo.keys.signed_text(&url, &signed)?;
        let release = Self { url, base, suite: repo.suite.clone(), text };
        release.check(OffsetDateTime::now_utc())?;
        Ok(Some(release))
    }

    /// The text of one component's `Packages`.
    pub(super) async fn packages(
        &self,
        cache: &Cache,
        component: &str,
        architecture: &str,
    ) -> Result<String, AptError> {
        let stanza = self.stanza()?;
        let dir = format!("{component}/binary-{architecture}");
        let (form, sha256, size) = FORMS
            .iter()
            .find_map(|form| {
                let (hash, size) = listed(&stanza, &format!("{dir}/Packages{form}"))?;
                Some((form, hash, size))
            })
            .ok_or_else(|| self.wrong(&format!("it does not list `{dir}/Packages`")))?;
        let plain = format!("{}/{dir}/Packages{form}", self.base);
        let by_hash = format!("{}/{dir}/by-hash/SHA256/{sha256}", self.base);
        let name = format!("Packages_{sha256}{form}");
        let fetch = async |url: &str| {
            cache.file(&Wanted { name: &name, url, sha256: &sha256, size }, &|_bytes| {}).await
        };
        let path = if stanza.get("Acquire-By-Hash") == Some("yes") {
            match fetch(&by_hash).await {
                // A mirror that is behind in this. What it has under the plain name is checked
                // against the same hash.
                Err(error) if error.is_missing() => fetch(&plain).await?,
                result => result?,
            }
        } else {
            fetch(&plain).await?
        };
        unpacked(&path, form)
    }

    /// An old but well-signed index must not pass for a current one, nor one suite for another.
    fn check(&self, now: OffsetDateTime) -> Result<(), AptError> {
        let stanza = self.stanza()?;
        let names = [stanza.get("Codename"), stanza.get("Suite")];
        if !names.contains(&Some(&self.suite)) {
            let names: Vec<_> = names.into_iter().flatten().collect();
            return Err(self.wrong(&format!("it says `{}`", names.join("`, `"))));
        }
        let Some(text) = stanza.get("Valid-Until") else { return Ok(()) };
        // Debian writes `UTC` where RFC 2822 has `+0000` or `GMT`.
        let until = OffsetDateTime::parse(&text.replace("UTC", "+0000"), &Rfc2822)
            .map_err(|error| self.wrong(&format!("`{text}` is no date: {error}")))?;
        if until < now {
            return Err(AptError::Expired { file: self.url.clone(), until: text.to_owned() });
        }
        Ok(())
    }

    fn stanza(&self) -> Result<Stanza<'_>, AptError> {
        stanzas(&self.text).next().ok_or_else(|| self.wrong("it is empty"))
    }

    fn wrong(&self, why: &str) -> AptError {
        let (file, suite) = (self.url.clone(), self.suite.clone());
        AptError::WrongRelease { file, suite, why: why.to_owned() }
    }
}

/// A SHA-256 in hexadecimal, in lower case.
pub(super) fn hash(text: &str) -> Option<String> {
    let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| text.to_ascii_lowercase())
}

/// The hash and size of a file in the `SHA256` field.
fn listed(release: &Stanza<'_>, name: &str) -> Option<(String, u64)> {
    let words = release.words("SHA256");
    let entry = words.chunks_exact(3).find(|entry| entry[2] == name)?;
    Some((hash(entry[0])?, entry[1].parse().ok()?))
}

fn unpacked(path: &Path, form: &str) -> Result<String, AptError> {
    let failed = |source| AptError::Cache { path: path.to_owned(), source };
    let packed = std::fs::read(path).map_err(failed)?;
    let mut reader: Box<dyn Read> = match form {
        ".xz" => Box::new(lzma_rust2::XzReader::new(packed.as_slice(), true)),
        ".gz" => Box::new(flate2::read::MultiGzDecoder::new(packed.as_slice())),
        _ => Box::new(packed.as_slice()),
    };
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
