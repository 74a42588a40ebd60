use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use machine_driver::{FlagValues, Kind};

use super::driver_flags::Given;
use super::error::CliError;
use super::session::Session;
use super::{console, create, driver_flags, duration};
use crate::engine::{Leftover, Looked, clear, find_leftovers};
use crate::output::{table, text};

/// Find and remove what was left behind in clouds
///
/// Looks for resources that bear this store's mark and that no machine has, for machines whose
/// servers are gone, and for machines whose time is up. Looks in the accounts and regions of the
/// machines, and in the one that the driver's options or variables name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine gc --dry-run                     what is there, in all configured clouds
  machine gc --driver digitalocean --older-than 2h -y")]
pub(super) struct Args {
    /// Look only in the clouds of this driver
    #[arg(long, short, value_name = "DRIVER")]
    driver: Option<String>,
    /// Pass over what was made within this time: 30m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    older_than: Option<Duration>,
    /// Only show it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(args: Args, given: Given, session: &Session) -> Result<ExitCode, CliError> {
    let Looked { leftovers, places, failures } = look(&args, given, session).await?;
    let mut failures: Vec<CliError> = failures.into_iter().map(CliError::from).collect();
    if leftovers.is_empty() {
        let word = if places == 1 { "place" } else { "places" };
        console::eprint(&format!("Nothing is left behind in {places} {word}.\n"));
    } else {
        console::print(&table(&leftovers))?;
        if !args.dry_run && agreed(&args, leftovers.len())? {
            failures.extend(clear_all(&leftovers, session).await?);
        }
    }
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn look(args: &Args, given: Given, session: &Session) -> Result<Looked, CliError> {
    let engine = &session.engine;
    let age = args.older_than.unwrap_or_default();
    let progress = super::session::silent();
    if let Some(driver) = &args.driver {
        let kind = engine.registry.find(driver)?;
        return Ok(find_leftovers(engine, kind, &given.values, age, &progress).await);
    }
    let mut all = Looked::default();
    for kind in engine.registry.iter() {
        let values = driver_flags::from_variables(kind, &session.environment)?;
        if !is_used(kind, &values, session) {
            continue;
        }
        let looked = find_leftovers(engine, kind, &values, age, &progress).await;
        all.leftovers.extend(looked.leftovers);
        all.failures.extend(looked.failures);
        all.places += looked.places;
    }
    Ok(all)
}

/// Whether a driver has an account here: one of its secrets is in a variable, or it has a machine.
fn is_used(kind: &dyn Kind, values: &FlagValues, session: &Session) -> bool {
    let configured = kind.flags().iter().any(|flag| flag.secret && values.given(&flag.name));
    let has_machine = |name: &String| {
        let record = session.engine.store.load(name);
        record.is_ok_and(|record| record.driver_name == kind.name())
    };
    configured || session.engine.store.names().unwrap_or_default().iter().any(has_machine)
}

fn table(leftovers: &[Leftover]) -> String {
    let header = ["DRIVER", "PLACE", "WHAT", "WHY", "AGE"].map(str::to_owned);
    let age = |created: SystemTime| text::human_duration(created.elapsed().unwrap_or_default());
    let rows = leftovers.iter().map(|it| {
        [
            it.driver.clone(),
            it.place.clone(),
            it.what.clone(),
            it.why.to_owned(),
            it.created.map(age).unwrap_or_default(),
        ]
    });
    table::render(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

fn agreed(args: &Args, count: usize) -> Result<bool, CliError> {
    if args.yes {
        return Ok(true);
    }
    console::confirm(&format!("Remove all {count}? (y/n): "))?.ok_or_else(|| {
        CliError::new("nobody can answer: this is not a terminal")
            .hint("machine gc --yes")
            .hint("machine gc --dry-run")
    })
}

async fn clear_all(leftovers: &[Leftover], session: &Session) -> Result<Vec<CliError>, CliError> {
    let show = create::progress();
    let mut failures = Vec::new();
    for leftover in leftovers {
        match clear(&session.engine, leftover, show.for_machine(&leftover.what)).await {
            Ok(()) => console::println(&format!("Removed {}", leftover.what))?,
            Err(error) => failures.push(CliError::from(error).of_machine(&leftover.what)),
        }
    }
    show.finish();
    Ok(failures)
}
