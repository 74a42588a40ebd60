//! boot2docker over SSH: files into `/var/lib/boot2docker`, then a restart of the Engine.

use machine_driver::Result;

use super::family::Service;
use super::host::Host;
use super::profile::{OPTIONS_DIR, profile};
use super::survey::Survey;
use super::{send_certificates, service};
use crate::engine::{Engine, Machine};
use crate::ssh::quoted;

const ENGINE_PORT: u16 = 2376;

pub(super) async fn provision(
    engine: &Engine,
    machine: &Machine<'_>,
    host: &Host,
    survey: &Survey,
) -> Result<()> {
    let name = quoted(machine.name());
    host.check(
        "set the host's name",
        &format!(
            "/usr/bin/sethostname {name} && mkdir -p {OPTIONS_DIR}/etc && \
             echo {name} >{OPTIONS_DIR}/etc/hostname"
        ),
    )
    .await?;
    send_certificates(engine, machine, host, OPTIONS_DIR, false).await?;
    machine.progress.line("Setting Docker configuration on the remote daemon...");
    let options = &machine.record.host_options.engine_options;
    let text = profile(options, machine.driver.kind(), ENGINE_PORT);
    host.write(&format!("{OPTIONS_DIR}/profile"), &text, 0o644).await?;
    match &survey.engine {
        Some(there) => {
            service::restart_keeping(host, Service::Boot2docker, there, &survey.daemon_json).await
        }
        None => host.check("start the Engine", "/etc/init.d/docker restart").await.map(drop),
    }
}
