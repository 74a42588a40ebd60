use std::fmt;
use std::path::Path;

use machine_driver::file::write_atomic;

use super::TlsError;

/// A certificate and its private key, both PEM. The key is PKCS#8.
#[derive(Clone)]
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

/// Certificates are public, keys are not.
pub(super) const CERTIFICATE_MODE: u32 = 0o644;
pub(super) const KEY_MODE: u32 = 0o600;

impl Issued {
    /// Writes both files, each in one step. The key comes first: a certificate without its key
    /// would look whole.
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), TlsError> {
        write_atomic(key, self.key.as_bytes(), KEY_MODE)
            .map_err(|source| TlsError::write(key, source))?;
        write_atomic(certificate, self.certificate.as_bytes(), CERTIFICATE_MODE)
            .map_err(|source| TlsError::write(certificate, source))
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
