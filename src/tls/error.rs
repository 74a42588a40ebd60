use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What can be wrong with certificates and their keys.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read `{path}`", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("`{path}` cannot be used", path = path.display())]
    File { path: PathBuf, source: Box<TlsError> },
    #[error("this is not a certificate: {why}")]
    NotACertificate { why: String },
    #[error("this is not a private key that can be used: {why}")]
    NotAKey { why: String },
    #[error("the authority `{certificate}` has lost its key", certificate = certificate.display())]
    KeyMissing { certificate: PathBuf, key: PathBuf },
    #[error("the authority `{certificate}` and the key `{key}` do not belong together",
        certificate = certificate.display(), key = key.display())]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("the authority `{certificate}` is not valid any more", certificate = certificate.display())]
    Expired { certificate: PathBuf },
    #[error("`{name}` is neither an address nor a host name: no certificate can name it")]
    Name { name: String },
    #[error("cannot make a certificate")]
    Sign { source: rcgen::Error },
    #[error("another process has held `{path}` for {seconds} s",
        path = path.display(), seconds = patience.as_secs())]
    Busy { path: PathBuf, patience: Duration },
}

impl TlsError {
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// Says in which file the trouble is.
    pub(super) fn in_file(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), source: Box::new(self) }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        let anew = "or start anew: move both files away, and make the machines of this store again";
        match self {
            Self::KeyMissing { key, .. } => {
                vec![format!("put `{}` back, if there is a copy of it", key.display()), anew.into()]
            }
            Self::Mismatch { .. } => {
                vec!["put back the file that was exchanged, if there is a copy".into(), anew.into()]
            }
            Self::Expired { .. } => {
                vec!["it was not made by this program: put a new one in its place".into()]
            }
            Self::File { path, source } if matches!(**source, Self::NotAKey { .. }) => {
                vec![format!("if nothing needs it any more, move `{}` away", path.display())]
            }
            Self::File { path, source } if matches!(**source, Self::NotACertificate { .. }) => {
                vec![format!("remove `{}`: it is made again", path.display())]
            }
            Self::Busy { .. } => vec!["wait until that is done, or end it".into()],
            _ => Vec::new(),
        }
    }
}

impl From<TlsError> for machine_driver::Error {
    fn from(error: TlsError) -> Self {
        let hints = error.hints();
        let message = error.to_string();
        let wrapped = match error {
            TlsError::Read { source, .. } | TlsError::Write { source, .. } => {
                Self::from(source).context(message)
            }
            TlsError::File { source, .. } => Self::other(message).caused_by(source),
            TlsError::Sign { source } => Self::other(message).caused_by(source),
            _ => Self::other(message),
        };
        hints.into_iter().fold(wrapped, Self::hint)
    }
}
