use std::sync::Arc;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::Signature;

use super::AptError;

/// OpenPGP keys, any one of which may have signed an index.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// What holds the keys, for messages.
    source: String,
    keys: Arc<[SignedPublicKey]>,
}

impl Keyring {
    /// The archive keys of Debian 12 and 13, from Debian's package `debian-archive-keyring`. An
    /// index is signed by several of them; one is enough.
    pub fn debian() -> Result<Self, AptError> {
        const KEYS: [&[u8]; 6] = [
            include_bytes!("../../keys/debian-archive-bookworm-automatic.gpg"),
            include_bytes!("../../keys/debian-archive-bookworm-security-automatic.gpg"),
            include_bytes!("../../keys/debian-archive-bookworm-stable.gpg"),
            include_bytes!("../../keys/debian-archive-trixie-automatic.gpg"),
            include_bytes!("../../keys/debian-archive-trixie-security-automatic.gpg"),
            include_bytes!("../../keys/debian-archive-trixie-stable.gpg"),
        ];
        let source = "Debian's archive keys";
        let keys = KEYS.iter().map(|key| public_keys(key)).collect::<Result<Vec<_>, _>>();
        let keys = keys.map_err(|why| AptError::Key { path: source.to_owned(), why })?;
        Ok(Self { source: source.to_owned(), keys: keys.concat().into() })
    }

    /// All keys of one file, armored or not, as apt's `Signed-By` names it. `path` is what messages
    /// call it.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self, AptError> {
        let keys = public_keys(bytes);
        let keys = keys.map_err(|why| AptError::Key { path: path.to_owned(), why })?;
        Ok(Self { source: format!("a key of `{path}`"), keys: keys.into() })
    }

    /// The text inside a clear-signed file, if one of the keys has signed it. What stands around
    /// the signed text is not part of it.
    pub(super) fn signed_text(&self, file: &str, signed: &[u8]) -> Result<String, AptError> {
        let not_signed = |why: String| AptError::NotSigned { file: file.to_owned(), why };
        let text = std::str::from_utf8(signed).map_err(|error| not_signed(error.to_string()))?;
        if !text.trim_start().starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
            let start: String = text.trim_start().chars().take(40).collect();
            return Err(not_signed(format!("it begins with `{}`", start.escape_debug())));
        }
        let (message, _headers) = CleartextSignedMessage::from_string(text)
            .map_err(|error| not_signed(error.to_string()))?;
        let text = message.signed_text();
        let trusted = message
            .signatures()
            .iter()
            .filter(|signature| is_strong(signature))
            .any(|signature| self.keys.iter().any(|key| has_signed(key, signature, &text)));
        if trusted {
            return Ok(text.replace("\r\n", "\n"));
        }
        Err(AptError::Untrusted { file: file.to_owned(), keys: self.source.clone() })
    }
}

fn has_signed(key: &SignedPublicKey, signature: &Signature, text: &str) -> bool {
    // A subkey counts only if the primary key says that it may sign.
    let may_sign = |subkey: &&SignedPublicSubKey| {
        subkey.signatures.iter().any(|binding| binding.key_flags().sign())
            && subkey.verify_bindings(&key.primary_key).is_ok()
    };
    let text = text.as_bytes();
    signature.verify(&key.primary_key, text).is_ok()
        || key
            .public_subkeys
            .iter()
            .filter(may_sign)
            .any(|subkey| signature.verify(&subkey.key, text).is_ok())
}

/// apt takes no signature over MD5 or SHA-1 either.
fn is_strong(signature: &Signature) -> bool {
    const BYTES: usize = 28; // SHA-224
    signature.hash_alg().and_then(HashAlgorithm::digest_size).is_some_and(|size| size >= BYTES)
}

fn public_keys(bytes: &[u8]) -> Result<Vec<SignedPublicKey>, String> {
    const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let keys = match std::str::from_utf8(bytes) {
        // A file may hold several armored blocks, one after the other.
        Ok(text) if text.contains(ARMOR) => text
            .match_indices(ARMOR)
            .map(|(start, _)| {
                let (keys, _headers) = SignedPublicKey::from_string_many(&text[start..])?;
                keys.collect::<pgp::errors::Result<Vec<_>>>()
            })
            .collect::<pgp::errors::Result<Vec<_>>>()
            .map(|blocks| blocks.concat()),
        _ => SignedPublicKey::from_bytes_many(bytes).and_then(Iterator::collect),
    };
    match keys {
        Ok(keys) if keys.is_empty() => Err("it holds no public key".to_owned()),
        Ok(keys) => Ok(keys),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_keys_can_be_read_and_verify_nothing_else() {
        let keyring = Keyring::debian().unwrap();
        assert!(keyring.keys.len() >= 6);
        let error = keyring.signed_text("InRelease", b"Suite: stable\n").unwrap_err();
        assert!(matches!(error, AptError::NotSigned { .. }), "{error}");
    }

    #[test]
    fn a_file_without_keys_is_named() {
        for rubbish in [&b""[..], b"<html>", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nrubbish"] {
            let error = Keyring::parse("host.asc", rubbish).unwrap_err();
            assert!(error.to_string().contains("`host.asc`"), "{error}");
        }
    }
}
