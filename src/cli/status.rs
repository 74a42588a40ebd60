use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;

/// Get the status of a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    let failed = |error: CliError| error.context(format!("error getting state for host {name}"));
    let machine = session.machine(&name).map_err(failed)?;
    // Scripts know docker-machine's words and no others.
    let unfinished =
        machine.unfinished.is_some() && !session.environment.manner.is_docker_machine();
    let state = match unfinished {
        true => "Incomplete",
        false => {
            let state = machine.driver.state(&machine.context).await;
            state.map_err(|error| failed(error.into()))?.as_str()
        }
    };
    console::println(state)?;
    Ok(ExitCode::SUCCESS)
}
