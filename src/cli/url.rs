use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::target::Target;
use super::{connection, console};

/// Get the URL of a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    let machine = session.machine(&name)?;
    connection::usable(&machine, session).await?;
    console::println(&machine.docker_url()?)?;
    Ok(ExitCode::SUCCESS)
}
