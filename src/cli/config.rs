use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;

/// Print the options with which a docker client reaches a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    let machine = session.machine(&name)?;
    let url = machine.docker_url()?;
    let paths = machine.client_paths();
    let quoted = |path: &std::path::Path| format!("{:?}", path.display().to_string());
    console::print(&format!(
        "--tlsverify\n--tlscacert={}\n--tlscert={}\n--tlskey={}\n-H={url}\n",
        quoted(&paths.ca),
        quoted(&paths.cert),
        quoted(&paths.key),
    ))?;
    Ok(ExitCode::SUCCESS)
}
