use std::io::BufRead;
use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Targets;
use crate::engine::{regenerate, renew_client};

/// Make the TLS certificates of machines anew
///
/// The Engine is restarted; running containers go on. What holds the old client certificate is
/// still let in: both are signed by the same authority.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine regenerate-certs lab1
  machine regenerate-certs -f --client-certs lab1 lab2")]
pub(super) struct Args {
    /// Do not ask
    #[arg(long, short)]
    force: bool,
    /// Make the client certificate anew too, and the authority if it has expired
    #[arg(long)]
    client_certs: bool,
    #[command(flatten)]
    targets: Targets,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let names = args.targets.resolve(session)?;
    if !args.force && !confirmed()? {
        return Ok(ExitCode::SUCCESS);
    }
    console::println("Regenerating TLS certificates")?;
    if args.client_certs {
        renew_client(&session.engine, &*super::create::progress().for_machine(&names[0]))?;
    }
    super::power::each(&names, session, async |name, progress| {
        regenerate(&session.engine, name, progress).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Asks as docker-machine does: also a pipe may answer.
fn confirmed() -> Result<bool, CliError> {
    console::print("Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): ")?;
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(CliError::new("EOF").hint("`--force` does it without asking"));
    }
    match answer.trim() {
        "" => Err(CliError::new("unexpected newline").hint("`--force` does it without asking")),
        answer => Ok(answer.starts_with(['y', 'Y'])),
    }
}
