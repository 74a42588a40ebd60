//! What provisioning would change on a host, for people to read before it does.

use machine_driver::Result;

use super::daemon;
use super::family::OPTIONS_DIR;
use super::install::{Way, way};
use super::options::Options;
use super::survey::Survey;
use crate::store::EngineOptions;

/// One line for each change, and for what stays where one might fear for it.
pub(super) fn changes(
    survey: &Survey,
    options: &Options,
    engine: &EngineOptions,
    name: &str,
    port: u16,
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    if (options.set_hostname || options.as_docker_machine) && survey.hostname != name {
        lines.push(format!("rename the host from `{}` to `{name}`", survey.hostname));
    }
    if options.upgrades(survey) {
        lines.push("upgrade all its packages".to_owned());
    }
    lines.push(match way(survey, options, &engine.install_url)? {
        Way::Keep => match &survey.engine {
            Some(there) => format!("keep its Docker Engine {}", there.version),
            None => "keep its Docker Engine".to_owned(),
        },
        Way::Script { url, or_package: false } => format!("install Docker with {url}"),
        Way::Script { url, or_package: true } => {
            format!("install Docker with {url}, or the distribution's package if it cannot be had")
        }
        Way::Package => "install the distribution's package of Docker".to_owned(),
    });
    let verb = if survey.has_certificates { "replace" } else { "write" };
    lines.push(format!("{verb} ca.pem, server.pem and server-key.pem in {OPTIONS_DIR}"));
    let configuration = daemon::configuration(engine, "generic", port, &survey.daemon_json)?;
    if configuration.daemon_json.is_some() {
        lines.push("merge what the machine needs into its /etc/docker/daemon.json".to_owned());
    }
    lines.push(format!("let its Engine answer on port {port} of all its addresses, to holders of our certificates only"));
    if let Some(there) = survey.engine.as_ref().filter(|there| there.running) {
        lines.push(match (there.containers, there.swarm) {
            (0, _) => "restart its Engine".to_owned(),
            (count, false) => format!("restart its Engine; its {count} running containers go on"),
            (count, true) => {
                format!(
                    "restart its Engine, and with it its {count} containers: it is in swarm mode"
                )
            }
        });
    }
    Ok(lines)
}
