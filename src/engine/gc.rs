//! What was left behind: resources of this store that no machine has, and machines whose resources
//! are gone or whose time is up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use machine_driver::{
    Context, Driver, Error, FlagValues, Kind, Progress, Resource, Result, State, file,
};
use serde_json::Value;

use super::{Engine, Machine};
use crate::store::{Record, StoreError};

/// What was found, and where nothing could be looked for.
#[derive(Debug, Default)]
pub struct Looked {
    /// In an order in which they can be cleared.
    pub leftovers: Vec<Leftover>,
    /// How many accounts and regions were looked through.
    pub places: usize,
    pub failures: Vec<Error>,
}

/// Something that is to go.
#[derive(Debug)]
pub struct Leftover {
    pub driver: String,
    /// The account's region, as [`machine_driver::Account::place`] has it.
    pub place: String,
    /// For people, for example `droplet 123 (lab1)`.
    pub what: String,
    pub why: &'static str,
    /// When it was made, if that is known.
    pub created: Option<SystemTime>,
    thing: Thing,
}

#[derive(Debug)]
enum Thing {
    Resource { account: Arc<dyn Driver>, resource: Resource },
    Machine(String),
}

/// Looks through the accounts of `kind`: those of its machines, and the one that `values` name.
/// What was made less than `age` ago is passed over.
pub async fn find_leftovers(
    engine: &Engine,
    kind: &dyn Kind,
    values: &FlagValues,
    age: Duration,
    progress: &Arc<dyn Progress>,
) -> Looked {
    let mut looked = Looked::default();
    let context = engine.context("", kind.name(), Arc::clone(progress));
    let mut machines = Vec::new();
    for found in super::find_all(engine, progress).unwrap_or_default() {
        match found.machine {
            Ok(machine) if machine.kind.name() == kind.name() => machines.push(machine),
            _ => {}
        }
    }
    let mut accounts: BTreeMap<String, Arc<dyn Driver>> = BTreeMap::new();
    let mut add = |driver: Box<dyn Driver>| {
        if let Some(place) = driver.account().map(machine_driver::Account::place) {
            accounts.entry(place).or_insert_with(|| driver.into());
        }
    };
    match kind.configure(&context, values) {
        Ok(driver) => add(driver),
        Err(error) if machines.is_empty() => looked.failures.push(error),
        Err(_) => {}
    }
    for machine in &machines {
        match kind.load(machine.record.driver.clone()) {
            Ok(driver) => add(driver),
            Err(error) => looked.failures.push(error),
        }
    }
    looked.places = accounts.len();
    let latest = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
    for (place, account) in accounts {
        match in_account(engine, &context, &place, &account, latest).await {
            Ok(found) => looked.leftovers.extend(found),
            Err(error) => {
                looked.failures.push(error.context(format!("`{place}` cannot be looked through")));
            }
        }
    }
    looked.leftovers.extend(without_resource(kind, &machines, latest).await);
    // Two tokens may lead to one account.
    let mut seen = BTreeSet::new();
    looked.leftovers.retain(|it| seen.insert(it.what.clone()));
    looked
}

/// Clears one of them.
pub async fn clear(
    engine: &Engine,
    leftover: &Leftover,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    match &leftover.thing {
        Thing::Machine(name) => super::remove(engine, name, false, progress).await.map(drop),
        Thing::Resource { account, resource } => {
            let context = engine.context("", &leftover.driver, progress);
            let account = account.account().expect("it was found through it");
            account.delete(&context, resource).await
        }
    }
}

async fn in_account(
    engine: &Engine,
    context: &Context,
    place: &str,
    driver: &Arc<dyn Driver>,
    latest: SystemTime,
) -> Result<Vec<Leftover>> {
    // A store without a mark has made nothing.
    if context.store_id.get()?.is_empty() {
        return Ok(Vec::new());
    }
    let account = driver.account().expect("only those with an account are looked through");
    let resources = account.resources(context).await?;
    // The store is read after the account, so that what is made meanwhile is not taken for left.
    let store = engine.store.names()?;
    let records: Vec<_> = store.iter().map(|name| engine.store.load(name)).collect();
    let mut leftovers = Vec::new();
    let mut expired = BTreeSet::new();
    let mut used = false;
    let now = SystemTime::now();
    for resource in resources {
        let machine = &resource.tags.machine;
        let owner = owner(&store, &records, &resource);
        let why = match owner {
            _ if resource.is_shared() && (used || has_machine(&records, driver.kind())) => continue,
            _ if resource.is_shared() => "no machine is left",
            Owner::None => "no such machine",
            Owner::Another => "not the machine's",
            Owner::Machine if resource.is_expired(now) => {
                if resource.tags.created_at() <= latest && expired.insert(machine.clone()) {
                    leftovers.push(Leftover {
                        what: format!("machine {machine}"),
                        thing: Thing::Machine(machine.clone()),
                        ..leftover(driver, place, &resource, "its time is up")
                    });
                }
                continue;
            }
            Owner::Machine => {
                used = true;
                continue;
            }
        };
        if resource.tags.created_at() > latest {
            used |= !resource.is_shared();
            continue;
        }
        leftovers.push(leftover(driver, place, &resource, why));
    }
    Ok(leftovers)
}

fn leftover(
    driver: &Arc<dyn Driver>,
    place: &str,
    resource: &Resource,
    why: &'static str,
) -> Leftover {
    let created = Some(resource.tags.created_at()).filter(|at| *at > SystemTime::UNIX_EPOCH);
    Leftover {
        driver: driver.kind().to_owned(),
        place: place.to_owned(),
        what: format!("{} {} ({})", resource.kind, resource.id, resource.name),
        why,
        created,
        thing: Thing::Resource { account: Arc::clone(driver), resource: resource.clone() },
    }
}

type Loaded = std::result::Result<Record, StoreError>;

enum Owner {
    None,
    Machine,
    /// There is a machine of that name, which is complete and has others.
    Another,
}

/// Whose a resource is. In doubt it is the machine's.
fn owner(names: &[String], records: &[Loaded], resource: &Resource) -> Owner {
    let is_mentioned = |record: &Loaded| {
        record.as_ref().is_ok_and(|record| mentions(&record.driver, &resource.id))
    };
    if records.iter().any(is_mentioned) {
        return Owner::Machine;
    }
    let place = names.iter().position(|name| *name == resource.tags.machine);
    match place.map(|place| &records[place]) {
        None => Owner::None,
        Some(Ok(record)) if !record.unfinished => Owner::Another,
        Some(_) => Owner::Machine,
    }
}

/// Whether a record has this id, as text or as a number, wherever.
fn mentions(record: &Value, id: &str) -> bool {
    match record {
        Value::String(text) => text == id,
        Value::Number(number) => number.to_string() == id,
        Value::Array(items) => items.iter().any(|item| mentions(item, id)),
        Value::Object(fields) => fields.values().any(|field| mentions(field, id)),
        Value::Null | Value::Bool(_) => false,
    }
}

/// A record that cannot be read may be one of these.
fn has_machine(records: &[Loaded], driver: &str) -> bool {
    records.iter().any(|it| it.as_ref().map_or(true, |record| record.driver_name == driver))
}

/// Complete machines of which the cloud says that they are not there.
async fn without_resource(
    kind: &dyn Kind,
    machines: &[Machine<'_>],
    latest: SystemTime,
) -> Vec<Leftover> {
    let complete: Vec<&Machine<'_>> = machines
        .iter()
        .filter(|machine| machine.unfinished.is_none() && machine.driver.account().is_some())
        .collect();
    if complete.is_empty() {
        return Vec::new();
    }
    let queries: Vec<_> = complete.iter().map(|it| (&it.context, &*it.driver)).collect();
    let states = kind.states(&queries).await;
    let gone = complete.into_iter().zip(states).filter(|(_, state)| {
        // Who cannot be asked is not gone.
        matches!(state, Ok(State::Missing))
    });
    gone.filter_map(|(machine, _)| {
        let created = file::modified(&machine.context.machine_dir.join("config.json"));
        (created? <= latest).then(|| Leftover {
            driver: kind.name().to_owned(),
            place: machine.driver.account().map(machine_driver::Account::place).unwrap_or_default(),
            what: format!("machine {}", machine.name()),
            why: "its server is gone",
            created,
            thing: Thing::Machine(machine.name().to_owned()),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_mentions_ids_of_any_form() {
        let record = json!({"DropletID": 42, "Keys": [{"ID": "k-1"}], "Name": "x"});
        assert!(mentions(&record, "42") && mentions(&record, "k-1"));
        assert!(!mentions(&record, "4") && !mentions(&record, "true"));
    }
}
