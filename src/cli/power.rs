//! What `start`, `stop`, `restart` and `kill` have in common: several machines, all at once.

use std::process::ExitCode;
use std::sync::Arc;

use machine_driver::Progress;

use super::error::CliError;
use super::manner::Manner;
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
    each(&names, session, async |name, progress| {
        act(&session.engine, name, action, progress).await
    })
    .await?;
    if matches!(action, Action::Start | Action::Restart) {
        for name in &names {
            super::misfit::warn(name, session);
        }
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
pub(super) async fn each<W>(names: &[String], session: &Session, work: W) -> Result<(), CliError>
where
    W: AsyncFn(&str, Arc<dyn Progress>) -> machine_driver::Result<()>,
{
    let show = create::progress();
    let manner = session.environment.manner;
    let acts = names.iter().map(async |name| {
        let progress = Spoken { manner, inner: show.for_machine(name) };
        work(name, Arc::new(progress)).await
    });
    let results = futures_util::future::join_all(acts).await;
    show.finish();
    let failures = results.into_iter().zip(names).filter_map(|(result, name)| {
        let error = CliError::from(result.err()?);
        Some(if names.len() > 1 { error.of_machine(name) } else { error })
    });
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Progress in the words of the program that we are called as.
pub(super) struct Spoken {
    pub(super) manner: Manner,
    pub(super) inner: Arc<dyn Progress>,
}

impl Progress for Spoken {
    fn line(&self, text: &str) {
        self.inner.line(self.manner.line(text));
    }

    fn advance(&self, what: &str, done: u64, total: Option<u64>) {
        self.inner.advance(what, done, total);
    }

    fn warn(&self, text: &str) {
        self.inner.warn(text);
    }
}
