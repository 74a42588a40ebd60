//! The address of a machine that only its guest knows.

use std::sync::{Mutex, PoisonError};

use machine_driver::Result;
use machine_driver::wait::{Look, Wait};

use super::{Engine, Machine};

/// Asks the guest over SSH, as soon as it lets us in, until it has an address; the record is put on
/// disk. Does nothing for machines whose address their driver knows.
pub(super) async fn learn(engine: &Engine, machine: &mut Machine<'_>) -> Result<()> {
    let Some(query) = machine.driver.address_query() else { return Ok(()) };
    let shell = crate::provision::log_in(engine, machine).await?;
    let wait = Wait::new(format!("an address of `{}`", machine.name()), engine.boot_deadline);
    let driver = Mutex::new(&mut machine.driver);
    wait.until(async || match shell.check(query).await {
        Ok(answer) => {
            let mut driver = driver.lock().unwrap_or_else(PoisonError::into_inner);
            match driver.learn_address(&answer) {
                Ok(()) => Look::Ready(()),
                Err(error) => Look::NotYet(Some(error)),
            }
        }
        Err(error) => Look::NotYet(Some(error.into())),
    })
    .await?;
    machine.context.checkpoint(&*machine.driver)
}
