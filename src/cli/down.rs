use std::process::ExitCode;

use super::error::CliError;
use super::lab_file::{FileArg, default_jobs};
use super::session::Session;
use super::{console, create, up};
use crate::lab;

/// Remove the machines of a lab
///
/// With names only these: each leaves the lab's swarm before it goes, and what runs on it moves to
/// the others.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// The lab's name, where its file is not there any more
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    lab: Option<String>,
    /// Work on so many machines at the same time [default: 8, or one for each CPU]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Machines of the lab [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = match args.lab {
        Some(name) => name,
        None => args.file.find(session)?.name(session)?,
    };
    let members = lab::members(&session.engine, &name)?;
    let stranger = args.names.iter().find(|name| !members.contains(name));
    if let Some(stranger) = stranger {
        return Err(CliError::new(format!("there is no machine `{stranger}` of the lab `{name}`"))
            .hint(format!("its machines are {}", members.join(", "))));
    }
    if members.is_empty() {
        console::eprint(&format!("The lab `{name}` has no machines.\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let going = if args.names.is_empty() { &members } else { &args.names };
    let question = format!("Remove {}? (y/n): ", going.join(", "));
    if !args.yes && console::confirm(&question)? == Some(false) {
        return Ok(ExitCode::SUCCESS);
    }
    let display = create::progress();
    let show = |name: &str| display.one_of_many(name);
    let jobs = args.jobs.unwrap_or_else(default_jobs);
    let outcomes = lab::down(&session.engine, &name, &args.names, jobs, &show).await;
    display.finish();
    let outcomes = outcomes?;
    for outcome in outcomes.iter().filter(|outcome| outcome.error.is_none()) {
        super::context::forget(&outcome.name, session)?;
    }
    up::report(outcomes)
}
