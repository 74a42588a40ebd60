use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::target::Targets;
use super::{connection, console};

/// Get the IP address of a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the address on the machine's private network instead
    #[arg(long)]
    private: bool,
    #[command(flatten)]
    targets: Targets,
}

/// Goes on where one machine has no address, and reports them all.
pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let mut failures = Vec::new();
    for name in args.targets.resolve(session)? {
        match address(&name, args.private, session).await {
            Ok(address) => console::println(&address)?,
            Err(error) => failures.push(error),
        }
    }
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn address(name: &str, private: bool, session: &Session) -> Result<String, CliError> {
    let failed = |error: CliError| error.context("Error getting IP address");
    let machine = session.machine(name)?;
    connection::usable(&machine, session).await.map_err(failed)?;
    let endpoint = machine.endpoint();
    let address = match private {
        true => endpoint.private_ip.map(|address| address.to_string()),
        false => endpoint.ip,
    };
    address.ok_or_else(|| {
        failed(CliError::new(format!("machine `{name}` has no such address")))
            .docker_machine_says("Error getting IP address: IP address is not set")
    })
}
