//! The server certificate over a machine's life: when it ends, and making it anew.

use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Progress, Result};
use time::OffsetDateTime;

use super::{Engine, Machine, birth};
use crate::tls::{Certificate, Renewal};

/// When the certificates of a machine end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    pub at: OffsetDateTime,
    /// Whole days from now; negative if it is over.
    pub days_left: i64,
}

impl Expiry {
    /// Whether it is time to say so: 30 days ahead.
    pub fn is_near(self) -> bool {
        self.days_left < 30
    }
}

/// When the first of the certificates of a machine ends, its Engine's or the client's, as far as
/// its directory knows. `None` if there is none. Reads two files.
pub fn expiry(engine: &Engine, name: &str) -> Option<Expiry> {
    let dir = engine.store.machine_dir(name);
    let end = |file: &str| {
        let pem = std::fs::read_to_string(dir.join(file)).ok()?;
        Certificate::parse(&pem).ok().map(|certificate| certificate.expires())
    };
    let server = end("server.pem")?;
    let at = end("cert.pem").map_or(server, |client| client.min(server));
    Some(Expiry { at, days_left: (at - OffsetDateTime::now_utc()).whole_days() })
}

/// Makes the user's own certificate anew, and the authority where it is missing or outdated. The
/// machines of the store let the old certificate in too.
pub fn renew_client(engine: &Engine, progress: &dyn Progress) -> Result<()> {
    progress.line("Regenerating local certificates");
    let now = OffsetDateTime::now_utc();
    for event in crate::tls::renew_client(&engine.certs, &engine.organisation, now)? {
        progress.line(&event.to_string());
    }
    Ok(())
}

/// Makes a machine's server certificate anew and brings it to the Engine, whose containers go on
/// running.
pub async fn regenerate(engine: &Engine, name: &str, progress: Arc<dyn Progress>) -> Result<()> {
    let command = format!("regenerate-certs {name}");
    let _lock = engine.store.lock(name, &command, Duration::from_secs(20))?;
    let machine = Machine::load(engine, name, Arc::clone(&progress))?;
    check(&machine)?;
    birth::certificate_authority(engine, &*progress)?;
    crate::provision::wait_for_ssh(engine, &machine).await?;
    Box::pin(crate::provision::renew_certificates(engine, &machine, true)).await?;
    super::ready::docker_answers(engine, &machine).await
}

/// Renews the certificate of a machine that was just started, if it has to be: it ends within 30
/// days, or the machine's address has changed.
pub(super) async fn renew_if_needed(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    let why = match birth::server_renewal(engine, machine)? {
        // Another store's machine: its certificates are not ours to replace.
        None | Some(Renewal::Foreign) => return Ok(()),
        Some(Renewal::Expired) => "has expired".to_owned(),
        Some(Renewal::NotYetValid) => "is not valid yet".to_owned(),
        Some(Renewal::ExpiresSoon) => "expires soon".to_owned(),
        Some(Renewal::Unnamed(names)) => format!("does not name {}", names.join(", ")),
    };
    machine
        .progress
        .line(&format!("The certificate of \"{}\" {why}: renewing it...", machine.name()));
    birth::certificate_authority(engine, &*machine.progress)?;
    crate::provision::wait_for_ssh(engine, machine).await?;
    Box::pin(crate::provision::renew_certificates(engine, machine, true)).await
}

/// An error for a machine whose Engine has no certificate of ours.
pub(super) fn check(machine: &Machine<'_>) -> Result<()> {
    if let Some(unfinished) = &machine.unfinished
        && unfinished.step == "remove"
    {
        return Err(machine.incomplete(unfinished));
    }
    if machine.driver.capabilities().has_guest {
        return Ok(());
    }
    let name = machine.name();
    Err(Error::unsupported(machine.driver.kind(), "provisioning")
        .hint(format!("`{name}` is used as it is: nothing on it was made by this program")))
}
