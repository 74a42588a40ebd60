//! Switching a machine on, from whatever state it is in.

use std::collections::BTreeMap;

use machine_driver::{Context, Error, Forward, Result, State};

use crate::birth::modify;
use crate::driver::VirtualBox;
use crate::files::Files;
use crate::info::{Info, info};
use crate::manage::Manage;
use crate::record::{Network, Record};
use crate::{lock, log, network, ports};

pub(crate) async fn start(vb: &mut VirtualBox, cx: &Context) -> Result<()> {
    let manage = Manage::find(cx)?;
    let there = info(&manage, vb.record.id()).await?;
    match there.state() {
        State::Running | State::Starting => waiting(vb, cx),
        State::Paused => {
            manage.run(&["controlvm", vb.record.id(), "resume"]).await?;
            waiting(vb, cx);
        }
        State::Stopped | State::Saved => {
            {
                let _lock = lock::lock(cx).await?;
                prepare(vb, cx, &manage, &there).await?;
            }
            return boot(vb, cx, &manage).await;
        }
        _ => {
            let word = there.value("VMState").unwrap_or("inaccessible");
            let name = &cx.machine;
            return Err(Error::other(format!(
                "VM not in restartable state: VirtualBox says `{word}`"
            ))
            .hint(format!("switch it off first: `machine kill {name}`")));
        }
    }
    Ok(())
}

/// Network and ports of a machine that is off. To be called under the host's lock.
pub(crate) async fn prepare(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    there: &Info,
) -> Result<()> {
    let mut changes = Vec::new();
    // A machine that is saved has its hardware in memory.
    if there.state() != State::Saved {
        if let Some((_, mac)) = there.host_only() {
            mac.clone_into(&mut vb.record.mac);
        }
        let version = vb.version(manage).await?;
        changes = network::connect(vb, cx, manage, version).await?;
    }
    keep_ports(vb, cx)?;
    cx.checkpoint(vb)?;
    changes.extend(rules(&vb.record, &there.rules()));
    if changes.is_empty() {
        return Ok(());
    }
    modify(manage, vb.record.id(), &changes).await
}

/// Starts it. Machines do that at the same time.
pub(crate) async fn boot(vb: &VirtualBox, cx: &Context, manage: &Manage) -> Result<()> {
    let kind = if vb.record.ui_type.is_empty() { "headless" } else { &vb.record.ui_type };
    let args = ["startvm", vb.record.id(), "--type", kind];
    manage.run_unlocked(&args).await.map_err(|error| log::explain(error, &Files::new(cx)))?;
    waiting(vb, cx);
    Ok(())
}

/// The engine asks the guest now.
fn waiting(vb: &VirtualBox, cx: &Context) {
    if vb.record.network == Network::HostOnly {
        cx.progress.line("Waiting for an IP...");
    }
}

/// Makes sure that nobody else has the ports of the machine; one that is taken is moved.
fn keep_ports(vb: &mut VirtualBox, cx: &Context) -> Result<()> {
    let keep = |port: &mut u16, what: &str| -> Result<()> {
        let before = *port;
        *port = ports::take_or_another(cx, before)?;
        if before != 0 && *port != before {
            cx.progress.warn(&format!("port {before} is taken, so {what} is at port {port} now"));
        }
        Ok(())
    };
    keep(&mut vb.record.base.ssh_port, "SSH")?;
    if vb.record.network == Network::Nat {
        keep(&mut vb.record.engine_port, "Docker")?;
    }
    for forward in &mut vb.record.forwards {
        let what = format!("the guest's port {}", forward.guest_port);
        keep(&mut forward.host_port, &what)?;
    }
    Ok(())
}

/// The rule as VirtualBox takes it and shows it, without its name.
pub(crate) fn rule(forward: &Forward) -> String {
    let Forward { host, host_port, guest_port } = forward;
    format!("tcp,{host},{host_port},,{guest_port}")
}

/// The arguments that make the rules that are there those of the record.
fn rules(record: &Record, there: &BTreeMap<&str, &str>) -> Vec<String> {
    let wanted = record.rules();
    let wanted: BTreeMap<&str, String> =
        wanted.iter().map(|(name, forward)| (name.as_str(), rule(forward))).collect();
    let mut args = Vec::new();
    for (name, rule) in there {
        let ours = ["ssh", "docker"].contains(name) || name.starts_with("machine-");
        if ours && wanted.get(name).is_none_or(|it| it != rule) {
            args.extend(["--natpf1".to_owned(), "delete".to_owned(), (*name).to_owned()]);
        }
    }
    for (name, rule) in wanted {
        if there.get(name).is_none_or(|it| *it != rule) {
            args.extend(["--natpf1".to_owned(), format!("{name},{rule}")]);
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(record: &Record, there: &[(&str, &str)]) -> String {
        rules(record, &there.iter().copied().collect()).join(" ")
    }

    #[test]
    fn only_what_differs_is_changed_and_only_ours() {
        let mut record = Record::default();
        record.base.ssh_port = 4001;
        assert_eq!(changes(&record, &[]), "--natpf1 ssh,tcp,127.0.0.1,4001,,22");
        let same = ("ssh", "tcp,127.0.0.1,4001,,22");
        let users = ("web", "tcp,,8080,,80");
        assert_eq!(changes(&record, &[same, users]), "");
        let moved = ("ssh", "tcp,127.0.0.1,4000,,22");
        let stale = ("machine-81", "tcp,127.0.0.1,81,,80");
        assert_eq!(
            changes(&record, &[moved, stale]),
            "--natpf1 delete machine-81 --natpf1 delete ssh --natpf1 ssh,tcp,127.0.0.1,4001,,22"
        );
    }
}
