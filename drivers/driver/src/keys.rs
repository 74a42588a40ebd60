//! SSH keys: one Ed25519 pair for each machine, and one for each guest's host key.

use ring::rand::{SecureRandom, SystemRandom};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use crate::{Error, Result};

/// A key pair in the forms that OpenSSH reads.
#[derive(Clone)]
pub struct KeyPair {
    /// `-----BEGIN OPENSSH PRIVATE KEY-----`, with a newline at the end.
    pub private: String,
    /// `ssh-ed25519 AAAA… comment`, without a newline.
    pub public: String,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Generates an Ed25519 pair.
pub fn generate(comment: &str) -> Result<KeyPair> {
    let failed = |error| Error::other("cannot generate an SSH key").caused_by(error);
    let mut seed = [0; 32];
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_unspecified| Error::other("the system gives no random numbers"))?;
    let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, comment).map_err(failed)?;
    let private = key.to_openssh(LineEnding::LF).map_err(failed)?.to_string();
    let public = key.public_key().to_openssh().map_err(failed)?;
    Ok(KeyPair { private, public })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_differ_and_read_back() {
        let (a, b) = (generate("lab1").unwrap(), generate("lab1").unwrap());
        assert_ne!(a.public, b.public);
        assert!(a.public.starts_with("ssh-ed25519 AAAA") && a.public.ends_with(" lab1"));
        let read = PrivateKey::from_openssh(&a.private).unwrap();
        assert_eq!(read.public_key().to_openssh().unwrap(), a.public);
        assert!(!format!("{a:?}").contains("PRIVATE"));
    }
}
