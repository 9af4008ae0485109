//! A network's prefix, of either family.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;

use super::Family;

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

    /// The subnet of one address alone.
    pub fn of_one(address: IpAddr) -> Self {
        Self::around(address, Family::of(address).width())
    }

    /// The prefix's first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The host's address in a network of this prefix: the one behind the first.
    pub fn gateway(self) -> IpAddr {
        self.nth(1).unwrap_or(self.address)
    }

    /// The address with this host part; none if it is no longer in the subnet.
    pub fn nth(self, host: u32) -> Option<IpAddr> {
        let behind = bits(self.address).checked_add(host.into())?;
        let address = address(self.family(), behind)?;
        self.contains(address).then_some(address)
    }

    /// The address of everybody in it: its last one. IPv6 has none, and a link of two addresses neither (RFC 3021 2.2).
    pub fn broadcast(self) -> Option<IpAddr> {
        let has_one = self.family() == Family::Ipv4 && self.length < 31;
        let last = bits(self.address) | host_mask(self.family(), self.length);
        has_one.then(|| address(self.family(), last))?
    }

    /// The prefix's first address in the order of a packet.
    pub fn bytes(self) -> Vec<u8> {
        octets(self.family(), bits(self.address))
    }

    /// The mask of its prefix in the order of a packet.
    pub fn mask(self) -> Vec<u8> {
        octets(self.family(), !host_mask(self.family(), self.length))
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
        let last = host_mask(self.family(), self.length);
        let host = bits(address) & last;
        self.contains(address)
            && (self.family() == Family::Ipv6 || self.length >= 31 || (host != 0 && host != last))
    }
}

/// The bits of an address behind a prefix.
fn host_mask(family: Family, length: u8) -> u128 {
    let behind = family.width().saturating_sub(length);
    u128::MAX.checked_shr(u32::from(128 - behind)).unwrap_or(0)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

/// The address of these bits, none if the family's addresses have fewer.
fn address(family: Family, bits: u128) -> Option<IpAddr> {
    match family {
        Family::Ipv4 => Some(IpAddr::V4(u32::try_from(bits).ok()?.into())),
        Family::Ipv6 => Some(IpAddr::V6(bits.into())),
    }
}

/// The low bits of the family's width, in the order of a packet.
fn octets(family: Family, bits: u128) -> Vec<u8> {
    let width = usize::from(family.width()) / 8;
    let all = bits.to_be_bytes();
    all.get(all.len() - width..).unwrap_or_default().to_vec()
}

fn masked(whole: IpAddr, length: u8) -> IpAddr {
    let family = Family::of(whole);
    // No bit is added, so the address is still one of its family.
    address(family, bits(whole) & !host_mask(family, length)).unwrap_or(whole)
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let malformed = || SubnetError::Malformed(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(malformed)?;
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let length: u8 = length.parse().map_err(|_| malformed())?;
        if length > Family::of(address).width() {
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
    fn addresses_are_counted_within_the_subnet() {
        let nth = |of: &str, host| subnet(of).nth(host).map(|one| one.to_string());
        assert_eq!(nth("10.77.1.0/24", 255).as_deref(), Some("10.77.1.255"));
        assert_eq!(nth("10.77.1.0/24", 256), None);
        assert_eq!(nth("255.255.255.0/24", 256), None);
        assert_eq!(subnet("10.77.0.0/20").mask(), [255, 255, 240, 0]);
        assert_eq!(subnet("fd70::/12").mask()[..3], [255, 240, 0]);
        assert_eq!(subnet("10.77.0.0/20").bytes(), [10, 77, 0, 0]);
        assert_eq!(nth("10.77.1.7/32", 0).as_deref(), Some("10.77.1.7"));
        assert_eq!(nth("0.0.0.0/0", 1).as_deref(), Some("0.0.0.1"));
        assert_eq!(nth("fd77::/64", 65_536).as_deref(), Some("fd77::1:0"));
        assert_eq!(
            subnet("10.77.1.0/24").broadcast(),
            "10.77.1.255".parse().ok()
        );
        assert_eq!(subnet("10.77.1.0/31").broadcast(), None);
        assert_eq!(subnet("fd77::/64").broadcast(), None);
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
