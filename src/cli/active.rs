use std::process::ExitCode;
use std::time::Duration;

use machine_driver::State;

use super::console;
use super::error::CliError;
use super::session::{Session, silent};

/// Print which machine the docker client talks to
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Seconds to wait for a driver that has to be asked
    #[arg(long, short, default_value_t = 10)]
    timeout: u64,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let Some(host) = session.environment.var("DOCKER_HOST") else {
        return Err(none());
    };
    let mut names = session.engine.store.names()?;
    names.sort_by(|a, b| crate::output::natural::compare(a, b));
    for name in names {
        let Ok(machine) = session.engine.load(&name, silent()) else { continue };
        if machine.endpoint().docker_url.as_deref() != Some(host) {
            continue;
        }
        let asked = machine.driver.state(&machine.context);
        let state = match machine.glance() {
            Some(state) => state,
            None => tokio::time::timeout(Duration::from_secs(args.timeout), asked)
                .await
                .map_err(|_elapsed| CliError::new("Error getting active host: timeout"))??,
        };
        if state == State::Running {
            console::println(&name)?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err(none())
}

fn none() -> CliError {
    CliError::new("No active host found")
        .hint("`eval $(machine env NAME)` points the docker client at a machine")
}
