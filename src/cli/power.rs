//! What `start`, `stop`, `restart` and `kill` have in common: several machines, all at once.

use std::process::ExitCode;
use std::sync::Arc;

use machine_driver::Progress;

use super::error::CliError;
use super::session::Session;
use super::target::Targets;
use super::{console, create};
use crate::engine::{Action, act};

/// Does it with all machines at the same time; goes on where one fails, and reports them all.
pub(super) async fn run(
    targets: Targets,
    action: Action,
    session: &Session,
) -> Result<ExitCode, CliError> {
    let names = targets.resolve(session)?;
    each(&names, async |name, progress| act(&session.engine, name, action, progress).await).await?;
    if matches!(action, Action::Start | Action::Restart) {
        let begun = if action == Action::Start { "Started" } else { "Restarted" };
        console::println(&format!(
            "{begun} machines may have new IP addresses. You may need to re-run the \
             `{} env` command.",
            session.environment.program_name()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Does something with several machines at the same time; goes on where one fails, and reports
/// them all.
pub(super) async fn each<W>(names: &[String], work: W) -> Result<(), CliError>
where
    W: AsyncFn(&str, Arc<dyn Progress>) -> machine_driver::Result<()>,
{
    let show = create::progress();
    let acts = names.iter().map(async |name| (name, work(name, show.for_machine(name)).await));
    let results = futures_util::future::join_all(acts).await;
    show.finish();
    let mut failures = results
        .into_iter()
        .filter_map(|(name, result)| Some((name, CliError::from(result.err()?))))
        .collect::<Vec<_>>();
    if let ([_], Some((_, error))) = (names, failures.first_mut()) {
        return Err(std::mem::replace(error, CliError::interrupted()));
    }
    for (name, error) in &failures {
        console::eprint(&format!("{name}: {}", error.text()));
    }
    if !failures.is_empty() {
        let all = names.len();
        return Err(CliError::new(format!("{} of {all} machines failed", failures.len())));
    }
    Ok(())
}
