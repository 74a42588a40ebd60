use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::target::Targets;
use crate::engine::Action;

/// Kill a machine
///
/// It is switched off at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    targets: Targets,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    super::power::run(args.targets, Action::Kill, session).await
}
