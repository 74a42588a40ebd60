//! Switching a machine off, and removing what it left.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, Result, State};
use serde_json::Value;

use crate::driver::Qemu;
use crate::files::{Files, OWNED};
use crate::{adopt, names, network, platform, ports, qmp, saved, snapshots};

/// How long a guest may take to shut down: Docker alone gives each container ten seconds.
const SHUTDOWN: Duration = Duration::from_secs(90);

/// A guest that is still booting does not hear the button.
const PRESS_AGAIN: Duration = Duration::from_secs(10);

pub(crate) async fn stop(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    let files = Files::new(cx);
    if !platform::is_held(&files.lock())? {
        if files.saved().exists() {
            let name = &cx.machine;
            return Err(Error::other("a machine that is saved cannot be shut down in order")
                .hint(format!("let it go on first: `machine start {name}`"))
                .hint(format!("or drop its memory: `machine kill {name}`")));
        }
        return Ok(());
    }
    let pressed = std::sync::Mutex::new(None::<Instant>);
    let look = async || {
        if !platform::is_held(&files.lock()).unwrap_or(true) {
            return Look::Ready(());
        }
        let due = {
            let mut pressed = pressed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due = pressed.is_none_or(|at| at.elapsed() > PRESS_AGAIN);
            if due {
                *pressed = Some(Instant::now());
            }
            due
        };
        if !due {
            return Look::NotYet(None);
        }
        match press(&files).await {
            Ok(()) => Look::NotYet(None),
            Err(error) => Look::NotYet(Some(error)),
        }
    };
    let wait = Wait::new("the end of the guest's shutdown", SHUTDOWN);
    if let Err(error) = wait.at_least_every(Duration::from_millis(200)).until(look).await {
        cx.progress.warn(&format!("the guest did not shut down, so it is switched off: {error}"));
    }
    kill(qemu, cx).await
}

/// Presses the power button of a machine; one that is paused is woken for it.
async fn press(files: &Files) -> Result<()> {
    let mut monitor = qmp::connect(&files.monitor()).await?;
    monitor.execute("cont", Value::Null).await?;
    monitor.execute("system_powerdown", Value::Null).await?;
    Ok(())
}

/// Switches off at once; what was saved of the memory is gone too.
pub(crate) async fn kill(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    saved::forget(&Files::new(cx))?;
    end(qemu, cx).await?;
    cx.checkpoint(qemu)
}

/// Ends QEMU at once, and waits until it is gone. The record is not put on disk.
pub(crate) async fn end(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    let files = Files::new(cx);
    if platform::is_held(&files.lock())? {
        let process = adopt::process(&qemu.record, &files).await;
        if let Some(process) = process {
            process.kill()?;
        }
        let gone = async || match platform::is_held(&files.lock()) {
            Ok(true) => Look::NotYet(None),
            Ok(false) => Look::Ready(()),
            Err(error) => Look::Hopeless(error.into()),
        };
        Wait::new("the end of QEMU", Duration::from_secs(20)).until(gone).await?;
    }
    for socket in [files.monitor(), files.identity()] {
        fs::remove_file(socket).ok();
    }
    qemu.record.process = None;
    Ok(())
}

/// Removes everything that this driver has made, and reports all that could not be.
pub(crate) async fn remove(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    end(qemu, cx).await?;
    let mut failures: Vec<String> = Vec::new();
    let mut note = |result: Result<()>| {
        if let Err(error) = result {
            failures.push(error.one_line());
        }
    };
    let files = Files::new(cx);
    // The disk first: on a full one nothing else can be written before.
    for name in OWNED {
        match fs::remove_file(files.dir().join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                note(Err(Error::from(error).context(format!("cannot delete `{name}`"))));
            }
            _ => {}
        }
    }
    note(snapshots::remove_all(cx));
    note(cx.checkpoint(qemu));
    let network = qemu.record.network.clone();
    note(network::leave(cx, &network));
    note(names::tell_peers(cx, &network).await);
    note(ports::release_all(cx));
    if failures.is_empty() {
        return Ok(());
    }
    Err(Error::other("not everything could be removed").caused_by(failures.join("; ")))
}

/// What the monitor says of a machine whose QEMU lives.
pub(crate) async fn monitored_state(files: &Files) -> State {
    let answer = async {
        let mut monitor = qmp::connect(&files.monitor()).await?;
        monitor.execute("query-status", Value::Null).await
    };
    let answer: Result<Value> = answer.await;
    match answer.ok().as_ref().and_then(|answer| answer.get("status")?.as_str()) {
        Some("paused" | "suspended") => State::Paused,
        Some("inmigrate" | "prelaunch") => State::Starting,
        Some("shutdown") => State::Stopping,
        Some("internal-error" | "guest-panicked" | "io-error") => State::Error,
        _ => State::Running,
    }
}
