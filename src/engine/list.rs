use std::sync::Arc;
use std::time::{Duration, Instant};

use machine_driver::{Error, Progress, Result, State};

use super::{Engine, Machine};
use crate::store::{EngineOptions, SwarmOptions};
use crate::tls::docker::Client;

/// What is known of one machine after a look at it.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    /// Empty if the record could not be read.
    pub driver: String,
    pub state: Look,
    /// The Docker endpoint, if the machine runs.
    pub url: Option<String>,
    /// The Engine's version, for example `28.2.2`.
    pub docker: Option<String>,
    pub engine_options: EngineOptions,
    pub swarm_options: SwarmOptions,
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
    /// Its making or removal did not come to an end.
    Incomplete,
}

impl Look {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State(state) => state.as_str(),
            Self::Broken => State::Error.as_str(),
            Self::Incomplete => "Incomplete",
        }
    }
}

/// Looks at all of `names` at once, each for `deadline` at the most, in the order of `names`. One
/// call for each kind of driver; a broken record is one broken row.
pub async fn list(
    engine: &Engine,
    names: &[String],
    deadline: Duration,
    progress: &Arc<dyn Progress>,
) -> Vec<Row> {
    let started = Instant::now();
    let loaded: Vec<_> = names.iter().map(|name| engine.load(name, Arc::clone(progress))).collect();
    let machines: Vec<&Machine<'_>> = loaded.iter().filter_map(|one| one.as_ref().ok()).collect();
    let states = states(engine, &machines, deadline).await;
    let looks = machines.iter().zip(states).map(async |(machine, state)| {
        let left = deadline.saturating_sub(started.elapsed());
        look(machine, state, left, started).await
    });
    let mut rows = futures_util::future::join_all(looks).await.into_iter();
    names
        .iter()
        .zip(&loaded)
        .map(|(name, loaded)| match loaded {
            Ok(_) => rows.next().expect("one row for each loaded machine"),
            Err(error) => broken(name, error),
        })
        .collect()
}

/// The states of all machines, in order, with one call to each kind of driver.
async fn states(
    engine: &Engine,
    machines: &[&Machine<'_>],
    deadline: Duration,
) -> Vec<Option<Result<State>>> {
    let mut states: Vec<Option<Result<State>>> = machines.iter().map(|_| None).collect();
    let calls = engine.registry.iter().map(async |kind| {
        let (places, queries): (Vec<usize>, Vec<_>) = machines
            .iter()
            .enumerate()
            .filter(|(_, machine)| machine.kind.name() == kind.name())
            .map(|(place, machine)| (place, (&machine.context, &*machine.driver)))
            .unzip();
        let answers = match queries.is_empty() {
            true => Vec::new(),
            false => {
                tokio::time::timeout(deadline, kind.states(&queries)).await.unwrap_or_default()
            }
        };
        places.into_iter().zip(answers).collect::<Vec<_>>()
    });
    for (place, answer) in futures_util::future::join_all(calls).await.into_iter().flatten() {
        states[place] = Some(answer);
    }
    states
}

async fn look(
    machine: &Machine<'_>,
    state: Option<Result<State>>,
    left: Duration,
    started: Instant,
) -> Row {
    let options = &machine.record.host_options;
    let mut row = Row {
        name: machine.name().to_owned(),
        driver: machine.record.driver_name.clone(),
        state: Look::State(State::Timeout),
        url: None,
        docker: None,
        engine_options: options.engine_options.clone(),
        swarm_options: options.swarm_options.clone(),
        error: None,
        response: Duration::ZERO,
    };
    if let Some(unfinished) = &machine.unfinished {
        row.state = Look::Incomplete;
        row.error = Some(one_line(&machine.incomplete(unfinished)));
    } else {
        match state {
            None => {}
            Some(Err(error)) => {
                row.state = Look::State(State::Error);
                row.error = Some(one_line(&error));
            }
            Some(Ok(state)) => {
                row.state = Look::State(state);
                if state == State::Running {
                    row.url = machine.endpoint().docker_url;
                    ask_docker(machine, &mut row, left).await;
                }
            }
        }
    }
    row.response = started.elapsed();
    row
}

async fn ask_docker(machine: &Machine<'_>, row: &mut Row, left: Duration) {
    let Some(url) = &row.url else { return };
    if !machine.driver.capabilities().has_guest {
        return;
    }
    let answer = match Client::new(url, &machine.client_paths()) {
        Ok(client) => client.version(left).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(version) => row.docker = Some(version),
        Err(error) => row.error = Some(one_line(&error)),
    }
}

fn broken(name: &str, error: &Error) -> Row {
    Row {
        name: name.to_owned(),
        driver: String::new(),
        state: Look::Broken,
        url: None,
        docker: None,
        engine_options: EngineOptions::default(),
        swarm_options: SwarmOptions::default(),
        error: Some(one_line(error)),
        response: Duration::ZERO,
    }
}

/// An error with its causes, in one line.
fn one_line(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
