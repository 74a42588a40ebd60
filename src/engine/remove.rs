use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Checkpoint, Error, Progress, Result};

use super::{Engine, Machine, RecordCheckpoint};
use crate::store::StoreError;

/// What became of a removal.
#[derive(Debug)]
pub enum Removal {
    Done,
    /// By force: the record is gone, but this failed before.
    Forced(Error),
}

/// Removes a machine, whatever state it is in, and everything that was made for it. Without
/// `force` the record stays until nothing is left outside.
pub async fn remove(
    engine: &Engine,
    name: &str,
    force: bool,
    progress: Arc<dyn Progress>,
) -> Result<Removal> {
    if !crate::store::is_directory_name(name) || !engine.store.exists(name) {
        return Err(crate::store::StoreError::Unknown { name: name.to_owned() }.into());
    }
    let patience = Duration::from_secs(20);
    let _lock = engine.store.lock(name, &format!("rm {name}"), patience)?;
    engine.store.sweep(name);
    super::end_tunnel(engine, name).await;
    let outcome = remove_host(engine, name, progress).await;
    match outcome {
        Ok(()) => {
            engine.store.remove(name)?;
            Ok(Removal::Done)
        }
        Err(error) if force => {
            engine.store.remove(name)?;
            Ok(Removal::Forced(error))
        }
        Err(error) => Err(error),
    }
}

/// Removes what the driver made. A machine that was never recorded has nothing outside its
/// directory, since the record is written before the driver makes anything.
async fn remove_host(engine: &Engine, name: &str, progress: Arc<dyn Progress>) -> Result<()> {
    let config = engine.store.machine_dir(name).join("config.json");
    let journal = engine.store.journal(name);
    if !config.exists() && !journal.events()?.is_empty() {
        return Ok(());
    }
    let mut machine = Machine::load(engine, name, progress)?;
    unless_full(engine.store.mark_unfinished(name))?;
    unless_full(journal.removing())?;
    let record = RecordCheckpoint { store: engine.store.clone(), name: name.to_owned() };
    machine.context.checkpoint = Arc::new(WhereThereIsSpace(record));
    // Where nobody can say who else there is, nobody can be told.
    let mut others = machine.driver.neighbours(&machine.context).unwrap_or_default();
    machine.driver.remove(&machine.context).await?;
    others.retain(|(_, other)| other != name);
    // The machine is gone, also if others do not hear of it.
    if let Err(error) = Box::pin(super::neighbours::tell(engine, &others)).await {
        tracing::debug!(error = error.one_line(), "names");
    }
    Ok(())
}

/// A removal records only what is gone already, and what is gone is no failure the next time.
struct WhereThereIsSpace(RecordCheckpoint);

impl Checkpoint for WhereThereIsSpace {
    fn save(&self, driver: serde_json::Value) -> Result<()> {
        Ok(unless_full(self.0.write(driver))?)
    }
}

/// On a full disk nothing can be written down, and removing is what makes space.
fn unless_full(written: Result<(), StoreError>) -> Result<(), StoreError> {
    written.or_else(|error| if error.is_full() { Ok(()) } else { Err(error) })
}
