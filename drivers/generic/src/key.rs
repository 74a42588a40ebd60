//! The copy of the user's key in the machine's directory.

use std::fs;
use std::path::{Path, PathBuf};

use machine_driver::{Error, Result, file};

/// Files that the engine keeps in a machine's directory. A key of such a name is stored under
/// another one; docker-machine loses the client's `key.pem` there.
const TAKEN: [&str; 9] = [
    "ca.pem",
    "cert.pem",
    "config.json",
    "journal.jsonl",
    "key.pem",
    "known_hosts",
    "machine-id",
    "server-key.pem",
    "server.pem",
];

/// Where the copy of `key` lies: docker-machine's place, the key's own name.
pub(crate) fn place(machine_dir: &Path, key: &Path) -> Option<PathBuf> {
    let name = key.file_name()?.to_string_lossy();
    let taken = TAKEN.contains(&name.as_ref()) || name.starts_with('.');
    Some(machine_dir.join(if taken { format!("ssh-{name}") } else { name.into_owned() }))
}

/// Copies the private key. The copy is for the owner alone from its first byte.
pub(crate) fn import(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from)
        .map_err(|error| Error::other("unable to copy ssh key").caused_by(named(from, &error)))?;
    file::write_atomic(to, &content, 0o600)
        .map_err(|error| Error::other("unable to copy ssh key").caused_by(named(to, &error)))
}

/// The error without which `import` would fail.
pub(crate) fn check(key: &str) -> Result<()> {
    let path = Path::new(key);
    if !path.exists() {
        return Err(Error::other(format!("SSH key does not exist: {key:?}"))
            .hint("name the private key with `--generic-ssh-key`, or leave the flag out to use your agent and default keys"));
    }
    let text = fs::read(path).map_err(|error| {
        Error::other(format!("cannot read the SSH key {key:?}")).caused_by(error)
    })?;
    if text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-") {
        let private = key.strip_suffix(".pub").unwrap_or("the file without `.pub`");
        return Err(Error::other(format!("{key:?} is a public key, and a private one is needed"))
            .hint(format!("--generic-ssh-key {private}")));
    }
    Ok(())
}

/// `KEY.pub`.
pub(crate) fn public(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn named(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_takes_the_place_of_another_file() {
        let dir = Path::new("/s/machines/m");
        let place = |key| place(dir, Path::new(key)).map(|path| path.display().to_string());
        assert_eq!(place("/home/u/.ssh/id_ed25519").as_deref(), Some("/s/machines/m/id_ed25519"));
        assert_eq!(place("aws/key.pem").as_deref(), Some("/s/machines/m/ssh-key.pem"));
        assert_eq!(place("/"), None);
    }

    #[test]
    fn a_public_key_is_not_taken_for_a_private_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id.pub");
        fs::write(&path, "ssh-ed25519 AAAA me").unwrap();
        let error = check(path.to_str().unwrap()).unwrap_err();
        assert!(error.to_string().contains("is a public key"), "{error}");
        assert!(error.hints()[0].ends_with("/id"), "{:?}", error.hints());
    }
}
