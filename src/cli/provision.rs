use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::target::Targets;
use crate::engine::provision;

/// Make machines Docker hosts again, over SSH
///
/// What is there stays, what is missing or was changed is put in place: the Engine, its
/// certificates, its configuration. Running containers go on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    targets: Targets,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let names = args.targets.resolve(session)?;
    super::power::each(&names, session, async |name, progress| {
        provision(&session.engine, name, progress).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
