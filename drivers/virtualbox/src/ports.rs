//! Ports of 127.0.0.1, kept for machines that are off as well, so that they stay the same. All stores
//! of the user share them, since ten machines that are made at once start some time after they chose.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use machine_driver::{Context, Error, Result, shared};

/// Which machine has a port, by its directory.
type Ports = BTreeMap<u16, PathBuf>;

const FILE: &str = "ports.json";

/// Takes `wanted` for this machine, or any free port if it is 0. `None` if another program or
/// machine has it.
pub(crate) fn take(cx: &Context, wanted: u16) -> Result<Option<u16>> {
    shared::update(&cx.cache_dir, Path::new(FILE), |ports: &mut Ports| {
        ports.retain(|_, machine| machine.exists());
        let others = |port: u16| ports.get(&port).is_some_and(|owner| *owner != cx.machine_dir);
        let port = match wanted {
            0 => any_free(&others)?,
            port if others(port) || !is_free(port) => return Ok(None),
            port => port,
        };
        ports.insert(port, cx.machine_dir.clone());
        Ok(Some(port))
    })
}

/// Takes `wanted`, or another port if that cannot be had.
pub(crate) fn take_or_another(cx: &Context, wanted: u16) -> Result<u16> {
    match take(cx, wanted)? {
        Some(port) => Ok(port),
        None => Ok(take(cx, 0)?.unwrap_or_default()),
    }
}

/// Gives one port back.
pub(crate) fn release(cx: &Context, port: u16) -> Result<()> {
    forget(cx, |taken, owner| taken == port && *owner == cx.machine_dir)
}

/// Gives all ports of this machine back.
pub(crate) fn release_all(cx: &Context) -> Result<()> {
    forget(cx, |_, owner| *owner == cx.machine_dir)
}

fn forget(cx: &Context, ours: impl Fn(u16, &PathBuf) -> bool) -> Result<()> {
    shared::forget(&cx.cache_dir, Path::new(FILE), |ports: &mut Ports| {
        ports.retain(|port, owner| !ours(*port, owner));
        Ok(())
    })
    .map(drop)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_free(others: &impl Fn(u16) -> bool) -> Result<u16> {
    for _ in 0..100 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        if !others(port) {
            return Ok(port);
        }
    }
    Err(Error::other("no free port was found on this computer"))
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
        assert_ne!(take_or_another(&two, port).unwrap(), port);
        release_all(&one).unwrap();
        assert_eq!(take(&two, port).unwrap(), Some(port));
        std::fs::remove_dir_all(&two.machine_dir).unwrap();
        assert_eq!(take(&one, port).unwrap(), Some(port));
        release(&one, port).unwrap();
    }

    #[test]
    fn a_port_that_another_program_has_is_not_taken() {
        let lab = Lab::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(take(&lab.context("one"), port).unwrap(), None);
    }
}
