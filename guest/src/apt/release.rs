//! `InRelease` and the indices that it vouches for.

use std::io::Read;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::cache::Cache;
use super::control::{Stanza, stanzas};
use super::{AptError, Repo};

/// The text of one component's `Packages`, verified from the signature down. Empty for an optional
/// suite that the archive does not have.
pub(super) async fn packages(
    cache: &Cache,
    repo: &Repo,
    component: &str,
    architecture: &str,
) -> Result<String, AptError> {
    let base = format!("{}/dists/{}", repo.url.trim_end_matches('/'), repo.suite);
    let url = format!("{base}/InRelease");
    let signed = match cache.fresh(&url).await {
        Err(AptError::Status { status: 404, .. }) if repo.optional => return Ok(String::new()),
        result => result?,
    };
    let text = verified(&url, &signed, &repo.keys)?;
    let release = stanzas(&text).next().ok_or_else(|| wrong(&url, repo, "it is empty"))?;
    check(&url, repo, &release, OffsetDateTime::now_utc())?;
    let wanted = format!("{component}/binary-{architecture}/Packages.xz");
    let (hash, size) = listed(&release, &wanted)
        .ok_or_else(|| wrong(&url, repo, &format!("it does not list `{wanted}`")))?;
    let index_url = match release.get("Acquire-By-Hash") {
        Some("yes") => format!("{base}/{component}/binary-{architecture}/by-hash/SHA256/{hash}"),
        _ => format!("{base}/{wanted}"),
    };
    let file = format!("Packages_{hash}.xz");
    let path = cache.file(&file, &index_url, hash, size, &|_bytes| {}).await?;
    let packed =
        std::fs::read(&path).map_err(|source| AptError::Cache { path: path.clone(), source })?;
    let mut text = String::new();
    lzma_rust2::XzReader::new(packed.as_slice(), true)
        .read_to_string(&mut text)
        .map_err(|source| AptError::Cache { path, source })?;
    Ok(text)
}

/// The text inside a clear-signed file, if one of `keys` has signed it.
fn verified(file: &str, signed: &[u8], keys: &[Vec<u8>]) -> Result<String, AptError> {
    let not_signed = |why: String| AptError::NotSigned { file: file.to_owned(), why };
    let text = std::str::from_utf8(signed).map_err(|error| not_signed(error.to_string()))?;
    if !text.trim_start().starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        let start: String = text.trim_start().chars().take(40).collect();
        return Err(not_signed(format!("it begins with `{}`", start.escape_debug())));
    }
    let (message, _headers) =
        CleartextSignedMessage::from_string(text).map_err(|error| not_signed(error.to_string()))?;
    for key in keys {
        let key = public_key(key)
            .map_err(|why| AptError::Key { path: "embedded key".to_owned(), why })?;
        let signed = message.verify(&key).is_ok()
            || key.public_subkeys.iter().any(|subkey| message.verify(subkey).is_ok());
        if signed {
            return Ok(message.signed_text().replace("\r\n", "\n"));
        }
    }
    Err(AptError::Untrusted { file: file.to_owned() })
}

/// Reads a key, armored or not.
fn public_key(bytes: &[u8]) -> Result<SignedPublicKey, String> {
    if bytes.starts_with(b"-----") {
        let (key, _headers) =
            SignedPublicKey::from_armor_single(bytes).map_err(|error| error.to_string())?;
        return Ok(key);
    }
    SignedPublicKey::from_bytes(bytes).map_err(|error| error.to_string())
}

/// An old but well-signed index must not pass for a current one, nor one suite for another.
fn check(
    file: &str,
    repo: &Repo,
    release: &Stanza<'_>,
    now: OffsetDateTime,
) -> Result<(), AptError> {
    let names = [release.get("Codename"), release.get("Suite")];
    if !names.contains(&Some(&repo.suite)) {
        return Err(wrong(file, repo, &format!("it says {names:?}")));
    }
    if let Some(until) = release.get("Valid-Until") {
        // Debian writes `UTC` where RFC 2822 has `+0000` or `GMT`.
        let until = OffsetDateTime::parse(&until.replace("UTC", "+0000"), &Rfc2822)
            .map_err(|error| wrong(file, repo, &format!("its date is not one: {error}")))?;
        if until < now {
            return Err(wrong(file, repo, &format!("it was valid until {until}")));
        }
    }
    Ok(())
}

/// The hash and size of a file in the `SHA256` field.
fn listed<'a>(release: &Stanza<'a>, name: &str) -> Option<(&'a str, u64)> {
    let words = release.words("SHA256");
    let entry = words.chunks_exact(3).find(|entry| entry[2] == name)?;
    Some((entry[0], entry[1].parse().ok()?))
}

fn wrong(file: &str, repo: &Repo, why: &str) -> AptError {
    let (file, suite) = (file.to_owned(), repo.suite.clone());
    AptError::WrongRelease { file, suite, why: why.to_owned() }
}
