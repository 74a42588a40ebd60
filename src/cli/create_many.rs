//! `create` with several names: all at once, within bounds; what fails with one does not stop the
//! others.

use futures_util::future::join_all;

use super::error::CliError;
use super::session::Session;
use super::{console, create};
use crate::engine::{self, Request};
use crate::lab::{Bounds, memory};
use crate::output::table;

pub(super) async fn run(
    requests: &[Request],
    jobs: usize,
    session: &Session,
) -> Result<(), CliError> {
    let engine = &session.engine;
    let kind = engine.registry.find(&requests[0].driver)?;
    let display = create::progress();
    let bounds = Bounds::new(jobs, engine.registry.iter());
    let creates = requests.iter().map(async |request| {
        let _permit = bounds.enter(kind.name(), memory(kind, &request.values)).await;
        Box::pin(engine::create(engine, request, display.one_of_many(&request.name))).await
    });
    let results = tokio::select! {
        results = join_all(creates) => results,
        () = console::interrupted() => {
            display.finish();
            let there = requests
                .iter()
                .map(|it| create::interrupted(&it.name, session).of_machine(&it.name));
            return Err(CliError::all(there).unwrap_or_else(CliError::interrupted));
        }
    };
    display.finish();
    let rows: Vec<[&str; 2]> = requests
        .iter()
        .zip(&results)
        .map(|(it, result)| [it.name.as_str(), if result.is_ok() { "created" } else { "failed" }])
        .collect();
    console::print(&table::render(&rows))?;
    let failures = requests.iter().zip(results).filter_map(|(request, result)| {
        Some(create::failure(&request.name, result.err()?).of_machine(&request.name))
    });
    CliError::all(failures).map_or(Ok(()), Err)
}
