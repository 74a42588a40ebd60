use std::process::ExitCode;
use std::time::Duration;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;
use crate::tls::docker::Client;

/// Print the version of this program, or of the Docker Engine on a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    if !args.target.is_given() {
        let program = session.environment.program_name();
        console::println(&format!("{program} version {}", env!("CARGO_PKG_VERSION")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let machine_name = args.target.resolve(session)?;
    let machine = session.machine(&machine_name)?;
    let client = Client::new(&machine.docker_url()?, &machine.client_paths())?;
    let version = client.version(Duration::from_secs(20)).await;
    let version =
        version.map_err(|error| CliError::from(error).context("Unable to query docker version"))?;
    console::println(&version)?;
    Ok(ExitCode::SUCCESS)
}
