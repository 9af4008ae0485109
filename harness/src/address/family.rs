//! What differs between IPv4 and IPv6: widths, numbers, offsets and words.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::sys::socket::AddressFamily;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address family; each one makes its own trial.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Family {
    /// IPv4.
    #[serde(rename = "ipv4")]
    Ipv4,
    /// IPv6.
    #[serde(rename = "ipv6")]
    Ipv6,
}

/// The numbers of a family's ICMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// Its protocol number (RFC 792, RFC 4443).
    pub protocol: u8,
    /// The type of an echo request.
    pub echo_request: u8,
    /// The type of an echo reply.
    pub echo_reply: u8,
}

impl Family {
    /// Both families.
    pub const ALL: &'static [Self] = &[Self::Ipv4, Self::Ipv6];

    /// The family that an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// As a case file spells it.
    pub fn as_str(self) -> &'static str {
        self.differs("ipv4", "ipv6")
    }

    /// Bits of an address.
    pub fn width(self) -> u8 {
        self.differs(32, 128)
    }

    /// The address that means any.
    pub fn any(self) -> IpAddr {
        self.differs(Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into())
    }

    /// The address of a machine within itself.
    pub fn loopback(self) -> IpAddr {
        self.differs(Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into())
    }

    /// The group of multicast DNS on a link (RFC 6762 3).
    pub fn mdns_group(self) -> IpAddr {
        let v6 = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
        self.differs(Ipv4Addr::new(224, 0, 0, 251).into(), v6.into())
    }

    /// `AF_INET` or `AF_INET6` (`linux/socket.h`); `NFPROTO_IPV4` and `NFPROTO_IPV6` are the same numbers (`linux/netfilter.h`).
    pub const fn number(self) -> u8 {
        match self {
            Self::Ipv4 => 2,
            Self::Ipv6 => 10,
        }
    }

    /// The same as nix has it.
    pub fn domain(self) -> AddressFamily {
        self.differs(AddressFamily::Inet, AddressFamily::Inet6)
    }

    /// The folder of its settings.
    pub fn settings(self) -> &'static str {
        self.differs("/proc/sys/net/ipv4", "/proc/sys/net/ipv6")
    }

    /// The word of a table of nftables, and of an address in a rule there.
    pub fn nft(self) -> &'static str {
        self.differs("ip", "ip6")
    }

    /// The program of iptables that speaks it.
    pub fn iptables(self) -> &'static str {
        self.differs("iptables", "ip6tables")
    }

    /// `ETH_P_IP` or `ETH_P_IPV6` (`linux/if_ether.h`).
    pub fn ether_type(self) -> u16 {
        self.differs(0x0800, 0x86dd)
    }

    /// Its ICMP.
    pub fn icmp(self) -> Icmp {
        let icmp = |protocol, echo_request, echo_reply| Icmp {
            protocol,
            echo_request,
            echo_reply,
        };
        self.differs(icmp(1, 8, 0), icmp(58, 128, 129))
    }

    /// Where the source address is in a header, in bytes from its beginning (RFC 791 3.1, RFC 8200 3).
    pub fn source_offset(self) -> u8 {
        self.differs(12, 8)
    }

    /// The address that these bytes are, in the order of a packet; none if they are not as many as the family's addresses have.
    pub fn address(self, bytes: &[u8]) -> Option<IpAddr> {
        match self {
            Self::Ipv4 => Some(<[u8; 4]>::try_from(bytes).ok()?.into()),
            Self::Ipv6 => Some(<[u8; 16]>::try_from(bytes).ok()?.into()),
        }
    }

    fn differs<T>(self, v4: T, v6: T) -> T {
        match self {
            Self::Ipv4 => v4,
            Self::Ipv6 => v6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_an_address_are_that_address_and_no_others_are() {
        for family in Family::ALL {
            let bytes = match family.loopback() {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            assert_eq!(bytes.len() * 8, usize::from(family.width()));
            assert_eq!(family.address(&bytes), Some(family.loopback()));
            assert_eq!(family.address(&bytes[1..]), None);
            assert_eq!(Family::of(family.any()), *family);
        }
    }
}
