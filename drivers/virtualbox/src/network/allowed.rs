//! Which host-only networks VirtualBox allows.

use std::net::Ipv4Addr;

use super::Cidr;
use crate::version::Version;

/// The ranges that it allows on Linux, macOS and Solaris, since 6.1.28, unless its configuration says
/// others. <https://www.virtualbox.org/manual/ch06.html#network_hostonly>
const DEFAULT: Cidr = Cidr::new(Ipv4Addr::new(192, 168, 56, 0), 21);

pub(super) const CONFIGURATION: &str = "/etc/vbox/networks.conf";

/// The ranges that are allowed on this computer; `None` where all are. `configuration` is the text of
/// [`CONFIGURATION`], if there is one.
pub(super) fn ranges(version: Version, configuration: Option<&str>) -> Option<Vec<Cidr>> {
    if cfg!(windows) || version < Version::new(6, 1, 28) {
        return None;
    }
    Some(configuration.map_or_else(|| vec![DEFAULT], parse))
}

/// Lines of `* RANGE RANGE…`, with `#` for remarks. Ranges of IPv6 are of no interest here.
fn parse(text: &str) -> Vec<Cidr> {
    text.lines()
        .filter_map(|line| line.split('#').next()?.trim().strip_prefix('*'))
        .flat_map(str::split_whitespace)
        .filter_map(|range| {
            let (address, prefix) = range.split_once('/')?;
            Some(Cidr::new(address.parse().ok()?, prefix.parse().ok().filter(|it| *it <= 32)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Version = Version::new(7, 2, 22);

    fn allows(ranges: Option<&[Cidr]>, text: &str) -> bool {
        let wanted = text.parse().unwrap();
        ranges.is_none_or(|all| all.iter().any(|range| range.holds(wanted)))
    }

    #[cfg(not(windows))]
    #[test]
    fn the_default_range() {
        let ranges = ranges(NEW, None);
        assert!(allows(ranges.as_deref(), "192.168.59.1/24"));
        assert!(!allows(ranges.as_deref(), "192.168.99.1/24"));
        assert!(!allows(ranges.as_deref(), "192.168.59.1/16"));
    }

    #[cfg(not(windows))]
    #[test]
    fn a_configuration_replaces_it() {
        let text = "# mine\n* 10.0.0.0/8 192.168.99.0/24 # two\n* 2001::/64\n192.168.56.0/24\n";
        let ranges = ranges(NEW, Some(text));
        assert!(allows(ranges.as_deref(), "192.168.99.1/24"));
        assert!(allows(ranges.as_deref(), "10.1.1.1/24"));
        assert!(!allows(ranges.as_deref(), "192.168.59.1/24"));
    }

    #[test]
    fn before_6_1_28_all_are_allowed() {
        assert!(ranges(Version::new(6, 1, 26), None).is_none());
    }
}
