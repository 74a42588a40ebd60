use std::process::ExitCode;
use std::time::Duration;

use super::console;
use super::environment::Environment;
use super::error::CliError;
use super::session::Session;
use super::target::Target;
use crate::engine::docker_version;

/// docker-machine's patience for the handshake.
const PATIENCE: Duration = Duration::from_secs(20);

/// Show the version of this program, or of the Docker Engine on a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

impl Args {
    pub(super) fn is_given(&self) -> bool {
        self.target.is_given()
    }
}

/// The version of this program.
pub(super) fn own(environment: &Environment) -> Result<ExitCode, CliError> {
    let (program, version) = (environment.program_name(), environment.manner.version());
    console::println(&format!("{program} version {version}"))?;
    Ok(ExitCode::SUCCESS)
}

/// The version of the Engine on a machine. The question names no version of the API.
pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    let machine = session.machine(&name)?;
    let failed = |error: CliError| error.context("Unable to query docker version");
    let url = machine.docker_url().map_err(|error| failed(error.into()))?;
    let version = docker_version(&session.engine, &machine, &url, PATIENCE).await;
    console::println(&version.map_err(|error| failed(error.into()))?)?;
    Ok(ExitCode::SUCCESS)
}
