use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Progress, Result, Size, State};

use super::{Engine, Machine};

/// Changes the size of a machine. CPUs and memory can change only while it is off.
pub async fn resize(
    engine: &Engine,
    name: &str,
    size: Size,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let _lock = engine.store.lock(name, &format!("set {name}"), Duration::from_secs(20))?;
    let mut machine = Machine::load(engine, name, progress)?;
    if let Some(unfinished) = &machine.unfinished {
        return Err(machine.incomplete(unfinished));
    }
    if !machine.driver.capabilities().resize {
        return Err(Error::unsupported(machine.driver.kind(), "another size"));
    }
    let state = machine.driver.state(&machine.context).await?;
    if state != State::Stopped && (size.cpus.is_some() || size.memory.is_some()) {
        let is = if state == State::Saved { "saved with its memory" } else { "running" };
        return Err(Error::other(format!("machine `{name}` is {is}"))
            .caused_by("CPUs and memory can change only while a machine is off")
            .hint(format!("machine stop {name}, then again, then machine start {name}")));
    }
    machine.driver.resize(&machine.context, size).await?;
    machine.context.checkpoint(&*machine.driver)
}
