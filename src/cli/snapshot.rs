use std::process::ExitCode;
use std::time::Duration;

use machine_driver::Result;
use serde_json::json;

use super::error::CliError;
use super::session::Session;
use super::{console, create, listing, target};
use crate::engine::Machine;
use crate::output::{table, text};

/// Save machines under a name, and make them what they were
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Save a machine as it is; one that runs goes on
    Save { name: String, snapshot: String },
    /// Make a machine what it was; everything since is lost
    Restore { name: String, snapshot: String },
    /// List the snapshots of a machine
    Ls {
        name: String,
        /// table, json, yaml, or a Go template
        #[arg(long, short)]
        format: Option<String>,
    },
    /// Remove a snapshot
    Rm { name: String, snapshot: String },
}

pub(super) async fn run(command: Command, session: &Session) -> Result<ExitCode, CliError> {
    match command {
        Command::Ls { name, format } => {
            target::check(session, &name)?;
            let mut machine = session.machine(&name)?;
            list(&mut machine, format.as_deref())?;
        }
        Command::Save { name, snapshot } => {
            change(&name, "save", session, async |machine| {
                let context = machine.context.clone();
                let snapshots = machine.driver.snapshots_or_unsupported()?;
                snapshots.save(&context, &snapshot).await.map(drop)
            })
            .await?;
        }
        Command::Restore { name, snapshot } => {
            crate::engine::end_tunnel(&session.engine, &name).await;
            change(&name, "restore", session, async |machine| {
                let context = machine.context.clone();
                let snapshots = machine.driver.snapshots_or_unsupported()?;
                snapshots.restore(&context, &snapshot).await
            })
            .await?;
            console::eprint(&format!("hint: `machine start {name}` lets it go on from there\n"));
        }
        Command::Rm { name, snapshot } => {
            change(&name, "rm", session, async |machine| {
                let context = machine.context.clone();
                let snapshots = machine.driver.snapshots_or_unsupported()?;
                snapshots.remove(&context, &snapshot).await
            })
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Does something with a machine that is complete, under its lock.
async fn change(
    name: &str,
    what: &str,
    session: &Session,
    work: impl AsyncFnOnce(&mut Machine<'_>) -> Result<()>,
) -> Result<(), CliError> {
    target::check(session, name)?;
    let command = format!("snapshot {what} {name}");
    let _lock = session.engine.store.lock(name, &command, Duration::from_secs(20))?;
    let show = create::progress();
    let mut machine = session.engine.load(name, show.for_machine(name))?;
    if let Some(unfinished) = &machine.unfinished {
        return Err(machine.incomplete(unfinished).into());
    }
    let done = work(&mut machine).await;
    show.finish();
    done?;
    machine.context.checkpoint(&*machine.driver)?;
    Ok(())
}

fn list(machine: &mut Machine<'_>, format: Option<&str>) -> Result<(), CliError> {
    let context = machine.context.clone();
    let snapshots = machine.driver.snapshots_or_unsupported()?.list(&context)?;
    let data = snapshots.iter().map(|it| {
        let created = listing::seconds(it.created);
        json!({ "name": it.name, "created": created, "memory": it.memory, "size": it.size })
    });
    let table = || {
        let mut rows = vec![["NAME", "CREATED", "MEMORY", "SIZE"].map(str::to_owned)];
        rows.extend(snapshots.iter().map(|it| {
            let memory = if it.memory { "yes" } else { "no" };
            let age = text::human_duration(it.created.elapsed().unwrap_or_default());
            let size = it.size.map_or("-".to_owned(), |size| format!("{} MB", size / 1_000_000));
            [it.name.clone(), format!("{age} ago"), memory.to_owned(), size]
        }));
        table::render(&rows)
    };
    listing::print(format, &data.collect(), table)
}
