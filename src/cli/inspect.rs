use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;

/// Print the record of a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// json, yaml, or a Go template over the record
    #[arg(long, short)]
    format: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    let record = session.engine.store.load(&name)?;
    let text = crate::output::format::inspect(&record.to_value(), args.format.as_deref())?;
    console::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
