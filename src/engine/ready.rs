//! Waiting until the Docker Engine of a machine answers.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use machine_driver::console::{PANIC, panicked};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, Result, State};

use super::{Engine, Machine, address};
use crate::tls::docker::Client;

/// How often the driver is asked what became of a machine that does not answer.
const ASK_STATE: Duration = Duration::from_secs(15);

/// Waits for an answer over TLS. Ends early when the machine is off or its kernel has panicked;
/// the error then carries the end of the console.
pub(super) async fn docker_answers(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    let url = machine.endpoint().docker_url.ok_or_else(|| machine.not_running())?;
    let client = Client::new(&url, &machine.client_paths())?;
    let console = machine.driver.console(&machine.context);
    let console = console.as_deref();
    let wait = Wait::new(format!("Docker on `{}`", machine.name()), engine.boot_deadline)
        .at_least_every(Duration::from_millis(200));
    // A glance costs nothing, the state may be the start of a process.
    let interval = if machine.glance().is_some() { Duration::ZERO } else { ASK_STATE };
    let asked = Mutex::new(Instant::now());
    let answered = wait.until(async || {
        let error = match client.ping(Duration::from_secs(3)).await {
            Ok(newest) => return Look::Ready(newest),
            Err(error) => error,
        };
        let due = {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            let due = asked.elapsed() >= interval;
            if due {
                *asked = Instant::now();
            }
            due
        };
        let state = if due { state(machine).await } else { None };
        match state {
            Some(State::Stopped | State::Missing) => {
                Look::Hopeless(Error::other("the machine switched itself off").caused_by(error))
            }
            Some(State::Error) => Look::Hopeless(halted(machine, error)),
            _ if console.is_some_and(panicked) => {
                Look::Hopeless(Error::other("the guest's kernel panicked"))
            }
            _ => Look::NotYet(Some(error)),
        }
    });
    let newest =
        answered.await.map_err(|error| with_console(with_way_in(error, machine, &url), console))?;
    super::client::look(engine, machine.name(), &client, newest).await;
    Ok(())
}

/// The same of a machine that has just been switched on. A kernel that panics in its boot gets a
/// second one: QEMU before 8.1 may run an instruction that Linux has just patched, if it emulates
/// several processors, and then hits a breakpoint that is no more
/// (<https://gitlab.com/qemu-project/qemu/-/commit/deba78709ae8>).
pub(super) async fn boots(engine: &Engine, machine: &mut Machine<'_>) -> Result<()> {
    let error = match docker_answers(engine, machine).await {
        Err(error) => error,
        answered => return answered,
    };
    if !machine.driver.console(&machine.context).is_some_and(|console| panicked(&console)) {
        return Err(error);
    }
    machine.progress.warn("the guest's kernel panicked, so it boots once more");
    let context = machine.context.clone();
    machine.driver.kill(&context).await?;
    machine.driver.start(&context).await?;
    context.checkpoint(&*machine.driver)?;
    address::learn(engine, machine).await?;
    docker_answers(engine, machine).await
}

/// A host that was there before us has a firewall that is not ours.
fn with_way_in(error: Error, machine: &Machine<'_>, url: &str) -> Error {
    if !machine.driver.capabilities().existing_host {
        return error;
    }
    let port = url.rsplit_once(':').map_or("2376", |(_, port)| port);
    error
        .hint(format!("does a firewall there, or before it, keep port {port} closed?"))
        .hint(format!("no port is needed with `machine env --via ssh {}`", machine.name()))
}

/// Adds the end of the console to an error, as its innermost advice.
fn with_console(error: Error, console: Option<&Path>) -> Error {
    let Some(path) = console else { return error };
    let Ok(text) = std::fs::read(path) else { return error };
    let text: String =
        String::from_utf8_lossy(&text).chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let mut tail = machine_driver::process::tail(&text, 15);
    // A stack trace may be longer than the tail, and its first line is the one that says why.
    if let Some(why) =
        text.lines().find(|line| line.contains(PANIC)).filter(|it| !tail.contains(*it))
    {
        tail = format!("{why}\n  ...\n{tail}");
    }
    if tail.trim().is_empty() {
        return error.hint(format!("its console said nothing: `{}`", path.display()));
    }
    error.hint(format!("the end of its console, `{}`:\n{tail}", path.display()))
}

/// The state, at the least cost. `None` if it cannot be had.
async fn state(machine: &Machine<'_>) -> Option<State> {
    match machine.glance() {
        Some(state) if state != State::Running => Some(state),
        _ => machine.driver.state(&machine.context).await.ok(),
    }
}

/// What hypervisors do with a guest whose writes this computer has no space for.
fn halted(machine: &Machine<'_>, error: Error) -> Error {
    let dir = machine.context.machine_dir.display();
    Error::other("the hypervisor has halted the machine")
        .caused_by(error)
        .hint(format!("the disk of this computer may be full: `df -h {dir}`"))
}
