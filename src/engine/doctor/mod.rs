//! What is installed, what is broken, and how to mend it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use machine_driver::{Error, Silent, process};
use serde::Serialize;
use time::OffsetDateTime;

use super::Engine;
use crate::tls::Certificate;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::secret;
#[cfg(windows)]
use windows::secret;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Good,
    /// Not there, and only needed for what it is for.
    Missing,
    /// Works today and needs attention.
    Warning,
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `driver`, `program`, `store`, `certificate`, `machine` or `lock`.
    pub area: &'static str,
    pub name: String,
    pub health: Health,
    pub detail: String,
    /// What to do about it, best a command to paste.
    pub fix: Option<String>,
}

/// Programs that some commands hand their work to, and which.
const PROGRAMS: [(&str, &str); 6] = [
    ("docker", "the client, which talks to the machines"),
    ("ssh", "`machine ssh`; without it the built-in client is used"),
    ("scp", "`machine scp`"),
    ("rsync", "`machine scp --delta`"),
    ("sshfs", "`machine mount`"),
    ("fusermount", "`machine mount --unmount`"),
];

/// Certificates that end within this time are told of.
const SOON: time::Duration = time::Duration::days(30);

/// Looks at everything. Asks the drivers what they need, and no machine.
pub async fn examine(engine: &Engine, now: OffsetDateTime) -> Vec<Finding> {
    let mut findings = drivers(engine).await;
    findings.extend(PROGRAMS.iter().map(|(name, what)| program(engine, name, what)));
    findings.push(store(engine));
    findings.extend(certificates(engine, now));
    findings.extend(machines(engine, now));
    findings.extend(locks(engine));
    findings
}

impl Finding {
    fn new(area: &'static str, name: impl Into<String>, health: Health, detail: String) -> Self {
        Self { area, name: name.into(), health, detail, fix: None }
    }

    fn broken(area: &'static str, name: impl Into<String>, error: &Error) -> Self {
        let fix = error.hints().first().cloned();
        Self { fix, ..Self::new(area, name, Health::Broken, error.one_line()) }
    }

    fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

async fn drivers(engine: &Engine) -> Vec<Finding> {
    let looks = engine.registry.iter().map(async |kind| {
        let context = engine.context("doctor", kind.name(), Arc::new(Silent));
        let available = kind.availability(&context).await;
        let health = if available.installed { Health::Good } else { Health::Missing };
        Finding {
            fix: available.fix,
            ..Finding::new("driver", kind.name(), health, available.detail)
        }
    });
    futures_util::future::join_all(looks).await
}

fn program(engine: &Engine, name: &str, what: &str) -> Finding {
    match process::find(name, &engine.search_path) {
        Some(path) => Finding::new("program", name, Health::Good, path.display().to_string()),
        None => Finding::new("program", name, Health::Missing, format!("needed for {what}")),
    }
}

/// Whether a file can be made in the store, which every command that changes something does.
fn store(engine: &Engine) -> Finding {
    let base = engine.store.base();
    let name = base.display().to_string();
    if !base.exists() {
        return Finding::new("store", name, Health::Good, "not made yet".to_owned());
    }
    let probe = base.join(format!(".doctor-{}", crate::store::random_hex(4)));
    let written = fs::write(&probe, "").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::new("store", name, Health::Good, "can be written".to_owned()),
        Err(error) => Finding::new("store", name, Health::Broken, error.to_string())
            .fix("name another one with `--storage-path DIR` or `MACHINE_STORAGE_PATH`"),
    }
}

fn certificates(engine: &Engine, now: OffsetDateTime) -> Vec<Finding> {
    let certs = &engine.certs;
    let mut findings = Vec::new();
    for (name, path) in [("ca", &certs.ca_cert), ("client", &certs.client_cert)] {
        findings.extend(certificate(name, path, now).map(|finding| match finding.health {
            Health::Good => finding,
            _ => finding.fix("machine regenerate-certs --client-certs"),
        }));
    }
    for (name, path) in [("ca key", &certs.ca_key), ("client key", &certs.client_key)] {
        findings.extend(secret(name, path));
    }
    findings
}

/// How long a certificate is good for; nothing for one that is not there.
fn certificate(name: &str, path: &Path, now: OffsetDateTime) -> Option<Finding> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let detail = format!("cannot read `{}`: {error}", path.display());
            return Some(Finding::new("certificate", name, Health::Broken, detail));
        }
    };
    let expires = match Certificate::parse(&text) {
        Ok(certificate) => certificate.expires(),
        Err(error) => return Some(Finding::broken("certificate", name, &error.into())),
    };
    let (health, word) = match expires - now {
        left if left.is_negative() => (Health::Broken, "expired on"),
        left if left < SOON => (Health::Warning, "expires on"),
        _ => (Health::Good, "good until"),
    };
    Some(Finding::new("certificate", name, health, format!("{word} {}", expires.date())))
}

fn machines(engine: &Engine, now: OffsetDateTime) -> Vec<Finding> {
    let names = match engine.store.names() {
        Ok(names) => names,
        Err(error) => return vec![Finding::broken("store", "machines", &error.into())],
    };
    names.iter().flat_map(|name| machine(engine, name, now)).collect()
}

fn machine(engine: &Engine, name: &str, now: OffsetDateTime) -> Vec<Finding> {
    let machine = match engine.load(name, Arc::new(Silent)) {
        Ok(machine) => machine,
        Err(error) => return vec![Finding::broken("machine", name, &error)],
    };
    let mut findings = vec![match &machine.unfinished {
        Some(unfinished) => {
            let error = machine.incomplete(unfinished);
            let fix = error.hints().join(", ");
            Finding::new("machine", name, Health::Warning, error.one_line()).fix(fix)
        }
        None => {
            let detail = format!("driver {}", machine.driver.kind());
            Finding::new("machine", name, Health::Good, detail)
        }
    }];
    let server = machine.context.machine_dir.join("server.pem");
    findings.extend(certificate(name, &server, now).map(|finding| match finding.health {
        Health::Good => finding,
        _ => finding.fix(format!("machine regenerate-certs {name}")),
    }));
    findings.extend(secret(&format!("{name} key"), &machine.context.machine_dir.join("key.pem")));
    findings
}

/// Locks that nobody holds: a command that was killed leaves its file. They hold nobody up.
fn locks(engine: &Engine) -> Vec<Finding> {
    let finding = |(name, held): (String, bool)| {
        let detail = match held {
            false => "left by a command that was killed; it holds nobody up",
            true => "held by a command that is running",
        };
        Finding::new("lock", name, Health::Good, detail.to_owned())
    };
    engine.store.locks().into_iter().map(finding).collect()
}
