use std::process::ExitCode;
use std::sync::Arc;

use machine_driver::Progress;

use super::error::CliError;
use super::session::Session;
use super::{console, create, target};
use crate::engine::{Removal, remove};

/// Remove a machine
///
/// Everything that was made for it goes with it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Remove local configuration even if machine cannot be removed, also implies an automatic yes
    /// (`-y`)
    #[arg(long, short)]
    force: bool,
    /// Assumes automatic yes to proceed with remove, without prompting further user confirmation
    #[arg(short)]
    yes: bool,
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let Args { force, yes, names } = args;
    if names.is_empty() {
        let message = "Expected to get one or more machine names as arguments";
        return Err(CliError::usage(message)
            .hint("machine rm lab1")
            .docker_machine_says(format!("Error: {message}"))
            .after_help_of("rm"));
    }
    console::println(&format!(
        "About to remove {}\n\
         WARNING: This action will delete both local reference and remote instance.",
        names.join(", ")
    ))?;
    if !force && !yes && !confirmed(&names, session)? {
        return Ok(ExitCode::SUCCESS);
    }
    let show = create::progress();
    let mut failures = Vec::new();
    for name in &names {
        match remove_one(name, force, show.for_machine(name), session).await {
            Ok(true) => console::println(&format!("Successfully removed {name}"))?,
            Ok(false) => {}
            Err(error) => failures.push(error),
        }
    }
    show.finish();
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// docker-machine reads the answer from wherever stdin leads; no answer is a no.
fn confirmed(names: &[String], session: &Session) -> Result<bool, CliError> {
    let question = "Are you sure? (y/n): ";
    if session.environment.manner.is_docker_machine() {
        return Ok(console::ask(question)?);
    }
    console::confirm(question)?.ok_or_else(|| {
        CliError::new("nobody can answer: this is not a terminal")
            .hint(format!("machine rm -y {}", names.join(" ")))
    })
}

/// Whether it was removed. By force nothing is a failure, as in docker-machine, not even a machine
/// that does not exist.
async fn remove_one(
    name: &str,
    force: bool,
    progress: Arc<dyn Progress>,
    session: &Session,
) -> Result<bool, CliError> {
    let manner = session.environment.manner;
    let failed = |error: CliError| error.context(format!("Error removing host \"{name}\""));
    if let Err(error) = target::check(session, name) {
        let error = failed(error);
        if !force {
            return Err(error);
        }
        console::eprint(&manner.text(&error));
        console::eprint(&format!("Can't remove \"{name}\"\n"));
        return Ok(false);
    }
    let by_force = |error: machine_driver::Error| {
        let hint = format!("`machine rm -f {name}` drops the record in any case");
        failed(CliError::from(error)).hint(hint)
    };
    match remove(&session.engine, name, force, progress).await {
        Ok(Removal::Done) => {
            super::context::forget(name, session)?;
            Ok(true)
        }
        Ok(Removal::Forced(error)) => {
            console::eprint(&manner.text(&failed(CliError::from(error))));
            Ok(true)
        }
        Err(error) => Err(by_force(error)),
    }
}
