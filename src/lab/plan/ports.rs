use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

use machine_driver::{Error, ErrorKind, Result};

use crate::engine::Machine;
use crate::lab::Spec;

/// Finds ports of this computer that two machines want, or that somebody else has.
pub(super) fn check(specs: &[Spec], there: &[Machine<'_>]) -> Result<()> {
    let mut owners: BTreeMap<u16, &str> = BTreeMap::new();
    let ports = specs.iter().flat_map(|spec| spec.publish.iter().map(move |port| (port, spec)));
    for (port, spec) in ports.filter(|(port, _)| port.host != 0) {
        if let Some(owner) = owners.insert(port.host, &spec.name) {
            let message = format!(
                "port {} of this computer is published for `{owner}` and for `{}`",
                port.host, spec.name
            );
            return Err(conflict(message, port.guest));
        }
        let own = there.iter().find(|machine| machine.name() == spec.name);
        if own.is_none_or(|machine| !has(machine, port.host)) && !is_free(port.host) {
            let message = format!(
                "port {} of this computer, to be published for `{}`, is taken",
                port.host, spec.name
            );
            return Err(conflict(message, port.guest));
        }
    }
    Ok(())
}

fn conflict(message: String, guest: u16) -> Error {
    Error::new(ErrorKind::Flags, message)
        .hint(format!("publish another one, for example `{}:{guest}`", guest % 50_000 + 10_000))
        .hint(format!("or any free one, `0:{guest}`: `machine forward NAME` then says which"))
}

/// Whether the port is the machine's own already.
fn has(machine: &Machine<'_>, port: u16) -> bool {
    // Listing needs no change, but the forwards are only there for who could change them.
    let Ok(mut driver) = machine.kind.load(machine.driver.record()) else { return false };
    driver.forwards().is_some_and(|forwards| forwards.list().iter().any(|it| it.host_port == port))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
