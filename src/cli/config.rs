use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::target::Target;
use super::{connection, console};

/// Print the connection config for machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the address of the Swarm master instead of the Engine's
    #[arg(long)]
    swarm: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.first(session)?;
    let machine = session.machine(&name)?;
    let failed = |error: CliError| error.context("Error running connection boilerplate");
    connection::usable(&machine, session).await.map_err(failed)?;
    let url = connection::url(&machine, args.swarm).map_err(failed)?;
    connection::check(&machine, &url, session).await.map_err(failed)?;
    // Through SSH there is nothing for TLS to do.
    if url.starts_with("ssh://") {
        console::println(&format!("-H={url}"))?;
        return Ok(ExitCode::SUCCESS);
    }
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
