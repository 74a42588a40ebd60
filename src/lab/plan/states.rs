use std::collections::BTreeMap;
use std::time::Duration;

use machine_driver::State;

use crate::engine::{Engine, Machine};

/// How long a driver may take to say what its machines do.
const PATIENCE: Duration = Duration::from_secs(20);

/// The states of machines, in order, with one question to each driver. A machine of which nobody
/// knows is taken for a running one: whoever works on it will see.
pub(super) async fn states(engine: &Engine, machines: &[Machine<'_>]) -> Vec<State> {
    let mut states = vec![State::Running; machines.len()];
    let mut drivers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, machine) in machines.iter().enumerate() {
        if machine.unfinished.is_none() {
            drivers.entry(machine.kind.name()).or_default().push(place);
        }
    }
    let questions = drivers.into_iter().map(async |(name, places)| {
        let asked: Vec<_> = places
            .iter()
            .map(|place| (&machines[*place].context, &*machines[*place].driver))
            .collect();
        let answers = match engine.registry.find(name) {
            Ok(kind) => tokio::time::timeout(PATIENCE, kind.states(&asked)).await.ok(),
            Err(_) => None,
        };
        (places, answers.unwrap_or_default())
    });
    for (places, answers) in futures_util::future::join_all(questions).await {
        for (place, answer) in places.into_iter().zip(answers) {
            match answer {
                Ok(state) => states[place] = state,
                Err(error) => {
                    tracing::debug!(machine = machines[place].name(), %error, "state");
                }
            }
        }
    }
    states
}
