//! The certificates of a store, and the Docker endpoints that they open.
//!
//! One authority (CA) for each store signs one client certificate for the user and one server
//! certificate for each machine. Files, places and contents are docker-machine's; new keys are
//! ECDSA P-256, and the RSA authority of a docker-machine store goes on being used.

mod authority;
mod certificate;
pub mod docker;
mod ensure;
mod error;
mod issued;
mod key;
mod paths;

pub use authority::Authority;
pub use certificate::{Certificate, Renewal};
pub use ensure::{Event, ensure, renew_client};
pub use error::TlsError;
pub use issued::Issued;
pub use paths::{CertPaths, ClientPaths};

/// How long before its end a certificate is renewed.
const RENEW_BEFORE: time::Duration = time::Duration::days(30);

#[cfg(test)]
pub(crate) mod tests;
