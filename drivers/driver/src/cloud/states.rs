use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::Value;

use crate::{Context, Driver, Error, Result, State};

/// The states of several machines with one list call for each account and region, for
/// [`crate::Kind::states`]. `place` and `id` read a record: whose machine it is, and which
/// server; `list` is called with the context and the record of one machine of each place, and
/// gives the states of all servers there by id. A server that is not listed is missing; one whose
/// id is empty was never made.
pub async fn states<F, L>(
    machines: &[(&Context, &dyn Driver)],
    place: impl Fn(&Value) -> String,
    id: impl Fn(&Value) -> String,
    list: L,
) -> Vec<Result<State>>
where
    L: Fn(Context, Value) -> F,
    F: Future<Output = Result<BTreeMap<String, State>>>,
{
    let records: Vec<Value> = machines.iter().map(|(_, driver)| driver.record()).collect();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        places.entry(place(record)).or_insert(at);
    }
    let calls = places
        .into_iter()
        .map(async |(place, at)| (place, list(machines[at].0.clone(), records[at].clone()).await));
    let listed: BTreeMap<String, Result<BTreeMap<String, State>>> =
        join_all(calls).await.into_iter().collect();
    records
        .iter()
        .map(|record| match (&listed[&place(record)], id(record)) {
            (_, id) if id.is_empty() => Ok(State::None),
            (Ok(states), id) => Ok(states.get(&id).copied().unwrap_or(State::Missing)),
            (Err(error), _) => Err(again(error)),
        })
        .collect()
}

/// The same error once more, for the next machine.
fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.one_line());
    error.hints().iter().fold(copy, Error::hint)
}
