//! Bringing a store's own certificates into being, and keeping them good.

use std::fmt;
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use machine_driver::file::{create_dir, write_atomic};
use rcgen::{DnValue, PublicKeyData};
use time::OffsetDateTime;

use super::issued::CERTIFICATE_MODE;
use super::{Authority, CertPaths, Certificate, Renewal, TlsError, key};

/// Something that [`ensure`] did. Its text is the line that docker-machine prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    AuthorityOutdated,
    AuthorityCreated(PathBuf),
    ClientOutdated,
    ClientCreated(PathBuf),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorityOutdated => {
                f.write_str("CA certificate is outdated and needs to be regenerated")
            }
            Self::AuthorityCreated(path) => write!(f, "Creating CA: {}", path.display()),
            Self::ClientOutdated => {
                f.write_str("Client certificate is outdated and needs to be regenerated")
            }
            Self::ClientCreated(path) => {
                write!(f, "Creating client certificate: {}", path.display())
            }
        }
    }
}

/// Makes what is missing of the authority and the client certificate, and renews what is not valid
/// for 30 days more. Returns what was done, in order; where all is well, nothing is written and no
/// lock is taken.
///
/// Any number of processes may do this at once. A key is written before its certificate, so what a
/// crash leaves is a key alone, and the next call goes on from that. An authority keeps its key
/// when it is renewed: its machines stay good. What somebody else made is not overwritten.
///
/// `organisation` is the user's name.
pub fn ensure(
    paths: &CertPaths,
    organisation: &str,
    now: OffsetDateTime,
) -> Result<Vec<Event>, TlsError> {
    let authority = Authority::load(paths).ok().filter(|authority| !authority.is_outdated(now));
    if authority.is_some_and(|authority| client(paths, &authority, now) == Client::Good) {
        return Ok(Vec::new());
    }
    for path in [&paths.ca_cert, &paths.ca_key, &paths.client_cert, &paths.client_key] {
        let dir = directory(path);
        create_dir(dir).map_err(|source| TlsError::write(dir, source))?;
    }
    let _lock = lock(&directory(&paths.ca_cert).join(".lock"))?;
    let mut events = Vec::new();
    let authority = ensure_authority(paths, organisation, now, &mut events)?;
    ensure_client(paths, &authority, organisation, now, &mut events)?;
    Ok(events)
}

/// As [`ensure`], and makes the client certificate anew even if it is good. One that somebody else
/// made is replaced as well: the user asked for it.
pub fn renew_client(
    paths: &CertPaths,
    organisation: &str,
    now: OffsetDateTime,
) -> Result<Vec<Event>, TlsError> {
    let mut events = ensure(paths, organisation, now)?;
    let made = Event::ClientCreated(paths.client_cert.clone());
    if events.contains(&made) {
        return Ok(events);
    }
    let _lock = lock(&directory(&paths.ca_cert).join(".lock"))?;
    let authority = Authority::load(paths)?;
    let issued = authority.issue_client(&format!("{organisation}{BOOTSTRAP}"), now)?;
    issued.write(&paths.client_cert, &paths.client_key)?;
    events.push(made);
    Ok(events)
}

fn ensure_authority(
    paths: &CertPaths,
    organisation: &str,
    now: OffsetDateTime,
    events: &mut Vec<Event>,
) -> Result<Authority, TlsError> {
    let created = || Event::AuthorityCreated(paths.ca_cert.clone());
    match (read(&paths.ca_cert)?, read(&paths.ca_key)?) {
        (None, None) => {
            let authority = Authority::create(organisation, now)?;
            authority.to_issued().write(&paths.ca_cert, &paths.ca_key)?;
            events.push(created());
            Ok(authority)
        }
        // A crash came between the two files.
        (None, Some(key)) => {
            let key = key::parse(&key).map_err(|error| error.in_file(&paths.ca_key))?;
            let authority = Authority::for_key(key, organisation, now)?;
            write_certificate(&authority, &paths.ca_cert)?;
            events.push(created());
            Ok(authority)
        }
        (Some(_), None) => Err(TlsError::KeyMissing {
            certificate: paths.ca_cert.clone(),
            key: paths.ca_key.clone(),
        }),
        (Some(_), Some(_)) => {
            let authority = Authority::load(paths)?;
            if !authority.is_outdated(now) {
                return Ok(authority);
            }
            let Some(renewed) = authority.renewed(now)? else {
                return if authority.certificate().expires() > now {
                    Ok(authority)
                } else {
                    Err(TlsError::Expired { certificate: paths.ca_cert.clone() })
                };
            };
            write_certificate(&renewed, &paths.ca_cert)?;
            events.extend([Event::AuthorityOutdated, created()]);
            Ok(renewed)
        }
    }
}

fn ensure_client(
    paths: &CertPaths,
    authority: &Authority,
    organisation: &str,
    now: OffsetDateTime,
    events: &mut Vec<Event>,
) -> Result<(), TlsError> {
    match client(paths, authority, now) {
        Client::Good => return Ok(()),
        Client::Outdated => events.push(Event::ClientOutdated),
        Client::Missing => {}
    }
    let issued = authority.issue_client(&format!("{organisation}{BOOTSTRAP}"), now)?;
    issued.write(&paths.client_cert, &paths.client_key)?;
    events.push(Event::ClientCreated(paths.client_cert.clone()));
    Ok(())
}

/// What is to be said of the client certificate.
#[derive(Debug, PartialEq, Eq)]
enum Client {
    Good,
    Outdated,
    /// It is not there, or only half of it.
    Missing,
}

fn client(paths: &CertPaths, authority: &Authority, now: OffsetDateTime) -> Client {
    let (Ok(Some(pem)), Ok(Some(key))) = (read(&paths.client_cert), read(&paths.client_key)) else {
        return Client::Missing;
    };
    let (Ok(certificate), Ok(key)) = (Certificate::parse(&pem), key::parse(&key)) else {
        return Client::Outdated;
    };
    if !certificate.has_key(&key.subject_public_key_info()) {
        return Client::Missing;
    }
    match certificate.renewal(authority.certificate(), &[], now) {
        None => Client::Good,
        // It may come from an authority between ours and the user, about which we know nothing.
        Some(Renewal::Foreign) if !is_ours(&certificate) => Client::Good,
        Some(_) => Client::Outdated,
    }
}

/// docker-machine marks the client certificates that it made itself, and so do we.
fn is_ours(certificate: &Certificate) -> bool {
    certificate.organisation().is_some_and(|organisation| match organisation {
        DnValue::Utf8String(text) => text.ends_with(BOOTSTRAP),
        DnValue::PrintableString(text) => text.as_str().ends_with(BOOTSTRAP),
        _ => false,
    })
}

const BOOTSTRAP: &str = ".<bootstrap>";

fn write_certificate(authority: &Authority, path: &Path) -> Result<(), TlsError> {
    write_atomic(path, authority.pem().as_bytes(), CERTIFICATE_MODE)
        .map_err(|source| TlsError::write(path, source))
}

/// The lock is the system's and dies with the process; the file stays.
fn lock(path: &Path) -> Result<fs::File, TlsError> {
    let failed = |source| TlsError::write(path, source);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(failed)?;
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(TlsError::Busy { path: path.to_owned(), patience: PATIENCE });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// Making both certificates takes milliseconds, so this is for very many processes at once.
const PATIENCE: Duration = Duration::from_secs(30);

fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::read(path, source)),
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}
