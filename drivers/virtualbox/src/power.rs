//! Switching a machine off, and saving it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, Result, State};

use crate::driver::VirtualBox;
use crate::info::info;
use crate::manage::Manage;

/// How long a guest may take to shut down: Docker alone gives each container ten seconds.
const SHUTDOWN: Duration = Duration::from_secs(90);

/// A guest that is still booting does not hear the button.
const PRESS_AGAIN: Duration = Duration::from_secs(10);

pub(crate) async fn stop(vb: &VirtualBox, cx: &Context) -> Result<()> {
    let manage = Manage::find(cx)?;
    let id = vb.record.id();
    match info(&manage, id).await?.state() {
        State::Stopped => return Ok(()),
        State::Saved => {
            let name = &cx.machine;
            return Err(Error::other("a machine that is saved cannot be shut down in order")
                .hint(format!("let it go on first: `machine start {name}`"))
                .hint(format!("or drop its memory: `machine kill {name}`")));
        }
        // A guest that is paused does not see the button.
        State::Paused => drop(manage.run(&["controlvm", id, "resume"]).await?),
        _ => {}
    }
    let pressed = Mutex::new(None::<Instant>);
    let look = async || {
        let due = {
            let mut pressed = pressed.lock().unwrap_or_else(PoisonError::into_inner);
            let due = pressed.is_none_or(|at| at.elapsed() > PRESS_AGAIN);
            if due {
                *pressed = Some(Instant::now());
            }
            due
        };
        let look = async {
            if due {
                manage.run(&["controlvm", id, "acpipowerbutton"]).await?;
            }
            Ok(info(&manage, id).await?.state())
        };
        match look.await {
            Ok(State::Stopped) => Look::Ready(()),
            Ok(_) => Look::NotYet(None),
            Err(error) => Look::NotYet(Some(error)),
        }
    };
    if let Err(error) = Wait::new("the end of the guest's shutdown", SHUTDOWN).until(look).await {
        cx.progress.warn(&format!("the guest did not shut down, so it is switched off: {error}"));
        return kill(vb, cx).await;
    }
    Ok(())
}

/// Switches off at once; what was saved of the memory is gone too.
pub(crate) async fn kill(vb: &VirtualBox, cx: &Context) -> Result<()> {
    let manage = Manage::find(cx)?;
    let state = info(&manage, vb.record.id()).await?.state();
    switch_off(&manage, vb.record.id(), state).await
}

pub(crate) async fn switch_off(manage: &Manage, id: &str, state: State) -> Result<()> {
    match state {
        State::Stopped => return Ok(()),
        State::Saved => return manage.run_unlocked(&["discardstate", id]).await.map(drop),
        _ => {}
    }
    match manage.run(&["controlvm", id, "poweroff"]).await {
        // It was quicker.
        Err(error) if error.one_line().contains("is not currently running") => Ok(()),
        result => result.map(drop),
    }
}

/// Writes the memory to the disk and ends the machine; `start` carries on.
pub(crate) async fn suspend(vb: &VirtualBox, cx: &Context) -> Result<()> {
    let manage = Manage::find(cx)?;
    manage.run(&["controlvm", vb.record.id(), "savestate"]).await.map(drop)
}
