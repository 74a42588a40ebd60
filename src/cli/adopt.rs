use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{console, create};
use crate::engine::{Address, adopt};

/// Use a host as it is, through SSH: nothing is written on it
///
/// `~/.ssh/config` with its jumps, the agent and the default keys count. To make a host a machine
/// with certificates and a port of its own, use `machine create -d generic`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine adopt build ssh://me@build.example.com
  eval $(machine env build)")]
pub(super) struct Args {
    name: String,
    /// Where it is; without user or port your SSH configuration decides
    #[arg(value_name = "ssh://[USER@]HOST[:PORT]")]
    address: String,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let address: Address = args
        .address
        .parse()
        .map_err(|error: machine_driver::Error| CliError::from(error).code(super::exit::USAGE))?;
    let show = create::progress();
    let result = adopt(&session.engine, &args.name, &address, show.for_machine(&args.name)).await;
    show.finish();
    result
        .map_err(|error| CliError::from(error).context(format!("cannot adopt `{}`", args.name)))?;
    console::println(&format!(
        "To see how to connect your Docker Client to it, run: {} env {}",
        session.environment.program, args.name
    ))?;
    Ok(ExitCode::SUCCESS)
}
