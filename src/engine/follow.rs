//! A machine whose address may have changed without us: Hyper-V's Default Switch has another subnet
//! each time Windows starts.

use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Progress, Result};

use super::{Engine, Machine, certificates};

/// Looks up the address of a machine that [`may_have_moved`](machine_driver::Driver::may_have_moved),
/// records it, and has the Engine's certificate name it. Nothing happens where it is the old one.
pub async fn follow(engine: &Engine, name: &str, progress: Arc<dyn Progress>) -> Result<()> {
    let _lock = engine.store.lock(name, &format!("find {name}"), Duration::from_secs(20))?;
    let mut machine = Machine::load(engine, name, progress)?;
    // Somebody else may have looked while we waited.
    if !machine.driver.may_have_moved() {
        return Ok(());
    }
    let before = machine.endpoint().ip;
    machine.driver.locate(&machine.context).await?;
    if machine.endpoint().ip == before {
        return Ok(());
    }
    Box::pin(certificates::renew_if_needed(engine, &machine)).await
}
