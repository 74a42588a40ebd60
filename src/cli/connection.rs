//! Where a docker client connects to, and docker-machine's check that it can.

use std::time::Duration;

use machine_driver::State;

use super::error::CliError;
use super::session::Session;
use crate::engine::{self, Machine, docker_version, swarm_url};
use crate::output::progress::Display;
use crate::ssh::{host_alias, socket_url};
use crate::tls::docker::Client;

/// docker-machine's patience for the handshake.
const PATIENCE: Duration = Duration::from_secs(20);

/// The Engine's address, or with `swarm` that of the Swarm master on the same host.
pub(super) fn url(machine: &Machine<'_>, swarm: bool) -> Result<String, CliError> {
    let url = machine.docker_url()?;
    if !swarm {
        return Ok(url);
    }
    let options = &machine.record.host_options.swarm_options;
    Ok(swarm_url(machine.name(), &url, options)?)
}

/// Whether a docker client with this `DOCKER_HOST` talks to the machine: by its port, or by one of
/// the ways of `env --via`.
pub(super) fn leads_to(machine: &Machine<'_>, docker_host: &str, session: &Session) -> bool {
    let name = machine.name();
    let is_its_socket = engine::socket(&session.engine, name)
        .is_ok_and(|socket| socket_url(&socket) == docker_host);
    is_its_socket
        || machine.endpoint().docker_url.is_some_and(|url| url == docker_host)
        || docker_host.strip_prefix("ssh://").is_some_and(|host| host == host_alias(name))
}

/// An error for a machine that is half made or off. One that may have moved is looked for. Apart from
/// that, our own commands ask nobody but the driver's files; docker-machine asks the driver, so that
/// `url` fails for a machine that is switched off.
pub(super) async fn usable(machine: &Machine<'_>, session: &Session) -> Result<(), CliError> {
    machine.check_usable()?;
    if machine.driver.may_have_moved() {
        // What is printed may be code for a shell.
        let progress = Display::plain(std::io::stderr()).for_machine(machine.name());
        engine::follow(&session.engine, machine.name(), progress).await?;
    }
    if session.environment.manner.is_docker_machine() && machine.glance().is_none() {
        let state = machine.driver.state(&machine.context).await?;
        if state != State::Running {
            return Err(machine.not_running().into());
        }
    }
    Ok(())
}

/// Called as `docker-machine`, `config` and `env` tell by their exit code whether the Engine can
/// be reached: GitLab Runner asks `config` that before every job. Our own commands look at nothing
/// but the store.
pub(super) async fn check(
    machine: &Machine<'_>,
    url: &str,
    session: &Session,
) -> Result<(), CliError> {
    if !session.environment.manner.is_docker_machine() {
        return Ok(());
    }
    let answer = match Client::new(url, &machine.credentials()) {
        _ if url.starts_with("ssh://") => {
            docker_version(&session.engine, machine, url, PATIENCE).await.map(drop)
        }
        Ok(client) => client.ping(PATIENCE).await.map(drop),
        Err(error) => Err(error),
    };
    answer.map_err(|error| {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let error = CliError::from(error);
        let old = format!(
            "Error checking and/or regenerating the certs: There was an error validating \
             certificates for host {host:?}: {}\nYou can attempt to regenerate them using \
             'docker-machine regenerate-certs [name]'.\nBe advised that this will trigger a \
             Docker daemon restart which might stop running containers.\n",
            error.causes()
        );
        error.docker_machine_says(old)
    })
}
