//! What a machine is told at its birth: the first bytes of its data disk.
//!
//! The form is boot2docker's: a ustar archive at offset 0 of an otherwise empty disk, whose first
//! entry is named [`MAGIC`]. boot2docker reads the first 4096 bytes and finds `.ssh/` in them; our
//! image reads on and finds `machine/`, the *identity*: everything that makes this machine
//! different from all others. The same archive can be sent to a running guest, which is how a
//! machine that is resumed from memory learns who it is.
//!
//! | entry | what it holds |
//! |---|---|
//! | `.ssh/authorized_keys`, `.ssh/authorized_keys2` | the machine's public key |
//! | `machine/hostname` | one line |
//! | `machine/hosts` | lines of `/etc/hosts` for the private network |
//! | `machine/network` | lines `MAC ADDRESS/PREFIX`: static addresses of interfaces |
//! | `machine/uplink` | lines `gateway ADDRESS` and `nameserver ADDRESS`, where no DHCP server tells |
//! | `machine/ssh_host_ed25519_key`, `….pub` | the host key that the client has pinned |
//! | `machine/ca.pem`, `server.pem`, `server-key.pem` | the Engine's TLS files |
//! | `machine/profile` | shell variables for `/etc/init.d/docker`, boot2docker's own format |
//! | `machine/machine-id` | 32 hexadecimal digits |
//! | `machine/template` | present in the seed of a template, which has no identity yet |
//! | `machine/epoch` | seconds since 1970; the guest's clock is never set back before it |

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::keys::KeyPair;
use crate::{Error, Result};

/// Name and content of the first entry, which marks a disk that wants to be formatted.
pub const MAGIC: &str = "boot2docker, please format-me";

/// The identity of a machine, as plain data. A driver may add to it (its network addresses).
#[derive(Debug, Clone, Default)]
pub struct Seed {
    pub hostname: String,
    pub authorized_keys: Vec<String>,
    pub host_key: Option<KeyPair>,
    pub tls: Option<ServerTls>,
    /// Lines of boot2docker's `profile`, for example `EXTRA_ARGS='--label a=b'`.
    pub profile: String,
    pub interfaces: Vec<Interface>,
    pub uplink: Option<Uplink>,
    pub hosts: Vec<(IpAddr, String)>,
    pub machine_id: String,
    /// The guest is to start what all machines have in common, and wait for its identity.
    pub template: bool,
}

/// The Engine's TLS files, PEM.
#[derive(Clone)]
pub struct ServerTls {
    pub ca: String,
    pub certificate: String,
    pub key: String,
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// The way outside of a machine whose only addresses are static.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    pub gateway: IpAddr,
    pub name_servers: Vec<IpAddr>,
}

/// A network interface with a static address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Six octets in lower-case hexadecimal, with colons.
    pub mac: String,
    pub address: IpAddr,
    pub prefix: u8,
}

impl Seed {
    /// The archive, a multiple of 512 bytes long. What a stock boot2docker needs of it lies in
    /// the first 4096 bytes.
    pub fn to_tar(&self) -> Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        let keys = self.authorized_keys.iter().fold(String::new(), |all, key| all + key + "\n");
        append(&mut tar, MAGIC, 0, MAGIC)?;
        directory(&mut tar, ".ssh")?;
        append(&mut tar, ".ssh/authorized_keys", 0o644, &keys)?;
        append(&mut tar, ".ssh/authorized_keys2", 0o644, &keys)?;
        self.append_identity(&mut tar)?;
        Ok(tar.into_inner()?)
    }

    /// Only `machine/…`, for a guest that already runs.
    pub fn to_identity_tar(&self) -> Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        self.append_identity(&mut tar)?;
        Ok(tar.into_inner()?)
    }

    fn append_identity(&self, tar: &mut Builder) -> Result<()> {
        directory(tar, "machine")?;
        if !self.hostname.is_empty() {
            append(tar, "machine/hostname", 0o644, &(self.hostname.clone() + "\n"))?;
        }
        if !self.machine_id.is_empty() {
            append(tar, "machine/machine-id", 0o644, &(self.machine_id.clone() + "\n"))?;
        }
        if !self.profile.is_empty() {
            append(tar, "machine/profile", 0o644, &self.profile)?;
        }
        if !self.interfaces.is_empty() {
            let lines = self.interfaces.iter().fold(String::new(), |lines, interface| {
                let Interface { mac, address, prefix } = interface;
                lines + &format!("{mac} {address}/{prefix}\n")
            });
            append(tar, "machine/network", 0o644, &lines)?;
        }
        if let Some(uplink) = &self.uplink {
            let servers = uplink.name_servers.iter();
            let lines = servers.fold(format!("gateway {}\n", uplink.gateway), |lines, server| {
                lines + &format!("nameserver {server}\n")
            });
            append(tar, "machine/uplink", 0o644, &lines)?;
        }
        if !self.hosts.is_empty() {
            append(tar, "machine/hosts", 0o644, &hosts_file(&self.hosts))?;
        }
        if let Some(key) = &self.host_key {
            append(tar, "machine/ssh_host_ed25519_key", 0o600, &key.private)?;
            let public = key.public.clone() + "\n";
            append(tar, "machine/ssh_host_ed25519_key.pub", 0o644, &public)?;
        }
        if let Some(tls) = &self.tls {
            append(tar, "machine/ca.pem", 0o644, &tls.ca)?;
            append(tar, "machine/server.pem", 0o644, &tls.certificate)?;
            append(tar, "machine/server-key.pem", 0o600, &tls.key)?;
        }
        if self.template {
            append(tar, "machine/template", 0o644, "")?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        append(tar, "machine/epoch", 0o644, &format!("{now}\n"))
    }
}

/// Lines of `/etc/hosts`.
pub fn hosts_file(hosts: &[(IpAddr, String)]) -> String {
    hosts
        .iter()
        .fold(String::new(), |lines, (address, name)| lines + &format!("{address} {name}\n"))
}

type Builder = tar::Builder<Vec<u8>>;

fn append(tar: &mut Builder, path: &str, mode: u32, content: &str) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content.as_bytes()).map_err(seed_error)
}

fn directory(tar: &mut Builder, path: &str) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o700);
    header.set_size(0);
    tar.append_data(&mut header, path, std::io::empty()).map_err(seed_error)
}

fn seed_error(error: std::io::Error) -> Error {
    Error::other("cannot write the seed archive").caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn seed() -> Seed {
        Seed {
            hostname: "lab1".into(),
            authorized_keys: vec![crate::keys::generate("lab1").unwrap().public],
            host_key: Some(crate::keys::generate("host").unwrap()),
            tls: Some(ServerTls { ca: "CA".into(), certificate: "C".into(), key: "K".into() }),
            profile: "DOCKER_TLS=yes\n".into(),
            interfaces: vec![Interface {
                mac: "52:54:00:00:00:01".into(),
                address: "10.1.2.3".parse().unwrap(),
                prefix: 24,
            }],
            uplink: Some(Uplink {
                gateway: "10.1.2.1".parse().unwrap(),
                name_servers: vec!["10.1.2.53".parse().unwrap()],
            }),
            hosts: vec![("10.1.2.4".parse().unwrap(), "lab2".into())],
            machine_id: "0".repeat(32),
            template: false,
        }
    }

    #[test]
    fn begins_with_the_magic_and_fits_boot2dockers_reading() {
        let bytes = seed().to_tar().unwrap();
        assert_eq!(&bytes[..MAGIC.len()], MAGIC.as_bytes());
        let mut archive = tar::Archive::new(&bytes[..4096]);
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map_while(Result::ok)
            .map(|entry| entry.path().unwrap().display().to_string())
            .collect();
        assert!(names.contains(&".ssh/authorized_keys2".to_owned()), "{names:?}");
        assert_eq!(bytes.len() % 512, 0);
    }

    #[test]
    fn private_keys_are_private() {
        let bytes = seed().to_tar().unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut private = 0;
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            if text.contains("PRIVATE") || path.ends_with("server-key.pem") {
                assert_eq!(entry.header().mode().unwrap(), 0o600, "{path}");
                private += 1;
            }
        }
        assert_eq!(private, 2);
    }
}
