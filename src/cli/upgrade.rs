use std::process::ExitCode;

use super::error::CliError;
use super::power;
use super::session::Session;
use super::target::Targets;
use crate::engine::{NewImage, upgrade};

/// Upgrade a machine to the latest version of Docker
///
/// A machine that boots our guest image is stopped, given the newest image, and started; a host that
/// is provisioned over SSH gets the newest package of Docker that its package sources have.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine upgrade lab1
  machine upgrade --image 26.1.5-0123abcd lab1")]
pub(super) struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Build the newest image first, also where the cache has a newer one than the machine
    #[arg(long, conflicts_with = "image")]
    build: bool,
    /// Take this image of the cache, also an older one
    #[arg(long, value_name = "VERSION")]
    image: Option<String>,
}

/// All machines at the same time; goes on where one fails, and reports them all.
pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let image = match args.image {
        Some(version) => NewImage::Version(version),
        None if args.build => NewImage::Built,
        None => NewImage::Newest,
    };
    let names = args.targets.resolve(session)?;
    power::each(&names, session, async |name, progress| {
        upgrade(&session.engine, name, &image, progress).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
