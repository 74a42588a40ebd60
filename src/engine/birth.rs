//! What a machine is born with: its keys, its certificates and its engine's configuration.
//!
//! Everything is written into the machine's directory before it is used and read back if it is
//! already there, so that a resumed `create` gives the guest the same identity again.

use std::fs;
use std::io;
use std::path::Path;

use machine_driver::keys::{self, KeyPair};
use machine_driver::seed::{Seed, ServerTls};
use machine_driver::{Birth, Error, FirstBoot, Image, Progress, Result, file};

use super::{Engine, Machine, boot_image};
use crate::provision::profile;
use crate::tls::{self, Authority, Certificate, Renewal};

/// The private half of the guest's host key; only there until the machine is complete.
const HOST_KEY: &str = "ssh_host_ed25519_key";

/// Makes sure that the store has a certificate authority and a client certificate.
pub(super) fn certificate_authority(engine: &Engine, progress: &dyn Progress) -> Result<()> {
    let now = time::OffsetDateTime::now_utc();
    for event in tls::ensure(&engine.certs, &engine.organisation, now)? {
        progress.line(&event.to_string());
    }
    Ok(())
}

/// Whether the seed tells the guest everything, so that nobody has to log in to provision it. A
/// guest image that is not our own may be boot2docker's, which reads only the SSH keys.
pub(super) fn reaches_guest(machine: &Machine<'_>) -> bool {
    machine.driver.capabilities().born_provisioned && boot_image::is_own(machine)
}

/// Makes or finds the machine's keys and certificates, and puts the seed together.
pub(super) fn prepare(
    engine: &Engine,
    machine: &Machine<'_>,
    image: Option<Image>,
) -> Result<Birth> {
    let dir = &machine.context.machine_dir;
    let name = machine.name();
    if machine.driver.capabilities().existing_host {
        engine.certs.copy_into(dir)?;
        return Ok(Birth {
            image,
            seed: Seed::default(),
            ssh_public_key: String::new(),
            first_boot: FirstBoot::default(),
        });
    }
    let ssh_key = key_pair(&dir.join("id_rsa"), name)?;
    let host_key = key_pair(&dir.join(HOST_KEY), &format!("host key of {name}"))?;
    if reaches_guest(machine) {
        crate::ssh::pin(dir, &host_key.public)?;
    }
    let mut seed = Seed {
        hostname: name.to_owned(),
        authorized_keys: vec![ssh_key.public.clone()],
        host_key: Some(host_key),
        machine_id: machine_id(dir)?,
        ..Seed::default()
    };
    engine.certs.copy_into(dir)?;
    if machine.driver.capabilities().has_guest && reaches_guest(machine) {
        seed.tls = Some(server_tls(engine, machine)?);
        let options = &machine.record.host_options.engine_options;
        seed.profile = profile::profile(options, machine.driver.kind(), ENGINE_PORT);
    }
    let first_boot = match machine.driver.capabilities().cloud_init {
        true => crate::provision::first_boot(machine)?,
        false => FirstBoot::default(),
    };
    Ok(Birth { image, seed, ssh_public_key: ssh_key.public, first_boot })
}

/// The port on which the Engine listens in the guest.
pub(super) const ENGINE_PORT: u16 = 2376;

/// Deletes what only `create` needs.
pub(super) fn forget_secrets(machine_dir: &Path) {
    for name in [HOST_KEY.to_owned(), format!("{HOST_KEY}.pub")] {
        fs::remove_file(machine_dir.join(name)).ok();
    }
}

/// The server certificate of a machine, from its directory if it is good, else a new one.
pub(crate) fn server_tls(engine: &Engine, machine: &Machine<'_>) -> Result<ServerTls> {
    let dir = &machine.context.machine_dir;
    let (cert_path, key_path) = (dir.join("server.pem"), dir.join("server-key.pem"));
    let authority = Authority::load(&engine.certs)?;
    let ca = authority.pem().to_owned();
    let names = server_names(machine);
    let now = time::OffsetDateTime::now_utc();
    if let (Some(certificate), Some(key)) = (read(&cert_path)?, read(&key_path)?) {
        let renewal =
            Certificate::parse(&certificate)?.renewal(authority.certificate(), &names, now);
        if renewal.is_none() {
            return Ok(ServerTls { ca, certificate, key });
        }
    }
    issue_server(engine, machine)
}

/// A new server certificate in the machine's directory.
pub(crate) fn issue_server(engine: &Engine, machine: &Machine<'_>) -> Result<ServerTls> {
    let dir = &machine.context.machine_dir;
    let authority = Authority::load(&engine.certs)?;
    let organisation = format!("{}.{}", engine.organisation, machine.name());
    let now = time::OffsetDateTime::now_utc();
    let issued = authority.issue_server(&organisation, &server_names(machine), now)?;
    issued.write(&dir.join("server.pem"), &dir.join("server-key.pem"))?;
    Ok(ServerTls {
        ca: authority.pem().to_owned(),
        certificate: issued.certificate,
        key: issued.key,
    })
}

/// Why the machine's server certificate must be made again, if it must. A machine whose
/// certificate or authority is not here is not ours to judge.
pub(super) fn server_renewal(engine: &Engine, machine: &Machine<'_>) -> Result<Option<Renewal>> {
    let Some(pem) = read(&machine.context.machine_dir.join("server.pem"))? else { return Ok(None) };
    let (Ok(authority), Ok(certificate)) =
        (Authority::load(&engine.certs), Certificate::parse(&pem))
    else {
        return Ok(None);
    };
    let now = time::OffsetDateTime::now_utc();
    // Only what a client asks for: docker-machine's certificates name less than ours.
    let names: Vec<_> = machine.endpoint().ip.into_iter().collect();
    Ok(certificate.renewal(authority.certificate(), &names, now))
}

/// Every name and address by which the Engine is reached.
pub(super) fn server_names(machine: &Machine<'_>) -> Vec<String> {
    let endpoint = machine.endpoint();
    let mut names = machine.record.host_options.auth_options.server_cert_sans.clone();
    names.extend(endpoint.ip);
    names.extend(endpoint.private_ip.map(|address| address.to_string()));
    names.extend(["localhost".to_owned(), "127.0.0.1".to_owned(), machine.name().to_owned()]);
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The key pair at `path` and `path.pub`, made if it is not there.
fn key_pair(path: &Path, comment: &str) -> Result<KeyPair> {
    let public_path = path.with_extension("pub");
    if let (Some(private), Some(public)) = (read(path)?, read(&public_path)?) {
        return Ok(KeyPair { private, public: public.trim_end().to_owned() });
    }
    let pair = keys::generate(comment)?;
    file::write_atomic(path, pair.private.as_bytes(), 0o600)?;
    file::write_atomic(&public_path, format!("{}\n", pair.public).as_bytes(), 0o600)?;
    Ok(pair)
}

/// The guest's `/etc/machine-id`, made once.
fn machine_id(dir: &Path) -> Result<String> {
    let path = dir.join("machine-id");
    if let Some(id) = read(&path)? {
        return Ok(id.trim_end().to_owned());
    }
    let id = crate::store::random_hex(16);
    file::write_atomic(&path, format!("{id}\n").as_bytes(), 0o600)?;
    Ok(id)
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Error::other(format!("cannot read `{}`", path.display())).caused_by(error))
        }
    }
}
