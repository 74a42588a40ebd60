//! Images that somebody else made, in the cache: each under its hash, with what is known of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use machine_driver::{Error, Result, file};
use serde::{Deserialize, Serialize};

use super::volume;

/// `<cache>/isos`.
#[derive(Debug, Clone)]
pub(super) struct Isos {
    pub(super) dir: PathBuf,
}

/// What the catalogue says of an image: the file `sha256/HEX.json` beside `sha256/HEX.iso`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iso {
    /// From its volume label, for example `v18.09.4`.
    pub version: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
    /// Where it came from.
    pub urls: Vec<String>,
    /// Seconds since 1970.
    pub fetched: u64,
    /// What [`file::stamp`] said when the hash was last seen to be right.
    stamp: String,
}

impl Isos {
    /// All of them, the newest last. A broken entry is none.
    pub(super) fn all(&self) -> Result<Vec<Iso>> {
        let entries = match fs::read_dir(self.dir.join("sha256")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut isos: Vec<Iso> = entries
            .filter_map(std::result::Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|it| it == "json"))
            .filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
            .collect();
        isos.sort_by_key(|iso| (iso.fetched, iso.sha256.clone()));
        Ok(isos)
    }

    /// The newest image that came from an address, if it is still what it was. One that is not is
    /// removed, so that it is fetched anew.
    pub(super) fn from(&self, is_source: impl Fn(&str) -> bool) -> Result<Option<Iso>> {
        let mut isos = self.all()?;
        isos.retain(|iso| iso.urls.iter().any(|url| is_source(url)));
        while let Some(iso) = isos.pop() {
            match self.check(&iso) {
                Ok(()) => return Ok(Some(iso)),
                Err(error) => {
                    tracing::debug!(%error, "fetched anew");
                    self.remove(&iso)?;
                }
            }
        }
        Ok(None)
    }

    pub(super) fn path(&self, iso: &Iso) -> PathBuf {
        self.dir.join("sha256").join(format!("{}.iso", iso.sha256))
    }

    fn entry(&self, sha256: &str) -> PathBuf {
        self.dir.join("sha256").join(format!("{sha256}.json"))
    }

    /// Proves that an image is what it was: by its stamp, and by its hash where that has changed.
    pub(super) fn check(&self, iso: &Iso) -> Result<()> {
        let stamp = file::stamp(&self.path(iso)).map_err(|error| self.broken(iso, &error))?;
        if stamp == iso.stamp {
            return Ok(());
        }
        self.verify(iso)?;
        // Whoever cannot write it down hashes again next time.
        self.write(&Iso { stamp, ..iso.clone() }).ok();
        Ok(())
    }

    /// Hashes an image.
    pub(super) fn verify(&self, iso: &Iso) -> Result<()> {
        let found = file::sha256_of(&self.path(iso)).map_err(|error| self.broken(iso, &error))?;
        if found == iso.sha256 {
            return Ok(());
        }
        Err(self.broken(iso, &format!("its SHA-256 is {found}")))
    }

    fn broken(&self, iso: &Iso, why: &dyn std::fmt::Display) -> Error {
        Error::other(format!("`{}` is broken", self.path(iso).display()))
            .caused_by(why.to_string())
            .hint(format!("remove it, and it is fetched anew: `machine image rm {}`", iso.sha256))
    }

    /// Takes a file of the cache's own file system into the catalogue. `sha256` is what it was just
    /// hashed to. What is no image stays where it is.
    pub(super) fn take(&self, part: &Path, sha256: String, url: &str) -> Result<Iso> {
        let version = volume::version(part).map_err(|error| {
            Error::other(format!("`{url}` is not a boot image")).caused_by(error)
        })?;
        file::create_dir(&self.dir.join("sha256"))?;
        let known = fs::read(self.entry(&sha256)).ok();
        let known: Option<Iso> = known.and_then(|text| serde_json::from_slice(&text).ok());
        let mut urls = known.map(|iso| iso.urls).unwrap_or_default();
        urls.retain(|known| known != url);
        urls.push(url.to_owned());
        let fetched = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let size = fs::metadata(part)?.len();
        let mut iso = Iso { version, sha256, size, urls, fetched, stamp: String::new() };
        fs::rename(part, self.path(&iso))?;
        file::sync_dir(&self.dir.join("sha256"))?;
        iso.stamp = file::stamp(&self.path(&iso))?;
        self.write(&iso)?;
        self.forget_others(&iso, url)?;
        Ok(iso)
    }

    /// An address leads to what was last seen there.
    fn forget_others(&self, newest: &Iso, url: &str) -> Result<()> {
        for mut other in self.all()?.into_iter().filter(|iso| iso.sha256 != newest.sha256) {
            let before = other.urls.len();
            other.urls.retain(|known| known != url);
            if other.urls.len() < before {
                self.write(&other)?;
            }
        }
        Ok(())
    }

    fn write(&self, iso: &Iso) -> Result<()> {
        let text = serde_json::to_vec_pretty(iso).expect("plain data is JSON");
        Ok(file::write_atomic(&self.entry(&iso.sha256), &text, 0o600)?)
    }

    /// The entry goes last: without it nobody would find the rest.
    pub(super) fn remove(&self, iso: &Iso) -> Result<()> {
        for path in [self.path(iso), self.entry(&iso.sha256)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The image of that version, or of that hash or a beginning of it.
    pub(super) fn named(&self, name: &str) -> Result<Option<Iso>> {
        let mut found = self.all()?;
        let is_hash = name.len() >= 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        found.retain(|it| it.version == name || is_hash && it.sha256.starts_with(name));
        if found.len() > 1 {
            let hashes: Vec<&str> = found.iter().map(|iso| &iso.sha256[..12]).collect();
            return Err(Error::other(format!("there are {} images `{name}`", found.len()))
                .hint(format!("name one by its hash: {}", hashes.join(", "))));
        }
        Ok(found.pop())
    }

    /// Removes what interrupted downloads left, and what earlier versions of this program kept.
    pub(super) fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(&self.dir).into_iter().flatten() {
            let path = entry?.path();
            let sweepable = |it: &std::ffi::OsStr| it == "part" || it == "mark" || it == "iso";
            if path.is_file() && path.extension().is_some_and(sweepable) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso::volume::tests::iso;

    fn isos() -> (tempfile::TempDir, Isos) {
        let dir = tempfile::tempdir().unwrap();
        let isos = Isos { dir: dir.path().to_owned() };
        (dir, isos)
    }

    fn take(isos: &Isos, label: &str, url: &str) -> Iso {
        let part = isos.dir.join("x.part");
        fs::write(&part, iso(label)).unwrap();
        isos.take(&part, file::sha256_of(&part).unwrap(), url).unwrap()
    }

    #[test]
    fn an_image_that_was_altered_is_gone_at_the_next_look() {
        let (_dir, isos) = isos();
        let one = take(&isos, "b2d-v1.0.0", "u");
        assert_eq!(isos.from(|url| url == "u").unwrap(), Some(one.clone()));
        // A copy of it is as good, and its stamp is written down.
        let bytes = fs::read(isos.path(&one)).unwrap();
        fs::remove_file(isos.path(&one)).unwrap();
        fs::write(isos.path(&one), &bytes).unwrap();
        isos.check(&one).unwrap();
        assert_ne!(isos.all().unwrap(), std::slice::from_ref(&one));
        fs::write(isos.path(&one), b"x").unwrap();
        assert!(isos.verify(&one).unwrap_err().hints()[0].contains("machine image rm"));
        assert_eq!(isos.from(|url| url == "u").unwrap(), None);
        assert!(isos.all().unwrap().is_empty());
    }

    #[test]
    fn an_address_leads_to_what_was_last_there() {
        let (_dir, isos) = isos();
        let one = take(&isos, "b2d-v1.0.0", "u");
        let two = take(&isos, "b2d-v2.0.0", "u");
        assert_eq!(isos.from(|url| url == "u").unwrap().unwrap().sha256, two.sha256);
        let both = take(&isos, "b2d-v1.0.0", "w");
        assert_eq!((both.sha256, both.urls), (one.sha256, vec!["w".to_owned()]));
        assert_eq!(isos.all().unwrap().len(), 2);
    }

    #[test]
    fn a_name_that_fits_two_needs_a_hash() {
        let (_dir, isos) = isos();
        let one = take(&isos, "b2d-v1.0.0", "u");
        take(&isos, "x-v1.0.0", "w");
        assert!(isos.named("v1.0.0").unwrap_err().hints()[0].contains(&one.sha256[..12]));
        assert_eq!(isos.named(&one.sha256[..12]).unwrap(), Some(one));
        assert_eq!(isos.named("v3").unwrap(), None);
    }

    #[test]
    fn a_page_is_not_taken() {
        let (_dir, isos) = isos();
        let part = isos.dir.join("x.part");
        fs::write(&part, "<html>").unwrap();
        let error = isos.take(&part, "00".into(), "http://h/b2d.iso").unwrap_err();
        assert!(error.to_string().contains("http://h/b2d.iso"), "{error}");
        isos.sweep().unwrap();
        assert!(!part.exists() && isos.all().unwrap().is_empty());
    }
}
