//! Switching a machine on and off, and removing it.

use std::net::Ipv4Addr;
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result, State};
use serde_json::{Value, json};

use crate::driver::HyperV;
use crate::hypervisor::{self, LONG, SHORT};
use crate::place::Place;
use crate::scripts::{KILL, REMOVE, SAVE, START, STOP, Script};
use crate::{nat, states};

/// How long a guest may take to shut down: Docker alone gives each container ten seconds.
const SHUTDOWN: Duration = Duration::from_secs(90);
/// How long a guest may take from its start to an address.
const ADDRESS: Duration = Duration::from_secs(300);
/// Hyper-V asks a guest for its addresses about that often, and each look costs the host some work.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Starts the machine, or lets it go on, and waits until it has an address.
pub(crate) async fn start(machine: &mut HyperV, cx: &Context) -> Result<()> {
    ask(machine, cx, START, LONG).await?;
    if let Some(address) = machine.record.nat_ip {
        return record_address(machine, cx, address);
    }
    cx.progress.line("Waiting for host to start...");
    let address = await_address(machine, cx).await?;
    record_address(machine, cx, address)
}

async fn await_address(machine: &HyperV, cx: &Context) -> Result<Ipv4Addr> {
    let look = async || match states::look_at(&machine.hypervisor, cx, &machine.record).await {
        // PowerShell itself is gone: it is started again for the next look.
        Err(error) if error.kind() == ErrorKind::Timeout => Look::NotYet(Some(error)),
        Err(error) => Look::Hopeless(error),
        Ok(None) => Look::Hopeless(Error::other("the virtual machine is gone")),
        Ok(Some(found)) => match (found.state(), found.address()) {
            (State::Running, Some(address)) => Look::Ready(address),
            (State::Running | State::Starting, _) => Look::NotYet(None),
            _ => Look::Hopeless(Error::other(format!("its state is `{}`", found.word()))),
        },
    };
    let wait = Wait::new("an address of the machine", ADDRESS).at_most_every(BETWEEN_LOOKS);
    wait.until(look).await.map_err(|error| {
        error
            .hint(format!("does switch `{}` lead to a DHCP server?", machine.record.virtual_switch))
            .hint(format!("what does it show? `vmconnect localhost {}`", cx.machine))
    })
}

/// Puts an address on record, with the boot of this computer in which it was seen.
pub(crate) fn record_address(machine: &mut HyperV, cx: &Context, address: Ipv4Addr) -> Result<()> {
    machine.record.base.ip_address = address.to_string();
    machine.record.address_since = hypervisor::switched_on();
    cx.checkpoint(machine)
}

/// Shuts the guest down, or switches it off where it does not obey.
pub(crate) async fn stop(machine: &mut HyperV, cx: &Context) -> Result<()> {
    match states::look_at(&machine.hypervisor, cx, &machine.record).await?.map(|it| it.state()) {
        None | Some(State::Stopped) => return Ok(()),
        Some(State::Saved) => {
            let name = &cx.machine;
            return Err(Error::other("a machine that is saved cannot be shut down in order")
                .hint(format!("let it go on first: `machine start {name}`"))
                .hint(format!("or drop its memory: `machine kill {name}`")));
        }
        Some(_) => {}
    }
    if let Err(error) = ask(machine, cx, STOP, SHUTDOWN).await {
        let why = error.one_line();
        cx.progress.warn(&format!("the guest did not shut down, so it is switched off: {why}"));
    }
    kill(machine, cx).await
}

/// Switches the machine off at once; what was saved of its memory is gone too.
pub(crate) async fn kill(machine: &mut HyperV, cx: &Context) -> Result<()> {
    ask(machine, cx, KILL, SHORT).await?;
    cx.checkpoint(machine)
}

/// Saves the machine with its memory.
pub(crate) async fn suspend(machine: &mut HyperV, cx: &Context) -> Result<()> {
    ask(machine, cx, SAVE, LONG).await?;
    cx.checkpoint(machine)
}

/// Removes everything that this driver has made, and reports all that could not be.
pub(crate) async fn remove(machine: &mut HyperV, cx: &Context) -> Result<()> {
    let mut failures: Vec<Error> = Vec::new();
    match ask(machine, cx, REMOVE, LONG).await {
        Ok(()) => machine.record.vm_id.clear(),
        Err(error) => failures.push(error),
    }
    // As long as the virtual machine is there, its disk is in use.
    if failures.is_empty() {
        let removed = async { Place::of(cx, &machine.record).await?.remove(&cx.machine_dir).await };
        failures.extend(removed.await.err());
        failures.extend(nat::leave(&machine.hypervisor, cx, &machine.record).await.err());
    }
    failures.extend(cx.checkpoint(machine).err());
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        _ => {
            let all: Vec<String> = failures.iter().map(Error::one_line).collect();
            Err(Error::other("not everything could be removed").caused_by(all.join("; ")))
        }
    }
}

/// Asks a script that is told only which machine it is about.
async fn ask(machine: &HyperV, cx: &Context, script: Script, deadline: Duration) -> Result<()> {
    let record = &machine.record;
    // One of ours without an id may not have been made, and its name may be somebody else's by now.
    let directory = match record.vm_id.is_empty() && record.generation != 0 {
        true => Place::of(cx, record).await?.windows().to_owned(),
        false => String::new(),
    };
    let parameters = json!({ "Id": record.vm_id, "Name": cx.machine, "Directory": directory });
    machine.hypervisor.ask::<Value>(cx, script, parameters, deadline).await.map(drop)
}
