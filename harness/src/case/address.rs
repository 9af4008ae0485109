//! A network's prefix, of either family.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;

use super::vocabulary::Family;

/// A prefix as `10.77.1.0/24` or `fd77:1::/64`, without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: IpAddr,
    length: u8,
}

/// Why a text is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// Not ADDRESS/LENGTH.
    #[error("`{0}` is not ADDRESS/LENGTH")]
    Malformed(String),
    /// Longer than the family's addresses.
    #[error("a prefix of `{0}` is longer than its address")]
    TooLong(String),
    /// Bits below the prefix are set.
    #[error("`{0}` has host bits set; its subnet is `{1}`")]
    HostBits(String, Subnet),
}

impl Subnet {
    /// The subnet of this length, at most the family's width in bits, that an address lies in.
    pub fn around(address: IpAddr, length: u8) -> Self {
        Self {
            address: masked(address, length),
            length,
        }
    }

    /// The prefix's first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The host's address in a network of this prefix: the one behind the first.
    pub fn gateway(self) -> IpAddr {
        match self.address {
            IpAddr::V4(v4) => IpAddr::V4(u32::from(v4).wrapping_add(1).into()),
            IpAddr::V6(v6) => IpAddr::V6(u128::from(v6).wrapping_add(1).into()),
        }
    }

    /// The address of everybody in it: its last one. IPv6 has none, and a link of two addresses neither (RFC 3021 2.2).
    pub fn broadcast(self) -> Option<IpAddr> {
        let last = !mask(self.family(), self.length) & u128::from(u32::MAX);
        let all = bits(self.address) | last;
        let has_one = self.family() == Family::Ipv4 && self.length < 31;
        has_one.then(|| u32::try_from(all).ok().map(|all| IpAddr::V4(all.into())))?
    }

    /// The prefix's length in bits.
    pub fn length(self) -> u8 {
        self.length
    }

    /// The family of its addresses.
    pub fn family(self) -> Family {
        Family::of(self.address)
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        Family::of(address) == self.family() && masked(address, self.length) == self.address
    }

    /// Whether some address lies in both.
    pub fn overlaps(self, other: Self) -> bool {
        if self.length <= other.length {
            self.contains(other.address)
        } else {
            other.contains(self.address)
        }
    }

    /// Whether an address can be a container's: in the subnet, and in IPv4 neither its first nor its last.
    pub fn has_host(self, address: IpAddr) -> bool {
        let last = !mask(self.family(), self.length);
        let host = bits(address) & last;
        self.contains(address)
            && (self.family() == Family::Ipv6
                || self.length >= 31
                || (host != 0 && host != last & u128::from(u32::MAX)))
    }
}

/// The prefix mask, in the low bits of the family's width.
fn mask(family: Family, length: u8) -> u128 {
    let width = if family == Family::Ipv4 { 32 } else { 128 };
    if length == 0 {
        0
    } else {
        u128::MAX << (width - u32::from(length))
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    let kept = bits(address) & mask(Family::of(address), length);
    match address {
        // An IPv4 address has 32 bits, so nothing is cut off.
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(kept).unwrap_or(u32::MAX).into()),
        IpAddr::V6(_) => IpAddr::V6(kept.into()),
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let malformed = || SubnetError::Malformed(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(malformed)?;
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let length: u8 = length.parse().map_err(|_| malformed())?;
        if length > if address.is_ipv4() { 32 } else { 128 } {
            return Err(SubnetError::TooLong(text.to_owned()));
        }
        let subnet = Self {
            address: masked(address, length),
            length,
        };
        if subnet.address != address {
            return Err(SubnetError::HostBits(text.to_owned(), subnet));
        }
        Ok(subnet)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Serialize for Subnet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn subnets_of_both_families_contain_and_overlap() {
        assert!(subnet("10.77.1.0/24").contains("10.77.1.9".parse().unwrap()));
        assert!(!subnet("10.77.1.0/24").contains("10.77.2.9".parse().unwrap()));
        assert!(subnet("fd77:1::/64").contains("fd77:1::9".parse().unwrap()));
        assert!(subnet("0.0.0.0/0").overlaps(subnet("10.0.0.0/8")));
        assert!(!subnet("::/0").overlaps(subnet("10.0.0.0/8")));
        assert!(!subnet("10.77.1.0/24").overlaps(subnet("10.77.2.0/24")));
    }

    #[test]
    fn the_first_and_last_address_are_no_hosts_in_ipv4() {
        assert!(!subnet("10.77.1.0/24").has_host("10.77.1.0".parse().unwrap()));
        assert!(!subnet("10.77.1.0/24").has_host("10.77.1.255".parse().unwrap()));
        assert!(subnet("10.77.1.0/24").has_host("10.77.1.254".parse().unwrap()));
        assert!(subnet("fd77::/64").has_host("fd77::ffff".parse().unwrap()));
    }

    #[test]
    fn host_bits_and_lengths_are_refused() {
        assert!(
            matches!("10.77.1.9/24".parse::<Subnet>(), Err(SubnetError::HostBits(_, right)) if right == subnet("10.77.1.0/24"))
        );
        assert!(matches!(
            "10.77.1.0/33".parse::<Subnet>(),
            Err(SubnetError::TooLong(_))
        ));
        assert!(matches!(
            "10.77.1.0".parse::<Subnet>(),
            Err(SubnetError::Malformed(_))
        ));
    }
}
