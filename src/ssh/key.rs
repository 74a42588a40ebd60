//! Proving who we are.

use std::path::Path;
use std::sync::Arc;

use machine_driver::SshTarget;
use russh::client::Handle;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, load_secret_key};

use super::SshError;
use super::session::Gate;

/// Reads a private key without passphrase: OpenSSH's own form, PKCS#8, or the PKCS#1
/// (`RSA PRIVATE KEY`) of docker-machine.
pub(super) fn load(path: &Path) -> Result<PrivateKey, SshError> {
    if path.as_os_str().is_empty() {
        return Err(SshError::NoKey);
    }
    load_secret_key(path, None).map_err(|source| SshError::Key { path: path.to_owned(), source })
}

pub(super) async fn authenticate(
    handle: &mut Handle<Gate>,
    target: &SshTarget,
    address: &str,
    key: PrivateKey,
) -> Result<(), SshError> {
    let failed = |source| SshError::transport(address, source);
    // Servers of today refuse RSA with SHA-1, those of 2015 know nothing else: the server says.
    let hash = if key.algorithm().is_rsa() {
        handle.best_supported_rsa_hash().await.map_err(failed)?.flatten()
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    let answer = handle.authenticate_publickey(&target.user, key).await.map_err(failed)?;
    if answer.success() {
        return Ok(());
    }
    Err(SshError::Denied {
        address: address.to_owned(),
        user: target.user.clone(),
        key: target.key.clone(),
    })
}
