use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{create, target};
use crate::engine::clone_machine;

/// Make another machine of a copy of this one
///
/// With all that is on its disk, but with a name, keys, certificates, addresses and ports of its own;
/// in no lab and no swarm. One that runs stands still for a moment, and what it has not written to
/// its disk yet is not in the copy.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine clone lab1 lab2
  eval $(machine env lab2)")]
pub(super) struct Args {
    name: String,
    /// Name of the new machine
    #[arg(value_name = "NEW")]
    new: String,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    target::check(session, &args.name)?;
    let show = create::progress();
    let line = show.for_machine(&args.new);
    let cloned = clone_machine(&session.engine, &args.name, &args.new, line).await;
    show.finish();
    cloned?;
    Ok(ExitCode::SUCCESS)
}
