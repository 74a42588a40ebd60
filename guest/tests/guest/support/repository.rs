use std::io::Write;
use std::time::Duration;

use machine_driver::file::sha256_hex;
use machine_guest::apt::{Keyring, Repo};
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedPublicKey,
    SignedSecretKey,
};
use pgp::types::Password;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Server;

/// A repository of one suite, `test`, and one component, `main`.
pub(crate) struct Repository {
    key: SignedSecretKey,
    /// What stands between the server's address and `/dists/`.
    pub(crate) path: &'static str,
    pub(crate) debs: Vec<Deb>,
    /// How long it is valid, from now; negative if it is not.
    pub(crate) valid: Option<time::Duration>,
    pub(crate) by_hash: bool,
}

/// A package with one program.
pub(crate) struct Deb {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Of the program.
    pub(crate) content: Vec<u8>,
}

impl Repository {
    pub(crate) fn new(path: &'static str, debs: Vec<Deb>) -> Self {
        let mut params = SecretKeyParamsBuilder::default();
        params
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id("A throw-away key <test@example.com>".into());
        let key = params.build().unwrap().generate(rand::thread_rng()).unwrap();
        Self { key, path, debs, valid: None, by_hash: true }
    }

    /// The public key, armored.
    pub(crate) fn public_key(&self) -> String {
        let key = SignedPublicKey::from(self.key.clone());
        key.to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// How the builder is told of it.
    pub(crate) fn repo(&self, server: &Server) -> Repo {
        Repo {
            url: format!("{}{}", server.url(), self.path),
            suite: "test".into(),
            components: vec!["main".into()],
            keys: Keyring::parse("test-key.asc", self.public_key().as_bytes()).unwrap(),
            optional: false,
        }
    }

    /// Puts everything onto the server.
    pub(crate) fn publish(&self, server: &Server) {
        for deb in &self.debs {
            server.put(&format!("{}/{}", self.path, deb.file_name()), deb.bytes());
        }
        let packages: String = self.debs.iter().map(Deb::stanza).collect();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(packages.as_bytes()).unwrap();
        let index = gz.finish().unwrap();
        let hash = sha256_hex(&index);
        let dir = format!("{}/dists/test/main/binary-amd64", self.path);
        if self.by_hash {
            server.put(&format!("{dir}/by-hash/SHA256/{hash}"), index.clone());
        }
        let listed = format!("{hash} {} main/binary-amd64/Packages.gz", index.len());
        server.put(&format!("{dir}/Packages.gz"), index);
        let date = |at: OffsetDateTime| at.format(&Rfc2822).unwrap().replace("+0000", "UTC");
        let now = OffsetDateTime::now_utc();
        let valid = self
            .valid
            .map_or_else(String::new, |valid| format!("Valid-Until: {}\n", date(now + valid)));
        let release = format!(
            "Origin: Test\nSuite: test\nCodename: test\nDate: {}\n{valid}Acquire-By-Hash: {}\n\
             SHA256:\n {listed}\n",
            date(now - Duration::from_secs(3600)),
            if self.by_hash { "yes" } else { "no" },
        );
        server.put(&format!("{}/dists/test/InRelease", self.path), self.sign(&release));
    }

    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        let key = &self.key.primary_key;
        let signed =
            CleartextSignedMessage::sign(rand::thread_rng(), text, key, &Password::empty());
        signed.unwrap().to_armored_bytes(ArmorOptions::default()).unwrap()
    }
}

impl Deb {
    pub(crate) fn new(name: &'static str, version: &'static str) -> Self {
        // Long enough to be cut, and nothing that repeats.
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let content = (0..50_000).map(|_| next()).collect();
        Self { name, version, content }
    }

    /// Below the repository.
    pub(crate) fn file_name(&self) -> String {
        format!("pool/{}_{}_amd64.deb", self.name.replace('/', "-"), self.version)
    }

    pub(crate) fn sha256(&self) -> String {
        sha256_hex(&self.bytes())
    }

    /// An `ar` archive of the three members that every package has.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let control = format!("Package: {}\nVersion: {}\n", self.name, self.version);
        let control = tar("./control", 0o644, control.as_bytes());
        let data = tar(&format!("./usr/bin/{}", self.name), 0o4755, &self.content);
        let mut bytes = b"!<arch>\n".to_vec();
        let members =
            [("debian-binary", &b"2.0\n"[..]), ("control.tar", &control), ("data.tar", &data)];
        for (name, content) in members {
            let header =
                format!("{name:16}{:12}{:6}{:6}{:8}{:<10}`\n", 0, 0, 0, 100_644, content.len());
            bytes.extend(header.bytes());
            bytes.extend(content);
            bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        }
        bytes
    }

    fn stanza(&self) -> String {
        let bytes = self.bytes();
        format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nDepends: libc6 (>= 2.36)\n\
             Filename: {}\nSize: {}\nSHA256: {}\nDescription: a test\n\n",
            self.name,
            self.version,
            self.file_name(),
            bytes.len(),
            sha256_hex(&bytes),
        )
    }
}

fn tar(path: &str, mode: u32, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(content.len() as u64);
    // `set_path` would refuse what a malicious package has.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, content).unwrap();
    builder.into_inner().unwrap()
}
