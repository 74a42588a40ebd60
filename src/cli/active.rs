use std::process::ExitCode;
use std::time::Duration;

use machine_driver::State;

use super::error::CliError;
use super::session::{Session, silent};
use super::{connection, console};
use crate::engine::Machine;

/// Print which machine is active
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Timeout in seconds, default to 10s [default: 10]
    #[arg(long, short, default_value_t = 10, hide_default_value = true, value_name = "SECONDS")]
    timeout: u64,
    #[arg(hide = true)]
    extra: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    if !args.extra.is_empty() {
        return Err(CliError::usage("Too many arguments given")
            .docker_machine_says("Error: Too many arguments given"));
    }
    let Some(host) = session.environment.var("DOCKER_HOST") else {
        return Err(none());
    };
    let mut names = session.engine.store.names()?;
    names.sort_by(|a, b| crate::output::natural::compare(a, b));
    let patience = Duration::from_secs(args.timeout);
    let mut late = false;
    for name in names {
        let Ok(machine) = session.engine.load(&name, silent()) else { continue };
        if !serves(&machine, host, session) {
            continue;
        }
        let state = match machine.glance() {
            Some(state) => Ok(state),
            None => {
                match tokio::time::timeout(patience, machine.driver.state(&machine.context)).await {
                    Ok(state) => state,
                    Err(_elapsed) => {
                        late = true;
                        continue;
                    }
                }
            }
        };
        if matches!(state, Ok(State::Running)) {
            console::println(&name)?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err(if late { CliError::new("Error getting active host: timeout") } else { none() })
}

/// Whether `host` is the machine's Engine, or the Swarm of which it is the master.
fn serves(machine: &Machine<'_>, host: &str, session: &Session) -> bool {
    connection::leads_to(machine, host, session)
        || connection::url(machine, true).is_ok_and(|swarm| swarm == host)
}

fn none() -> CliError {
    CliError::new("No active host found")
        .hint("`eval $(machine env NAME)` points the docker client at a machine")
}
