//! Pinned host keys: the file `known_hosts` in a machine's directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use machine_driver::file::write_atomic;
use russh::keys::ssh_key::HashAlg;
use russh::keys::{Algorithm, PublicKey};

use super::SshError;

/// The name under which a machine's key stands in its file, for OpenSSH's `HostKeyAlias`.
pub(super) const ALIAS: &str = "machine";

/// What a file of pinned keys says of the key that a server has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing is pinned yet.
    Unknown,
    Match,
    Changed,
}

/// Pins the host key of a machine: no other is accepted from then on. `public_key` is in the form
/// of a `.pub` file, `ssh-ed25519 AAAA… comment`.
pub fn pin(machine_dir: &Path, public_key: &str) -> Result<(), SshError> {
    let known_hosts = file(machine_dir);
    let key = PublicKey::from_openssh(public_key.trim())
        .map_err(|error| failed(&known_hosts, io::Error::other(error)))?;
    write(&known_hosts, &key)
}

/// Where the keys of a machine are pinned.
pub(super) fn file(machine_dir: &Path) -> PathBuf {
    machine_dir.join("known_hosts")
}

/// Compares with the text of a `known_hosts` file. The file belongs to one machine, so its host
/// patterns mean nothing; an entry that cannot be read or is marked `@revoked` matches nothing,
/// but the file then pins all the same.
pub(super) fn check(known_hosts: &str, key: &PublicKey) -> Verdict {
    let mut pinned = lines(known_hosts).peekable();
    if pinned.peek().is_none() {
        return Verdict::Unknown;
    }
    let matches = |line| parse(line).is_some_and(|known| known.key_data() == key.key_data());
    if pinned.any(matches) { Verdict::Match } else { Verdict::Changed }
}

/// The file's text; a file that is not there is empty.
pub(super) fn read(known_hosts: &Path) -> Result<String, SshError> {
    match fs::read_to_string(known_hosts) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(failed(known_hosts, source)),
    }
}

/// Whether a key is pinned, so that a server with any other is refused.
pub(super) fn is_pinned(known_hosts: &Path) -> bool {
    fs::read_to_string(known_hosts).is_ok_and(|text| lines(&text).next().is_some())
}

/// Lets a server through whose key is pinned, and pins that of one which is seen first.
pub(super) fn admit(known_hosts: &Path, address: &str, key: &PublicKey) -> Result<(), SshError> {
    match check(&read(known_hosts)?, key) {
        Verdict::Match => Ok(()),
        Verdict::Unknown => write(known_hosts, key),
        Verdict::Changed => Err(SshError::HostKeyChanged {
            address: address.to_owned(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            known_hosts: known_hosts.to_owned(),
        }),
    }
}

/// The kinds of the pinned keys. A server may have several keys and shows the kind that the client
/// asks for first, so these must be asked for first.
pub(super) fn algorithms(known_hosts: &str) -> Vec<Algorithm> {
    lines(known_hosts).filter_map(parse).map(|key| key.algorithm()).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// `HOSTS KIND BASE64 [COMMENT]`, as in sshd(8).
fn parse(line: &str) -> Option<PublicKey> {
    if line.starts_with('@') {
        return None;
    }
    let (_hosts, key) = line.split_once([' ', '\t'])?;
    PublicKey::from_openssh(key.trim()).ok()
}

fn write(known_hosts: &Path, key: &PublicKey) -> Result<(), SshError> {
    let bare = PublicKey::new(key.key_data().clone(), "");
    bare.to_openssh()
        .map_err(io::Error::other)
        .and_then(|key| {
            let line = format!("{ALIAS} {}\n", key.trim_end());
            write_atomic(known_hosts, line.as_bytes(), 0o600)
        })
        .map_err(|source| failed(known_hosts, source))
}

fn failed(path: &Path, source: io::Error) -> SshError {
    SshError::KnownHosts { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PublicKey {
        let pair = machine_driver::keys::generate("a comment").unwrap();
        PublicKey::from_openssh(&pair.public).unwrap()
    }

    #[test]
    fn unknown_match_and_changed() {
        let (ours, other) = (key(), key());
        let text = |key: &PublicKey| key.to_openssh().unwrap();
        let lines = format!("# comment\n\n[127.0.0.1]:2222 {}\n", text(&ours));
        assert_eq!(check(&lines, &ours), Verdict::Match);
        assert_eq!(check(&lines, &other), Verdict::Changed);
        assert_eq!(check("", &ours), Verdict::Unknown);
        assert_eq!(check("# nothing\n", &ours), Verdict::Unknown);
        assert_eq!(check("rubbish", &ours), Verdict::Changed);
        assert_eq!(check(&format!("@revoked * {}\n", text(&ours)), &ours), Verdict::Changed);
        assert_eq!(algorithms(&lines), [Algorithm::Ed25519]);
    }

    #[test]
    fn the_file_is_one_line_of_openssh() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path());
        let key = key();
        pin(dir.path(), &key.to_openssh().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("machine ssh-ed25519 AAAA") && text.ends_with('\n'), "{text}");
        assert_eq!(text.split_whitespace().count(), 3);
        assert!(is_pinned(&path));
        assert!(pin(dir.path(), "rubbish").is_err());
    }
}
