use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Progress, Result, State};

use super::{Engine, Machine, address, ready};

/// What can be done with the power of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Start,
    Stop,
    Restart,
    Kill,
    Suspend,
}

/// Does it, and waits until it is true: started means that Docker answers.
pub async fn act(
    engine: &Engine,
    name: &str,
    action: Action,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let command = format!("{} {name}", action.word());
    let _lock = engine.store.lock(name, &command, Duration::from_secs(20))?;
    let mut machine = Machine::load(engine, name, Arc::clone(&progress))?;
    match &machine.unfinished {
        Some(unfinished) if !matches!(action, Action::Kill | Action::Stop) => {
            return Err(machine.incomplete(unfinished));
        }
        _ => {}
    }
    let state = match machine.driver.state(&machine.context).await {
        // A machine that does not say how it is can still be switched, as in docker-machine.
        Err(error) if matches!(action, Action::Start | Action::Stop | Action::Kill) => {
            tracing::debug!(%error, "the state");
            State::None
        }
        state => state?,
    };
    if matches!(action, Action::Stop | Action::Kill) {
        super::end_tunnel(engine, name).await;
    }
    match action {
        Action::Start => {
            progress.line(&format!("Starting \"{name}\"..."));
            refuse(state == State::Running, name, "running")?;
            machine.driver.start(&machine.context).await?;
            address::learn(engine, &mut machine).await?;
            progress.line(&format!("Machine \"{name}\" was started."));
        }
        Action::Stop => {
            progress.line(&format!("Stopping \"{name}\"..."));
            refuse(state == State::Stopped, name, "stopped")?;
            machine.driver.stop(&machine.context).await?;
            progress.line(&format!("Machine \"{name}\" was stopped."));
        }
        Action::Kill => {
            progress.line(&format!("Killing \"{name}\"..."));
            refuse(state == State::Stopped, name, "stopped")?;
            machine.driver.kill(&machine.context).await?;
            progress.line(&format!("Machine \"{name}\" was killed."));
        }
        Action::Suspend => {
            progress.line(&format!("Suspending \"{name}\"..."));
            refuse(state == State::Saved, name, "suspended")?;
            if state != State::Running {
                return Err(machine.not_running());
            }
            machine.driver.suspend(&machine.context).await?;
            progress.line(&format!("Machine \"{name}\" was suspended."));
        }
        Action::Restart => {
            progress.line(&format!("Restarting \"{name}\"..."));
            if machine.driver.capabilities().existing_host {
                Box::pin(crate::provision::reboot(engine, &machine)).await?;
            } else if matches!(state, State::Stopped | State::Saved) {
                progress.line(&format!("Starting \"{name}\"..."));
                machine.driver.start(&machine.context).await?;
                address::learn(engine, &mut machine).await?;
                progress.line(&format!("Machine \"{name}\" was started."));
            } else {
                machine.driver.restart(&machine.context).await?;
                address::learn(engine, &mut machine).await?;
            }
        }
    }
    machine.context.checkpoint(&*machine.driver)?;
    if matches!(action, Action::Start | Action::Restart) && machine.driver.capabilities().has_guest
    {
        Box::pin(super::certificates::renew_if_needed(engine, &machine)).await?;
        progress.line("Waiting for Docker to answer...");
        Box::pin(ready::boots(engine, &mut machine)).await?;
        Box::pin(super::neighbours::announce(engine, &machine)).await;
    }
    Ok(())
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::Suspend => "suspend",
        }
    }
}

fn refuse(already: bool, name: &str, word: &str) -> Result<()> {
    if already {
        return Err(Error::other(format!("Machine \"{name}\" is already {word}.")));
    }
    Ok(())
}
