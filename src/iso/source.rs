use std::path::PathBuf;

use machine_driver::{Error, ErrorKind, Result};

use super::releases::{Releases, is_tag};

/// Where an image comes from that we did not make, as the user says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The latest one of these.
    Latest(Releases),
    /// The one with this tag.
    Release(Releases, String),
    Url {
        url: String,
        sha256: Option<String>,
    },
    File {
        path: PathBuf,
        sha256: Option<String>,
    },
}

impl Source {
    /// Reads `latest`, a version, the address of releases or of an ISO, or a path. Behind an ISO may
    /// stand `#sha256=HEX`. `boot2docker` are the releases that a bare version is one of.
    pub(super) fn parse(text: &str, boot2docker: &Releases) -> Result<Self> {
        if text == "latest" {
            return Ok(Self::Latest(boot2docker.clone()));
        }
        if let Some(tag) = tag(text) {
            return Ok(Self::Release(boot2docker.clone(), tag));
        }
        let (address, sha256) = match text.split_once("#sha256=") {
            Some((address, hash)) => (address, Some(hash_of(text, hash)?)),
            None => (text, None),
        };
        if !address.starts_with("http://") && !address.starts_with("https://") {
            let path = PathBuf::from(address.strip_prefix("file://").unwrap_or(address));
            return Ok(Self::File { path, sha256 });
        }
        if let Some((releases, tag)) = Releases::parse_tag(address) {
            return Ok(Self::Release(releases, tag));
        }
        Ok(match Releases::parse(address) {
            Some(releases) => Self::Latest(releases),
            None => Self::Url { url: address.to_owned(), sha256 },
        })
    }
}

/// `18.09.4` and `v18.09.4` are the tag `v18.09.4`: numbers with points between, and then perhaps a
/// word such as `-ce` or `-rc4`.
fn tag(text: &str) -> Option<String> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let numbers = bare.split('-').next().unwrap_or_default();
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = numbers.contains('.') && numbers.split('.').all(all) && is_tag(bare);
    is_version.then(|| format!("v{bare}"))
}

fn hash_of(text: &str, hash: &str) -> Result<String> {
    if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(hash.to_ascii_lowercase());
    }
    Err(Error::new(ErrorKind::Flags, format!("`{text}` does not end in a SHA-256"))
        .hint("`sha256sum FILE` prints one: 64 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso::releases::BOOT2DOCKER;

    #[test]
    fn what_people_say() {
        let own = Releases::named(BOOT2DOCKER).unwrap();
        let read = |text: &str| Source::parse(text, &own).unwrap();
        let release = |tag: &str| Source::Release(own.clone(), tag.to_owned());
        assert_eq!(read("latest"), Source::Latest(own.clone()));
        assert_eq!(read(BOOT2DOCKER), Source::Latest(own.clone()));
        for (text, tag) in [
            ("18.09.4", "v18.09.4"),
            ("v18.09.4", "v18.09.4"),
            ("v1.12.0-rc4", "v1.12.0-rc4"),
            ("18.06.1-ce", "v18.06.1-ce"),
            ("https://github.com/boot2docker/boot2docker/releases/tag/v1.8.0", "v1.8.0"),
        ] {
            assert_eq!(read(text), release(tag), "{text}");
        }
        let hash = "AB".repeat(32);
        let url = "https://h.example/b2d.iso";
        let sha256 = Some(hash.to_ascii_lowercase());
        assert_eq!(
            read(&format!("{url}#sha256={hash}")),
            Source::Url { url: url.into(), sha256: sha256.clone() }
        );
        assert_eq!(
            read(&format!("file:///a/b.iso#sha256={hash}")),
            Source::File { path: "/a/b.iso".into(), sha256 }
        );
        for path in ["b2d.iso", "/v1.2", "18", "v18.x", "./latest", "1..2"] {
            assert_eq!(read(path), Source::File { path: path.into(), sha256: None }, "{path}");
        }
        let error = Source::parse("/a/b.iso#sha256=00", &own).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Flags);
    }
}
