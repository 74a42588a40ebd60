use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;

/// Print the Docker endpoint of a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    console::println(&session.machine(&name)?.docker_url()?)?;
    Ok(ExitCode::SUCCESS)
}
