use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{console, create, target};
use crate::engine::{Removal, remove};

/// Remove machines and everything that was made for them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Drop the record even if the removal fails, and ask nothing
    #[arg(long, short)]
    force: bool,
    /// Ask nothing
    #[arg(short)]
    yes: bool,
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let Args { force, yes, names } = args;
    console::println(&format!(
        "About to remove {}\n\
         WARNING: This action will delete both local reference and remote instance.",
        names.join(", ")
    ))?;
    if !force && !yes {
        match console::confirm("Are you sure? (y/n): ")? {
            Some(true) => {}
            Some(false) => return Ok(ExitCode::SUCCESS),
            None => {
                return Err(CliError::new("nobody can answer: this is not a terminal")
                    .hint(format!("machine rm -y {}", names.join(" "))));
            }
        }
    }
    let show = create::progress();
    let mut failed = 0;
    for name in &names {
        if let Err(error) = target::check(session, name) {
            console::eprint(&error.text());
            failed += 1;
            continue;
        }
        match remove(&session.engine, name, force, show.for_machine(name)).await {
            Ok(Removal::Done) => {
                super::context::forget(name, session)?;
                console::println(&format!("Successfully removed {name}"))?;
            }
            Ok(Removal::Forced(error)) => {
                console::eprint(&removal_error(name, error).text());
                console::println(&format!("Successfully removed {name}"))?;
            }
            Err(error) => {
                console::eprint(&removal_error(name, error).text());
                failed += 1;
            }
        }
    }
    show.finish();
    // By force, even a machine that does not exist is no failure, as in docker-machine.
    if failed > 0 && !force {
        return Ok(ExitCode::from(super::exit::GENERAL));
    }
    Ok(ExitCode::SUCCESS)
}

fn removal_error(name: &str, error: machine_driver::Error) -> CliError {
    CliError::from(error)
        .context(format!("Error removing host \"{name}\""))
        .hint(format!("`machine rm -f {name}` drops the record in any case"))
}
