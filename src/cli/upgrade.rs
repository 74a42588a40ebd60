use std::process::ExitCode;
use std::sync::Arc;

use super::create;
use super::error::CliError;
use super::power::Spoken;
use super::session::Session;
use super::target::Targets;
use crate::engine::upgrade;

/// Upgrade a machine to the latest version of Docker
///
/// Where a machine cannot be upgraded, it says what to do instead.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    targets: Targets,
}

/// All machines at the same time; goes on where one fails, and reports them all.
pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let names = args.targets.resolve(session)?;
    let show = create::progress();
    let manner = session.environment.manner;
    let upgrades = names.iter().map(async |name| {
        let progress = Spoken { manner, inner: show.for_machine(name) };
        upgrade(&session.engine, name, Arc::new(progress)).await
    });
    let results = futures_util::future::join_all(upgrades).await;
    show.finish();
    let failures = results.into_iter().zip(&names).filter_map(|(result, name)| {
        let error = CliError::from(result.err()?);
        Some(if names.len() > 1 { error.of_machine(name) } else { error })
    });
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}
