use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use crate::engine;

/// Lead a local socket to the Docker Engine of a machine: not on this system
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    name: String,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    engine::tunnel(&session.engine, &args.name, |_path| {}).await?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn url(name: &str, session: &Session) -> Result<String, CliError> {
    Ok(engine::socket(&session.engine, name)?.display().to_string())
}
