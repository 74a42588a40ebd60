//! Which host-only network a machine gets, decided before anything is made.

use machine_driver::{Context, Error, Result};

use super::host_only::Interface;
use super::{Cidr, allowed, taken};
use crate::flags::{CIDR, OLD_CIDR};
use crate::record::Record;
use crate::version::Version;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// An interface has the address already.
    Reuse(Interface),
    /// One more is made, with this address.
    Make(Cidr),
}

/// Where the default network may go if something is in its way: /24s within the range that
/// VirtualBox allows, the usual one of its own last.
const OTHERS: [u8; 7] = [60, 61, 62, 63, 58, 57, 56];

/// The network that the record asks for, if it can be had. One that nobody insisted on is moved.
pub(crate) fn plan(
    cx: &Context,
    record: &Record,
    interfaces: &[Interface],
    version: Version,
) -> Result<Plan> {
    let configuration = std::fs::read_to_string(allowed::CONFIGURATION).ok();
    let world = World {
        interfaces,
        allowed: allowed::ranges(version, configuration.as_deref()),
        taken: taken::networks(),
    };
    let plan = world.plan(record)?;
    if let Plan::Make(cidr) = &plan
        && cidr.to_string() != record.cidr
    {
        cx.progress.warn(&format!(
            "the host-only network {} cannot be had here, so it will be {cidr}",
            record.cidr
        ));
    }
    Ok(plan)
}

/// What is there already.
struct World<'a> {
    interfaces: &'a [Interface],
    /// `None`: all.
    allowed: Option<Vec<Cidr>>,
    taken: Vec<Cidr>,
}

impl World<'_> {
    fn plan(&self, record: &Record) -> Result<Plan> {
        let text = if record.cidr.is_empty() { CIDR } else { &record.cidr };
        let wanted: Cidr = text.parse().map_err(|error: String| Error::other(error))?;
        let refused = match self.at(wanted) {
            Ok(plan) => return Ok(plan),
            Err(error) => error,
        };
        // A default of docker-machine's is nobody's wish.
        if record.cidr_given || ![CIDR, OLD_CIDR].contains(&text) {
            return Err(refused);
        }
        let mut others = vec![CIDR.parse().map_err(|error: String| Error::other(error))?];
        others.extend(OTHERS.map(|third| Cidr::new([192, 168, third, 1].into(), 24)));
        others.into_iter().find_map(|cidr| self.at(cidr).ok()).ok_or(refused)
    }

    /// The plan for exactly this network.
    fn at(&self, wanted: Cidr) -> Result<Plan> {
        if let Some(found) = self.interfaces.iter().find(|it| it.is_at(wanted)) {
            return Ok(Plan::Reuse(found.clone()));
        }
        let allowed = self.allowed.as_deref();
        if allowed.is_some_and(|all| !all.iter().any(|range| range.holds(wanted))) {
            let network = Cidr::new(
                (wanted.address.to_bits() & wanted.mask().to_bits()).into(),
                wanted.prefix,
            );
            return Err(Error::other(format!(
                "VirtualBox does not allow the host-only network {wanted}"
            ))
            .hint(format!("leave `--virtualbox-hostonly-cidr` out: the default is {CIDR}"))
            .hint(format!(
                "or allow it: `echo '* {network}' | sudo tee -a {}`",
                allowed::CONFIGURATION
            ))
            .hint("or do without one: `--virtualbox-network nat`"));
        }
        let own = |other: &Cidr| {
            self.interfaces.iter().any(|it| {
                it.cidr
                    .is_some_and(|cidr| cidr.prefix == other.prefix && cidr.contains(other.address))
            })
        };
        let others = self.taken.iter().copied().filter(|other| !own(other));
        let mut all = self.interfaces.iter().filter_map(|it| it.cidr).chain(others);
        match all.find(|other| other.overlaps(wanted)) {
            None => Ok(Plan::Make(wanted)),
            Some(other) => {
                let text = "host-only cidr conflicts with the network address of a host interface";
                Err(Error::other(text)
                    .caused_by(format!(
                        "this computer is on {other} already, and {wanted} overlaps with it"
                    ))
                    .hint("choose another one: `--virtualbox-hostonly-cidr 192.168.60.1/24`")
                    .hint("or do without one: `--virtualbox-network nat`"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn interface(name: &str, address: &str) -> Interface {
        Interface::named(name, Some(cidr(address)))
    }

    fn world<'a>(interfaces: &'a [Interface], taken: &[&str]) -> World<'a> {
        let allowed = Some(vec![Cidr::new([192, 168, 56, 0].into(), 21)]);
        World { interfaces, allowed, taken: taken.iter().map(|text| cidr(text)).collect() }
    }

    fn record(text: &str, cidr_given: bool) -> Record {
        Record { cidr: text.into(), cidr_given, ..Record::default() }
    }

    #[test]
    fn a_matching_interface_is_used_again_whatever_else_there_is() {
        let there = [interface("vboxnet0", "192.168.56.1/24"), interface("vboxnet3", CIDR)];
        // It is an interface of this computer as well, and the route to it is there too.
        let world = world(&there, &[CIDR, "192.168.56.1/24"]);
        assert_eq!(world.plan(&record(CIDR, true)).unwrap(), Plan::Reuse(there[1].clone()));
        assert_eq!(world.plan(&record("", false)).unwrap(), Plan::Reuse(there[1].clone()));
    }

    #[test]
    fn a_collision_moves_a_default_and_refuses_a_wish() {
        let world = world(&[], &["192.168.59.7/24", "10.0.0.5/8"]);
        let moved = Plan::Make(cidr("192.168.60.1/24"));
        assert_eq!(world.plan(&record(CIDR, false)).unwrap(), moved);
        let error = world.plan(&record(CIDR, true)).unwrap_err();
        assert!(error.to_string().contains("conflicts"), "{error}");
        // The next machine finds what the first one has made.
        let there = [interface("vboxnet0", "192.168.60.1/24")];
        let world = World { interfaces: &there, ..world };
        assert_eq!(world.plan(&record(CIDR, false)).unwrap(), Plan::Reuse(there[0].clone()));
    }

    #[test]
    fn docker_machines_default_is_moved_where_it_is_not_allowed() {
        let all = world(&[], &[]);
        assert_eq!(all.plan(&record(OLD_CIDR, false)).unwrap(), Plan::Make(cidr(CIDR)));
        let error = all.plan(&record(OLD_CIDR, true)).unwrap_err();
        assert!(error.hints().iter().any(|hint| hint.contains("networks.conf")), "{error:?}");
        let free = World { allowed: None, ..all };
        assert_eq!(free.plan(&record(OLD_CIDR, false)).unwrap(), Plan::Make(cidr(OLD_CIDR)));
    }

    #[test]
    fn everything_taken_is_said() {
        let world = world(&[], &["192.168.0.5/16"]);
        let error = world.plan(&record(CIDR, false)).unwrap_err();
        assert!(error.hints().iter().any(|hint| hint.contains("nat")), "{error:?}");
    }
}
