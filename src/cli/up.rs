use std::process::ExitCode;

use machine_driver::Kind;

use super::error::CliError;
use super::lab_file::{self, FileArg, Given, default_jobs};
use super::session::Session;
use super::{console, create};
use crate::lab::{self, Action, Options, Outcome};
use crate::output::table;
use crate::provision;

/// Make the machines of a lab file what it asks for
///
/// Called again it does what is left to do. A machine is never removed unless that is said.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine lab init          writes a file to begin with
  machine up
  machine up -f other/lab.yaml node1 node2")]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// Work on so many machines at the same time [default: 8, or one for each CPU]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Remove machines and make them again where they cannot be changed; what is on them is lost
    #[arg(long)]
    replace: bool,
    /// Remove machines of the lab that are not in the file any more
    #[arg(long)]
    prune: bool,
    /// Take machines of these names into the lab that belong to none
    #[arg(long)]
    adopt: bool,
    /// Machines of the lab [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let found = args.file.find(session)?;
    let plan = lab_file::plan(&found, &args.names, session).await?;
    let display = create::progress();
    let show = |name: &str| display.one_of_many(name);
    let given = Given::of(&plan.lab, session)?;
    let base = |kind: &dyn Kind| given.values(kind);
    let options = Options {
        jobs: args.jobs.unwrap_or_else(default_jobs),
        replace: args.replace,
        prune: args.prune,
        adopt: args.adopt,
        base: &base,
        provisioning: provision::Options::default(),
        show: &show,
    };
    let outcomes = Box::pin(lab::up(&session.engine, &plan, &options)).await;
    display.finish();
    let outcomes = outcomes?;
    let booted = plan.steps.iter().find(|step| step.action == Action::Create);
    if let Some(step) = booted.filter(|step| session.engine.store.exists(&step.name)) {
        super::template::build_in_background(&step.name, session).await;
    }
    report(outcomes)
}

/// A line for each machine, and all that went wrong.
pub(super) fn report(outcomes: Vec<Outcome>) -> Result<ExitCode, CliError> {
    let rows: Vec<[&str; 2]> = outcomes
        .iter()
        .map(|it| [it.name.as_str(), if it.error.is_some() { "failed" } else { it.did }])
        .collect();
    console::print(&table::render(&rows))?;
    let failures = outcomes.into_iter().filter_map(|outcome| {
        let error = CliError::from(outcome.error?);
        Some(error.of_machine(&outcome.name))
    });
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}
