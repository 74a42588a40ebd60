//! Private keys in the forms in which they lie on disk.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::TlsError;

/// Reads a PEM key: PKCS#8, docker-machine's PKCS#1 (`RSA PRIVATE KEY`), or SEC 1
/// (`EC PRIVATE KEY`, P-256 or P-384).
///
/// ring takes PKCS#8 only, so the other two are wrapped in it, in memory; files stay as they are.
pub(super) fn parse(pem: &str) -> Result<KeyPair, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(unusable)?;
    match &key {
        PrivateKeyDer::Pkcs8(key) => KeyPair::try_from(key).map_err(unusable),
        PrivateKeyDer::Pkcs1(key) => {
            let wrapped = pkcs8(RSA, key.secret_pkcs1_der());
            KeyPair::try_from(&PrivatePkcs8KeyDer::from(wrapped)).map_err(unusable)
        }
        PrivateKeyDer::Sec1(key) => sec1(key.secret_sec1_der()),
        _ => Err(TlsError::NotAKey { why: "its form is not known".into() }),
    }
}

fn unusable(error: impl std::fmt::Display) -> TlsError {
    TlsError::NotAKey { why: error.to_string() }
}

/// The curve need not stand in the key itself, so it is found by trial.
fn sec1(der: &[u8]) -> Result<KeyPair, TlsError> {
    let try_curve = |identifier, algorithm| {
        let wrapped = pkcs8(identifier, der);
        KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(wrapped), algorithm)
    };
    try_curve(P256, &PKCS_ECDSA_P256_SHA256)
        .or_else(|_| try_curve(P384, &PKCS_ECDSA_P384_SHA384))
        .map_err(unusable)
}

/// `PrivateKeyInfo` of RFC 5208: version 0, the algorithm, and the key as an octet string.
fn pkcs8(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let version = [0x02, 0x01, 0x00];
    let body = [&version, &*der(SEQUENCE, algorithm), &*der(OCTET_STRING, key)].concat();
    der(SEQUENCE, &body)
}

/// One DER value: tag, length (short form under 128, else its bytes with a count), content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[content.len().leading_zeros() as usize / 8..];
    let mut value = vec![tag];
    match significant {
        [] => value.push(0),
        [short] if *short < 0x80 => value.push(*short),
        long => {
            value.push(0x80 | u8::try_from(long.len()).expect("a length has at most 8 bytes"));
            value.extend(long);
        }
    }
    value.extend(content);
    value
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;

/// `rsaEncryption` (1.2.840.113549.1.1.1) with its obligatory NULL: RFC 8017, appendix C.
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `id-ecPublicKey` (1.2.840.10045.2.1) with `secp256r1`: RFC 5480, section 2.1.1.
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, //
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// `id-ecPublicKey` with `secp384r1`.
const P384: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, //
    0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_encoded_in_the_shortest_form() {
        assert_eq!(der(4, &[])[..], [4, 0]);
        assert_eq!(der(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(der(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(der(4, &[0; 1200])[..4], [4, 0x82, 0x04, 0xb0]);
    }

    #[test]
    fn rubbish_is_refused() {
        for rubbish in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
        {
            assert!(matches!(parse(rubbish), Err(TlsError::NotAKey { .. })), "{rubbish}");
        }
    }
}
