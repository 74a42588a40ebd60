//! Images that the user named, from wherever they are, by way of the cache.

use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use machine_driver::download::{Download, DownloadError};
use machine_driver::{Error, ErrorKind, Image, Progress, Result, file, http};

use super::isos::{Iso, Isos};
use super::lookup::{Lookup, Release};
use super::releases::Releases;
use super::source::Source;
use super::{Images, volume};

/// What is said to be downloaded where it goes into the cache, whose names tell nobody anything.
const NAME: &str = "boot2docker.iso";

/// The image of that name. What was downloaded once is not downloaded again.
pub(super) async fn named(images: &Images, text: &str, progress: &dyn Progress) -> Result<Image> {
    let target = Path::new(NAME);
    let iso = match Source::parse(text, &images.releases()?)? {
        Source::File { path, sha256 } => return local(path.as_path(), sha256.as_deref()),
        Source::Latest(releases) => {
            let desk = Desk::open(images, progress).await?;
            desk.latest(&releases).await?
        }
        Source::Release(releases, tag) => {
            let desk = Desk::open(images, progress).await?;
            match desk.isos.from(|url| url == releases.iso_url(&tag))? {
                Some(iso) => iso,
                None => desk.release(&releases, &tag).await?,
            }
        }
        Source::Url { url, sha256 } => {
            let desk = Desk::open(images, progress).await?;
            match desk.isos.from(|known| known == url)? {
                Some(iso) => iso.demand(sha256.as_deref())?,
                None => desk.download(&url, None, sha256.as_deref(), target).await?,
            }
        }
    };
    let path = isos(images).path(&iso);
    Ok(Image::iso(iso.version, path))
}

/// The same into the cache, and from the network where it may have changed.
pub(super) async fn pull(images: &Images, text: &str, progress: &dyn Progress) -> Result<Iso> {
    let (desk, target) = (Desk::open(images, progress).await?, Path::new(NAME));
    match Source::parse(text, &images.releases()?)? {
        Source::File { path, .. } => {
            Err(Error::other(format!("`{}` is on this computer already", path.display()))
                .hint(format!("name it where a machine is made: `--qemu-boot2docker-url {text}`")))
        }
        Source::Latest(releases) => {
            let release = desk.ask_latest(&releases).await?;
            desk.of_release(&releases, &release, target).await
        }
        Source::Release(releases, tag) => {
            match desk.isos.from(|url| url == releases.iso_url(&tag))? {
                Some(iso) => Ok(iso),
                None => desk.release(&releases, &tag).await,
            }
        }
        Source::Url { url, sha256 } => desk.download(&url, None, sha256.as_deref(), target).await,
    }
}

/// What is at that name now. A file, and a release, are what they were.
pub(super) async fn again(images: &Images, text: &str, progress: &dyn Progress) -> Result<Image> {
    if let Source::File { path, sha256 } = Source::parse(text, &images.releases()?)? {
        return local(&path, sha256.as_deref());
    }
    let iso = pull(images, text, progress).await?;
    let path = isos(images).path(&iso);
    Ok(Image::iso(iso.version, path))
}

pub(super) fn isos(images: &Images) -> Isos {
    Isos { dir: images.cache.join("isos") }
}

fn local(path: &Path, sha256: Option<&str>) -> Result<Image> {
    let unusable = |error: std::io::Error| {
        Error::other(format!("cannot use the image `{}`", path.display())).caused_by(error)
    };
    let version = volume::version(path).map_err(unusable)?;
    if let Some(expected) = sha256 {
        let found = file::sha256_of(path).map_err(unusable)?;
        if found != expected {
            return Err(Error::other(format!("`{}` is not what was asked for", path.display()))
                .caused_by(format!("its SHA-256 is {found}, not {expected}")));
        }
    }
    Ok(Image::iso(version, path))
}

impl Iso {
    fn demand(self, sha256: Option<&str>) -> Result<Self> {
        match sha256 {
            Some(expected) if expected != self.sha256 => {
                Err(Error::other(format!("the image {} is not what was asked for", self.version))
                    .caused_by(format!("its SHA-256 is {}, not {expected}", self.sha256))
                    .hint(format!(
                        "if it has changed at its source, remove it: `machine image rm {}`",
                        self.sha256
                    )))
            }
            _ => Ok(self),
        }
    }
}

/// Where images are fetched, by one command at a time: those that come second find what the first
/// one fetched.
pub(super) struct Desk<'a> {
    pub(super) isos: Isos,
    images: &'a Images,
    progress: &'a dyn Progress,
    client: reqwest::Client,
    since: SystemTime,
    _lock: File,
}

impl<'a> Desk<'a> {
    pub(super) async fn open(images: &'a Images, progress: &'a dyn Progress) -> Result<Self> {
        let since = SystemTime::now();
        let isos = isos(images);
        file::create_dir(&isos.dir)?;
        let waiting = || progress.line("Waiting for the image that another command downloads...");
        let lock = file::lock(&isos.dir.join(".lock"), waiting).await?;
        Ok(Self { isos, images, progress, client: http::client()?, since, _lock: lock })
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup {
            client: &self.client,
            token: self.images.settings.token.as_deref(),
            dir: self.isos.dir.join("answers"),
            since: self.since,
        }
    }

    pub(super) async fn ask_latest(&self, releases: &Releases) -> Result<Release> {
        let release = self.lookup().release(&releases.latest_url()).await?;
        Ok(known(releases, release))
    }

    /// Without an answer, the newest that we have of these releases is the latest.
    async fn latest(&self, releases: &Releases) -> Result<Iso> {
        let target = Path::new(NAME);
        match self.ask_latest(releases).await {
            Ok(release) => self.of_release(releases, &release, target).await,
            Err(error) => match self.isos.from(|url| releases.contains(url))? {
                Some(iso) => {
                    self.progress.line(&unable_to_look(&error));
                    Ok(iso)
                }
                None => Err(error),
            },
        }
    }

    /// The ISO of a release that the server has described, which is said to go to `target`.
    pub(super) async fn of_release(
        &self,
        releases: &Releases,
        release: &Release,
        target: &Path,
    ) -> Result<Iso> {
        let Release { tag, sha256, size } = release;
        self.progress.line(&format!("Latest release for {} is {tag}", releases.name()));
        let url = releases.iso_url(tag);
        match self.isos.from(|known| known == url)? {
            Some(iso) if sha256.as_ref().is_none_or(|expected| *expected == iso.sha256) => Ok(iso),
            _ => self.download(&url, *size, sha256.as_deref(), target).await,
        }
    }

    /// The ISO of one release. What it must be is known beforehand, or asked for; where nobody says
    /// it, what comes over the wire the first time is believed, and recorded.
    async fn release(&self, releases: &Releases, tag: &str) -> Result<Iso> {
        let target = Path::new(NAME);
        let url = releases.iso_url(tag);
        if let Some(sha256) = releases.known(tag) {
            return self.download(&url, None, Some(sha256), target).await;
        }
        match self.lookup().release(&releases.tag_url(tag)).await {
            Ok(release) => {
                let sha256 = release.sha256.as_deref();
                self.download(&url, release.size, sha256, target).await
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::new(
                ErrorKind::NotFound,
                format!("{} has no release {tag}", releases.name()),
            )
            .caused_by(error)),
            Err(error) => {
                tracing::debug!(%error, "nobody says what the ISO must be");
                self.download(&url, None, None, target).await
            }
        }
    }

    async fn download(
        &self,
        url: &str,
        size: Option<u64>,
        sha256: Option<&str>,
        target: &Path,
    ) -> Result<Iso> {
        self.progress.line(&format!("Downloading {} from {url}...", target.display()));
        let part = self.isos.dir.join(format!("{}.part", file::sha256_hex(url.as_bytes())));
        let download = Download { client: &self.client, url, size, sha256 };
        // The bar is of what the last line was about.
        let report = |have, size| self.progress.advance("", have, size);
        let found = download.fetch(&part, &report).await.map_err(advise)?;
        let taken = self.isos.take(&part, found, url);
        if taken.is_err() {
            std::fs::remove_file(&part).ok();
        }
        taken.map_err(|error| {
            error.hint("does a page stand there, or is something between here and there?")
        })
    }
}

/// What we know of a release is worth more than what its server says now.
pub(super) fn known(releases: &Releases, release: Release) -> Release {
    match releases.known(&release.tag) {
        Some(sha256) => Release { sha256: Some(sha256.to_owned()), ..release },
        None => release,
    }
}

/// docker-machine's words, with its two blanks.
pub(super) fn unable_to_look(error: &Error) -> String {
    format!("Unable to get the latest Boot2Docker ISO release version:  {}", error.one_line())
}

fn advise(error: DownloadError) -> Error {
    let hint = match &error {
        DownloadError::Unreachable { .. } | DownloadError::Cut { .. } => Some(
            "is there a network? The next try goes on where this one stopped; behind a proxy, set \
             `HTTPS_PROXY`",
        ),
        DownloadError::Status { status: 404, .. } => Some("is the address right?"),
        DownloadError::WrongContent { .. } => Some(
            "something between here and there has changed it, or its source has: do not use it",
        ),
        _ => None,
    };
    let error = Error::from(error).context("cannot fetch the boot image");
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
