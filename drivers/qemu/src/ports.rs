//! Ports of this computer, kept for machines that are off as well, so that they stay the same.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use machine_driver::{Context, Error, Result, shared};

type Ports = BTreeMap<u16, String>;

const FILE: &str = "ports.json";

/// Takes `wanted` for this machine, or any free port if it is 0. `None` if another program or
/// machine has it.
pub(crate) fn take(cx: &Context, wanted: u16) -> Result<Option<u16>> {
    shared::update(&cx.shared_dir, Path::new(FILE), |ports: &mut Ports| {
        forget_removed(cx, ports);
        let others = |port: u16| ports.get(&port).is_some_and(|owner| *owner != cx.machine);
        let port = match wanted {
            0 => any_free(&others)?,
            port if others(port) || !is_free(port) => return Ok(None),
            port => port,
        };
        ports.insert(port, cx.machine.clone());
        Ok(Some(port))
    })
}

/// Gives one port back.
pub(crate) fn release(cx: &Context, port: u16) -> Result<()> {
    forget(cx, |taken, owner| taken == port && *owner == cx.machine)
}

/// Gives all ports of this machine back.
pub(crate) fn release_all(cx: &Context) -> Result<()> {
    forget(cx, |_, owner| *owner == cx.machine)
}

fn forget(cx: &Context, ours: impl Fn(u16, &str) -> bool) -> Result<()> {
    shared::forget(&cx.shared_dir, Path::new(FILE), |ports: &mut Ports| {
        ports.retain(|port, owner| !ours(*port, owner));
        Ok(())
    })
    .map(drop)
}

/// Whether a program could listen on the port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_free(others: &impl Fn(u16) -> bool) -> Result<u16> {
    for _ in 0..100 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if !others(port) {
            return Ok(port);
        }
    }
    Err(Error::other("no free port was found on this computer"))
}

fn forget_removed(cx: &Context, ports: &mut Ports) {
    ports.retain(|_, owner| cx.machine_dir.with_file_name(owner).exists());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn a_port_belongs_to_one_machine_until_that_is_gone() {
        let lab = Lab::new();
        let (one, two) = (lab.context("one"), lab.context("two"));
        let port = take(&one, 0).unwrap().unwrap();
        assert_eq!(take(&one, port).unwrap(), Some(port));
        assert_eq!(take(&two, port).unwrap(), None);
        std::fs::remove_dir_all(&one.machine_dir).unwrap();
        assert_eq!(take(&two, port).unwrap(), Some(port));
        release_all(&two).unwrap();
        std::fs::create_dir_all(&one.machine_dir).unwrap();
        assert_eq!(take(&one, port).unwrap(), Some(port));
    }

    #[test]
    fn a_port_that_another_program_has_is_not_taken() {
        let lab = Lab::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(take(&lab.context("one"), port).unwrap(), None);
    }
}
