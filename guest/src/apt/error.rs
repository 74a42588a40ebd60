use std::io;
use std::path::PathBuf;

use machine_driver::Error;
use machine_driver::download::DownloadError;

/// Why packages could not be had. Every variant names the file or address that is at fault.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    #[error(transparent)]
    Download(DownloadError),
    #[error("`{file}` is not a signed index: {why}")]
    NotSigned { file: String, why: String },
    #[error("`{file}` is not signed by {keys}")]
    Untrusted { file: String, keys: String },
    #[error("`{file}` is not the index of `{suite}`: {why}")]
    WrongRelease { file: String, suite: String, why: String },
    #[error("`{file}` is out of date: it was valid until {until}")]
    Expired { file: String, until: String },
    #[error("`{url}` is not what the signed index says: {why}")]
    WrongContent { url: String, why: String },
    #[error(
        "`{path}` was changed since it was downloaded: its SHA-256 is {found} instead of {expected}",
        path = path.display()
    )]
    Tampered { path: PathBuf, expected: String, found: String },
    #[error("the archive has no package `{name}`")]
    NoPackage { name: String },
    #[error("`{path}` is not a Debian package: {why}", path = path.display())]
    NotAPackage { path: PathBuf, why: String },
    #[error("`{path}` is not a usable OpenPGP key: {why}")]
    Key { path: String, why: String },
    #[error("cannot use the package cache at `{path}`", path = path.display())]
    Cache { path: PathBuf, source: io::Error },
}

impl AptError {
    /// Whether the archive says that it has no such file.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Download(DownloadError::Status { status: 404, .. }))
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Download(_) => {
                "is there a network, and is that mirror complete? Another one can be named with \
                 `machine image build --mirror URL` or `MACHINE_DEBIAN_MIRROR`"
            }
            Self::NotSigned { .. } | Self::Untrusted { .. } | Self::WrongRelease { .. } => {
                "something between here and there changes what the mirror sends, or it is none (or \
                 the key file of `--repo` is another one's): try `machine image build --mirror URL` \
                 with another one"
            }
            Self::Expired { .. } => {
                "is this computer's clock right? If it is, the mirror is not kept up to date: try \
                 `machine image build --mirror URL` with another one"
            }
            Self::WrongContent { .. } => {
                "the mirror may be in the middle of an update: try again, or another one with \
                 `machine image build --mirror URL`"
            }
            Self::Tampered { .. } | Self::NotAPackage { .. } => {
                "remove what was downloaded with `machine image rm --packages`, and try again"
            }
            Self::NoPackage { .. } => {
                "a complete mirror of Debian has it: name one with `machine image build --mirror URL`"
            }
            Self::Key { .. } => {
                "the key file of `--repo` is what the repository's page tells you to put under \
                 `/etc/apt/keyrings`"
            }
            Self::Cache { .. } => {
                "is there room, and may you write there? Another place can be named with \
                 `MACHINE_CACHE_PATH`"
            }
        }
    }
}

/// A mirror's index vouches for everything, so what is wrong is wrong by it.
impl From<DownloadError> for AptError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::WrongContent { url, why } => Self::WrongContent { url, why },
            DownloadError::File { path, source } => Self::Cache { path, source },
            error => Self::Download(error),
        }
    }
}

impl From<AptError> for Error {
    fn from(error: AptError) -> Self {
        let hint = error.hint();
        Self::other("cannot get the packages of the guest image").caused_by(error).hint(hint)
    }
}
