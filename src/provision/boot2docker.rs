//! boot2docker over SSH: files into `/var/lib/boot2docker`, then a restart of the Engine.

use machine_driver::Result;

use super::profile::{OPTIONS_DIR, profile};
use crate::engine::{Engine, Machine, server_tls};
use crate::ssh::{Session, quoted};

const ENGINE_PORT: u16 = 2376;

pub(super) async fn provision(
    engine: &Engine,
    machine: &Machine<'_>,
    session: &Session,
) -> Result<()> {
    let progress = &machine.context.progress;
    let name = quoted(machine.name());
    progress.line("Copying certs to the local machine directory...");
    let tls = server_tls(engine, machine)?;
    run(
        session,
        &format!(
            "sudo /usr/bin/sethostname {name} && sudo mkdir -p {OPTIONS_DIR}/etc && \
             echo {name} | sudo tee {OPTIONS_DIR}/etc/hostname"
        ),
    )
    .await?;
    progress.line("Copying certs to the remote machine...");
    install(session, "ca.pem", &tls.ca, 0o644).await?;
    install(session, "server.pem", &tls.certificate, 0o644).await?;
    install(session, "server-key.pem", &tls.key, 0o600).await?;
    progress.line("Setting Docker configuration on the remote daemon...");
    let options = &machine.record.host_options.engine_options;
    let text = profile(options, machine.driver.kind(), ENGINE_PORT);
    install(session, "profile", &text, 0o644).await?;
    run(session, "sudo /etc/init.d/docker restart").await
}

/// Writes a file of the options directory, in one step.
async fn install(session: &Session, name: &str, content: &str, mode: u32) -> Result<()> {
    let path = format!("{OPTIONS_DIR}/{name}");
    Ok(session.upload(&path, content.as_bytes(), mode).await?)
}

async fn run(session: &Session, command: &str) -> Result<()> {
    session.check(command).await?;
    Ok(())
}
