use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use machine_driver::{Error, ErrorKind, Progress, Result, State};
use tokio::sync::Semaphore;

use super::{Engine, Machine, docker_version, swarm_url};
use crate::store::HostOptions;

/// A machine of the store, as far as its record can be read.
pub struct Found<'a> {
    pub name: String,
    pub machine: Result<Machine<'a>>,
}

/// What is known of one machine after a look at it.
#[derive(Debug, Clone)]
pub struct Row {
    pub look: Look,
    /// The Docker endpoint, if the machine runs.
    pub url: Option<String>,
    /// The endpoint of its swarm, if it runs and is the master of one.
    pub swarm_url: Option<String>,
    /// The Engine's version, for example `28.2.2`.
    pub docker: Option<String>,
    /// `None` if the record could not be read or the machine was late.
    pub options: Option<HostOptions>,
    pub error: Option<String>,
    /// How long the look took.
    pub response: Duration,
}

/// The state that `ls` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    State(State),
    /// The record cannot be read.
    Broken,
    /// Its driver is not there.
    NoDriver,
    /// Its making or removal did not come to an end.
    Incomplete,
    /// It did not say what it does within the deadline.
    Late,
}

impl Look {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State(state) => state.as_str(),
            Self::Broken | Self::NoDriver => State::Error.as_str(),
            Self::Incomplete => "Incomplete",
            Self::Late => State::Timeout.as_str(),
        }
    }
}

/// So many machines are asked at once: each takes an open file, of which a process has few.
const AT_ONCE: usize = 200;

/// All machines of the store, in byte order. Only files are read.
pub fn find_all<'a>(engine: &'a Engine, progress: &Arc<dyn Progress>) -> Result<Vec<Found<'a>>> {
    let find = |name: String| {
        let machine = engine.load(&name, Arc::clone(progress));
        Found { name, machine }
    };
    Ok(engine.store.names()?.into_iter().map(find).collect())
}

/// Looks at all of `found` at once, each for `deadline` at the most, in their order. A broken
/// record is one broken row, and a machine that is late makes no other late.
pub async fn look(engine: &Engine, found: &[&Found<'_>], deadline: Duration) -> Vec<Row> {
    let permits = Semaphore::new(AT_ONCE);
    let mut rows: Vec<Option<Row>> = found.iter().map(|_| None).collect();
    let mut alone = Vec::new();
    let mut together: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, found) in found.iter().enumerate() {
        match &found.machine {
            Err(error) => rows[place] = Some(broken(error)),
            Ok(machine) if !machine.kind.answers_at_once() => alone.push(place),
            Ok(machine) => match together.iter_mut().find(|(it, _)| *it == machine.kind.name()) {
                Some((_, places)) => places.push(place),
                None => together.push((machine.kind.name(), vec![place])),
            },
        }
    }
    let machine = |place: usize| found[place].machine.as_ref().expect("it could be read");
    let alone = alone.into_iter().map(async |place| {
        let _permit = permits.acquire().await.expect("nobody closes it");
        let machine = machine(place);
        let state = machine.driver.state(&machine.context);
        vec![(place, look_at(engine, machine, deadline, state).await)]
    });
    let together = together.into_iter().map(async |(name, places)| {
        let queries: Vec<_> = places
            .iter()
            .map(|place| machine(*place))
            .map(|it| (&it.context, &*it.driver))
            .collect();
        let kind = engine.registry.find(name).expect("the machines were loaded through it");
        let started = Instant::now();
        let states = tokio::time::timeout(deadline, kind.states(&queries)).await;
        let Ok(states) = states else {
            return places.into_iter().map(|place| (place, late(deadline))).collect();
        };
        let left = deadline.saturating_sub(started.elapsed());
        let looks = places.into_iter().zip(states).map(async |(place, state)| {
            let _permit = permits.acquire().await.expect("nobody closes it");
            (place, look_at(engine, machine(place), left, async { state }).await)
        });
        join_all(looks).await
    });
    let (alone, together) = tokio::join!(join_all(alone), join_all(together));
    for (place, row) in alone.into_iter().chain(together).flatten() {
        rows[place] = Some(row);
    }
    rows.into_iter().map(|row| row.expect("each was looked at")).collect()
}

async fn look_at(
    engine: &Engine,
    machine: &Machine<'_>,
    deadline: Duration,
    state: impl Future<Output = Result<State>>,
) -> Row {
    // No time at all is too little for an answer, also for one that costs nothing.
    if deadline.is_zero() {
        return late(deadline);
    }
    let started = Instant::now();
    let asked = tokio::time::timeout(deadline, ask(engine, machine, deadline, state)).await;
    match asked {
        Ok(row) => Row { response: started.elapsed(), ..row },
        Err(_elapsed) => late(deadline),
    }
}

async fn ask(
    engine: &Engine,
    machine: &Machine<'_>,
    deadline: Duration,
    state: impl Future<Output = Result<State>>,
) -> Row {
    let options = machine.record.host_options.clone();
    let mut row = Row { options: Some(options), ..late(Duration::ZERO) };
    if let Some(unfinished) = &machine.unfinished {
        row.look = Look::Incomplete;
        row.error = Some(machine.incomplete(unfinished).one_line());
        return row;
    }
    match state.await {
        Err(error) => {
            let is_missing = machine.kind.name() == super::missing::KIND_NAME;
            row.look = if is_missing { Look::NoDriver } else { Look::State(State::Error) };
            row.error = Some(error.one_line());
        }
        Ok(state) => {
            row.look = Look::State(state);
            row.url = machine.endpoint().docker_url.filter(|_| state == State::Running);
        }
    }
    let Some(url) = row.url.clone() else { return row };
    let swarm = &machine.record.host_options.swarm_options;
    row.swarm_url = swarm_url(machine.name(), &url, swarm).ok();
    // Whoever asked gives up first, at the deadline of the machine as a whole.
    let patience = deadline * 2 + Duration::from_secs(1);
    match docker_version(engine, machine, &url, patience).await {
        Ok(version) => row.docker = Some(version),
        Err(error) => {
            // Nobody can say whether an adopted host runs but the host itself.
            if machine.is_adopted() && error.kind() == ErrorKind::NotRunning {
                row.look = Look::State(State::Stopped);
                row.url = None;
            }
            row.error = Some(format!("Unable to query docker version: {}", error.one_line()));
        }
    }
    row
}

fn late(after: Duration) -> Row {
    Row {
        look: Look::Late,
        url: None,
        swarm_url: None,
        docker: None,
        options: None,
        error: None,
        response: after,
    }
}

fn broken(error: &Error) -> Row {
    Row { look: Look::Broken, error: Some(error.one_line()), ..late(Duration::ZERO) }
}
