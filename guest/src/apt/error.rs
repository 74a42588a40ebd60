use std::io;
use std::path::PathBuf;

use machine_driver::Error;

/// Why packages could not be had. Every variant names the file or address that is at fault.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    #[error("cannot fetch `{url}`")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("`{url}` answered {status}")]
    Status { url: String, status: u16 },
    #[error("`{file}` is not a signed index: {why}")]
    NotSigned { file: String, why: String },
    #[error("`{file}` is not signed by a key that is trusted here")]
    Untrusted { file: String },
    #[error("`{file}` is not the index of `{suite}`: {why}")]
    WrongRelease { file: String, suite: String, why: String },
    #[error("`{file}` has the SHA-256 {found} instead of {expected}")]
    Tampered { file: String, expected: String, found: String },
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
    fn hints(&self) -> Vec<&'static str> {
        match self {
            Self::Unreachable { .. } | Self::Status { .. } => vec![
                "is there a network, and is that mirror complete? Another one can be named with \
                 `machine image build --mirror URL` or `MACHINE_DEBIAN_MIRROR`",
            ],
            Self::NotSigned { .. } | Self::Untrusted { .. } | Self::WrongRelease { .. } => vec![
                "this is no Debian mirror, or something between here and there changes what it \
                 sends: try `machine image build --mirror URL` with another one",
            ],
            Self::Tampered { .. } | Self::NotAPackage { .. } => {
                vec!["remove what was downloaded with `machine image rm --packages`, and try again"]
            }
            Self::NoPackage { .. } | Self::Key { .. } | Self::Cache { .. } => Vec::new(),
        }
    }
}

impl From<AptError> for Error {
    fn from(error: AptError) -> Self {
        let hints = error.hints();
        let wrapped = Self::other("cannot get the packages of the guest image").caused_by(error);
        hints.into_iter().fold(wrapped, Self::hint)
    }
}
