use std::io;
use std::time::Duration;

use machine_driver::ErrorKind;
use rustls::{AlertDescription, CertificateError};

/// Why a Docker Engine did not answer. `endpoint` is `HOST:PORT`.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    #[error("nothing listens at `{endpoint}`")]
    Refused { endpoint: String, source: reqwest::Error },
    /// Something accepted the connection and closed it, as a forward does whose guest still boots.
    #[error("`{endpoint}` closed the connection without an answer")]
    Closed { endpoint: String, source: reqwest::Error },
    #[error("`{endpoint}` did not answer within {seconds:.1} s", seconds = after.as_secs_f32())]
    TimedOut { endpoint: String, after: Duration },
    #[error("`{endpoint}` cannot be reached")]
    Unreachable { endpoint: String, source: reqwest::Error },
    /// We do not trust the machine.
    #[error("`{endpoint}` has a certificate that is not accepted")]
    ServerCertificate { endpoint: String, source: reqwest::Error },
    #[error("the certificate of `{endpoint}` has expired")]
    Expired { endpoint: String, source: reqwest::Error },
    #[error("the certificate of `{endpoint}` is not valid yet")]
    NotYetValid { endpoint: String, source: reqwest::Error },
    /// It was made for another address.
    #[error("the certificate of `{endpoint}` does not name that address")]
    Unnamed { endpoint: String, source: reqwest::Error },
    /// The machine does not trust us.
    #[error("`{endpoint}` does not accept the client certificate")]
    ClientCertificate { endpoint: String, source: reqwest::Error },
    #[error("`{endpoint}` does not accept the client certificate, which has expired")]
    ClientExpired { endpoint: String, source: reqwest::Error },
    #[error("`{endpoint}` does not speak TLS as it should")]
    Tls { endpoint: String, source: reqwest::Error },
    #[error("Docker at `{endpoint}` answered with status {status}")]
    Status { endpoint: String, status: u16 },
    #[error("what answers at `{endpoint}` is not Docker")]
    NotDocker { endpoint: String, source: Option<reqwest::Error> },
}

impl DockerError {
    /// Sorts a failure of the transport by what lies at its root.
    pub(super) fn from_transport(error: reqwest::Error, endpoint: &str, after: Duration) -> Self {
        let endpoint = endpoint.to_owned();
        if error.is_timeout() {
            return Self::TimedOut { endpoint, after };
        }
        let source = error;
        match root(&source) {
            Root::Tls(rustls::Error::InvalidCertificate(why)) => match why {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired { endpoint, source }
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid { endpoint, source }
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    Self::Unnamed { endpoint, source }
                }
                _ => Self::ServerCertificate { endpoint, source },
            },
            Root::Tls(rustls::Error::AlertReceived(alert)) if is_about_certificate(*alert) => {
                Self::ClientCertificate { endpoint, source }
            }
            Root::Tls(_) => Self::Tls { endpoint, source },
            Root::Io(io::ErrorKind::ConnectionRefused) => Self::Refused { endpoint, source },
            Root::Io(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => Self::Closed { endpoint, source },
            Root::Io(_) => Self::Unreachable { endpoint, source },
            Root::Other if source.is_connect() => Self::Unreachable { endpoint, source },
            Root::Other if source.is_decode() => Self::NotDocker { endpoint, source: Some(source) },
            // The HTTP layer's own words for a connection that ended too soon.
            Root::Other => Self::Closed { endpoint, source },
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } | Self::Closed { .. } | Self::Unreachable { .. } => {
                ErrorKind::NotRunning
            }
            Self::TimedOut { .. } => ErrorKind::Timeout,
            _ => ErrorKind::Other,
        }
    }

    /// What the user can do about it.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Expired { .. } | Self::Unnamed { .. } | Self::ServerCertificate { .. } => {
                Some("make it anew: `machine regenerate-certs NAME`")
            }
            Self::NotYetValid { .. } => {
                Some("is the clock of this computer right? `date` shows it")
            }
            Self::ClientExpired { .. } => {
                Some("make it anew: `machine regenerate-certs --client-certs NAME`")
            }
            Self::ClientCertificate { .. } => Some(
                "was the authority made anew? `machine regenerate-certs NAME` tells the machine of it",
            ),
            _ => None,
        }
    }
}

impl From<DockerError> for machine_driver::Error {
    fn from(error: DockerError) -> Self {
        let wrapped = Self::new(error.kind(), error.to_string());
        let wrapped = error.hint().into_iter().fold(wrapped, Self::hint);
        match error {
            DockerError::Refused { source, .. }
            | DockerError::Closed { source, .. }
            | DockerError::Unreachable { source, .. }
            | DockerError::ServerCertificate { source, .. }
            | DockerError::Expired { source, .. }
            | DockerError::NotYetValid { source, .. }
            | DockerError::Unnamed { source, .. }
            | DockerError::ClientCertificate { source, .. }
            | DockerError::ClientExpired { source, .. }
            | DockerError::Tls { source, .. }
            | DockerError::NotDocker { source: Some(source), .. } => {
                wrapped.caused_by(innermost(&source))
            }
            _ => wrapped,
        }
    }
}

enum Root<'a> {
    Io(io::ErrorKind),
    Tls(&'a rustls::Error),
    Other,
}

/// The TLS error in the chain, or else the last error of the system.
fn root(error: &reqwest::Error) -> Root<'_> {
    let mut found = Root::Other;
    for error in machine_driver::http::causes(error) {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Root::Tls(tls);
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = Root::Io(io.kind());
        }
    }
    found
}

/// The only layer of the chain that says something new.
fn innermost(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn is_about_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure
            | AlertDescription::DecryptError
    )
}
