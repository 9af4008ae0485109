//! An address on a link.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use super::Family;

/// An address with the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// Bits of the network part.
    pub length: u8,
}

/// Not an address with the length of a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an address with a prefix length")]
pub struct PrefixError(String);

impl Prefix {
    /// An address alone, with its family's whole width.
    pub fn of_one(address: IpAddr) -> Self {
        Self {
            address,
            length: Family::of(address).width(),
        }
    }

    /// An IPv4 address with its prefix length.
    pub const fn v4(octets: [u8; 4], length: u8) -> Self {
        let [a, b, c, d] = octets;
        Self {
            address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            length,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let wrong = || PrefixError(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let length: u8 = length.parse().map_err(|_| wrong())?;
        if length > Family::of(address).width() {
            Err(wrong())
        } else {
            Ok(Self { address, length })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_reads_what_it_writes() {
        for text in ["10.55.66.1/24", "fd00::1/64", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Prefix>().expect("valid").to_string(), text);
        }
        for text in ["10.55.66.1", "10.55.66.1/33", "x/8", "fd00::1/129"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
