//! A server in this process that runs commands with a real shell, and OpenSSH's own where it is
//! installed.

#![cfg(unix)]

mod client;
mod host_keys;
mod openssh;
mod server;
mod waiting;

use std::path::Path;
use std::time::Duration;

use machine_driver::SshTarget;
use machine_driver::keys::{self, KeyPair};

const PATIENCE: Duration = Duration::from_secs(60);

/// A key pair in the form and place of a machine's.
fn user_key(machine_dir: &Path) -> KeyPair {
    let pair = keys::generate("test").unwrap();
    std::fs::write(machine_dir.join("id_rsa"), &pair.private).unwrap();
    private(&machine_dir.join("id_rsa"));
    pair
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn target(machine_dir: &Path, port: u16, user: &str) -> SshTarget {
    SshTarget { host: "127.0.0.1".into(), port, user: user.into(), key: machine_dir.join("id_rsa") }
}
