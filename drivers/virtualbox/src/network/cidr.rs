use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An address of a network, with the length of its prefix: `192.168.59.1/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix: u8,
}

impl Cidr {
    pub(crate) const fn new(address: Ipv4Addr, prefix: u8) -> Self {
        Self { address, prefix }
    }

    /// From an address and a mask, if that is one.
    pub(crate) fn with_mask(address: Ipv4Addr, mask: Ipv4Addr) -> Option<Self> {
        let bits = mask.to_bits();
        let prefix = bits.leading_ones();
        (bits.count_ones() == prefix)
            .then(|| Self::new(address, u8::try_from(prefix).unwrap_or(32)))
    }

    pub(crate) fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0))
    }

    fn network(self) -> u32 {
        self.address.to_bits() & self.mask().to_bits()
    }

    fn last(self) -> u32 {
        self.network() | !self.mask().to_bits()
    }

    pub(crate) fn contains(self, address: Ipv4Addr) -> bool {
        (self.network()..=self.last()).contains(&address.to_bits())
    }

    /// Whether an address is in both.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.network() <= other.last() && other.network() <= self.last()
    }

    /// Whether all of `other` is in this one.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.network() <= other.network() && other.last() <= self.last()
    }

    /// The address of the network's DHCP server, and the first and last that it gives away:
    /// docker-machine's, with a server that stays where it is.
    pub(crate) fn dhcp(self) -> (Ipv4Addr, Ipv4Addr, Ipv4Addr) {
        let at = |offset: u32| Ipv4Addr::from_bits(self.network() + offset);
        let server = if self.address == at(2) { at(3) } else { at(2) };
        if self.prefix <= 24 {
            return (server, at(100), at(254));
        }
        let first = Ipv4Addr::from_bits(server.to_bits().max(self.address.to_bits()) + 1);
        (server, first, Ipv4Addr::from_bits(self.last() - 1))
    }
}

/// Reads the host's own address, with docker-machine's words for a network's.
impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("invalid CIDR address: {text}");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let cidr =
            Self::new(address.parse().map_err(|_| wrong())?, prefix.parse().map_err(|_| wrong())?);
        if cidr.prefix > 29 || cidr.prefix < 8 {
            return Err(format!("{} is no size for a host-only network", wrong()));
        }
        if cidr.address.to_bits() == cidr.network() {
            let text =
                "host-only cidr must be specified with a host address, not a network address";
            return Err(text.to_owned());
        }
        Ok(cidr)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn masks_and_ranges() {
        let net = cidr("192.168.59.1/24");
        assert_eq!(net.mask(), Ipv4Addr::new(255, 255, 255, 0));
        let [server, first, last] = ["192.168.59.2", "192.168.59.100", "192.168.59.254"]
            .map(|text| text.parse::<Ipv4Addr>().unwrap());
        assert_eq!(net.dhcp(), (server, first, last));
        let small = cidr("10.0.0.2/28");
        assert_eq!(small.dhcp().0, Ipv4Addr::new(10, 0, 0, 3));
        assert_eq!(small.dhcp().1, Ipv4Addr::new(10, 0, 0, 4));
        assert_eq!(small.dhcp().2, Ipv4Addr::new(10, 0, 0, 14));
        let mask = Ipv4Addr::new(255, 255, 255, 0);
        assert_eq!(Cidr::with_mask(net.address, mask), Some(net));
        assert_eq!(Cidr::with_mask(net.address, Ipv4Addr::new(15, 0, 0, 0)), None);
    }

    #[test]
    fn overlaps() {
        let net = cidr("192.168.59.1/24");
        assert!(net.overlaps(cidr("192.168.0.1/16")) && cidr("192.168.0.1/16").overlaps(net));
        assert!(!net.overlaps(cidr("192.168.60.1/24")));
        assert!(cidr("192.168.56.1/21").holds(net) && !net.holds(cidr("192.168.56.1/21")));
        assert!(net.contains(Ipv4Addr::new(192, 168, 59, 200)));
    }

    #[test]
    fn texts_that_are_none() {
        for text in
            ["", "192.168.59.1", "192.168.59.1/33", "192.168.59.0/24", "x/24", "10.0.0.1/30"]
        {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
