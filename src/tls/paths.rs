use std::fs;
use std::path::{Path, PathBuf};

use machine_driver::file::{create_dir, write_atomic};

use super::TlsError;
use super::issued::{CERTIFICATE_MODE, KEY_MODE};

/// Where a store keeps its authority and its client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertPaths {
    pub ca_cert: PathBuf,
    pub ca_key: PathBuf,
    pub client_cert: PathBuf,
    pub client_key: PathBuf,
}

/// The three files that a Docker client needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPaths {
    pub ca: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl CertPaths {
    /// docker-machine's names: `ca.pem`, `ca-key.pem`, `cert.pem`, `key.pem`.
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            ca_cert: dir.join("ca.pem"),
            ca_key: dir.join("ca-key.pem"),
            client_cert: dir.join("cert.pem"),
            client_key: dir.join("key.pem"),
        }
    }

    /// Copies what a client needs into a machine's directory, which `DOCKER_CERT_PATH` then names.
    pub fn copy_into(&self, machine_dir: &Path) -> Result<ClientPaths, TlsError> {
        let copies = ClientPaths::in_dir(machine_dir);
        create_dir(machine_dir).map_err(|source| TlsError::write(machine_dir, source))?;
        for (from, to, mode) in [
            (&self.ca_cert, &copies.ca, CERTIFICATE_MODE),
            (&self.client_key, &copies.key, KEY_MODE),
            (&self.client_cert, &copies.cert, CERTIFICATE_MODE),
        ] {
            let content = fs::read(from).map_err(|source| TlsError::read(from, source))?;
            write_atomic(to, &content, mode).map_err(|source| TlsError::write(to, source))?;
        }
        Ok(copies)
    }
}

impl ClientPaths {
    /// The names that the `docker` command expects: `ca.pem`, `cert.pem`, `key.pem`.
    pub fn in_dir(dir: &Path) -> Self {
        Self { ca: dir.join("ca.pem"), cert: dir.join("cert.pem"), key: dir.join("key.pem") }
    }
}
