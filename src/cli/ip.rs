use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Targets;

/// Print the addresses of machines
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the address on the machine's private network instead
    #[arg(long)]
    private: bool,
    #[command(flatten)]
    targets: Targets,
}

pub(super) fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    for name in args.targets.resolve(session)? {
        let machine = session.machine(&name)?;
        machine.check_usable().map_err(|error| error.context("Error getting IP address"))?;
        let endpoint = machine.endpoint();
        let address = match args.private {
            true => endpoint.private_ip.map(|address| address.to_string()),
            false => endpoint.ip,
        };
        let none = || CliError::new(format!("machine `{name}` has no such address"));
        console::println(&address.ok_or_else(none)?)?;
    }
    Ok(ExitCode::SUCCESS)
}
