//! The headers that a path compares: addresses, TTL, flags and the transport's identity.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a packet's headers say, decoded once at the edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Headers {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// IPv4 time to live or IPv6 hop limit, 0 to 255.
    pub ttl: u8,
    /// IPv4 type of service or IPv6 traffic class, as one byte.
    pub tos: u8,
    /// IPv4 "don't fragment" (RFC 791 3.1). Always true for IPv6, whose routers never fragment.
    pub dont_fragment: bool,
    /// Offset of this fragment in bytes; 0 for a whole packet or a first fragment.
    pub fragment_offset: u16,
    /// Whether more fragments follow.
    pub more_fragments: bool,
    /// Total length of the IP packet in bytes, header included.
    pub length: u16,
    /// What the packet carries.
    pub transport: Transport,
}

/// The part of the transport header that tells packets of one probe apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Transport {
    /// ICMP echo request (RFC 792).
    EchoRequest {
        /// Identifier; NAT may rewrite it (RFC 5508 3.1).
        id: u16,
        /// Sequence number.
        sequence: u16,
    },
    /// ICMP echo reply (RFC 792).
    EchoReply {
        /// Identifier; NAT may rewrite it (RFC 5508 3.1).
        id: u16,
        /// Sequence number.
        sequence: u16,
    },
    /// An ICMP error and the packet that it quotes.
    Error {
        /// What went wrong.
        error: IcmpError,
        /// Headers of the quoted packet, as far as the quotation reaches.
        quoted: Box<Headers>,
    },
    /// UDP (RFC 768).
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// TCP (RFC 9293).
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Sequence number.
        sequence: u32,
        /// Acknowledgement number; 0 where the quotation does not reach it.
        acknowledgement: u32,
        /// Control bits.
        flags: TcpFlags,
    },
    /// Anything else, by its IP protocol number.
    Other {
        /// IANA protocol number.
        protocol: u8,
    },
}

/// The TCP control bits that matter to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct TcpFlags {
    /// Synchronise.
    pub syn: bool,
    /// Acknowledgement field is significant.
    pub ack: bool,
    /// Reset.
    pub rst: bool,
    /// No more data.
    pub fin: bool,
}

/// The ICMP errors that a router or a host answers with (RFC 792, RFC 1812 5.2.7, RFC 4443).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum IcmpError {
    /// No route to the destination's network.
    NetUnreachable,
    /// The last router could not reach the host.
    HostUnreachable,
    /// Nobody speaks the protocol (RFC 1122 3.2.2.1).
    ProtocolUnreachable,
    /// No listener on the port.
    PortUnreachable,
    /// The packet was too big for the next link; its MTU in bytes.
    FragmentationNeeded {
        /// MTU of the next hop in bytes (RFC 1191 4); 0 where the router does not say.
        mtu: u16,
    },
    /// A filter said no (RFC 1812 5.2.7.1, codes 9, 10 and 13).
    Prohibited,
    /// The TTL ran out on the way.
    TtlExceeded,
    /// Any other error, by type and code.
    Other {
        /// ICMP type.
        icmp_type: u8,
        /// ICMP code.
        code: u8,
    },
}

impl Headers {
    /// Source port, or the ICMP identifier, if the transport has one.
    pub fn source_port(&self) -> Option<u16> {
        match self.transport {
            Transport::Udp { source_port, .. } | Transport::Tcp { source_port, .. } => {
                Some(source_port)
            }
            _ => None,
        }
    }

    /// Destination port, if the transport has one.
    pub fn destination_port(&self) -> Option<u16> {
        match self.transport {
            Transport::Udp {
                destination_port, ..
            }
            | Transport::Tcp {
                destination_port, ..
            } => Some(destination_port),
            _ => None,
        }
    }

    /// The packet that an ICMP error is about.
    pub fn quoted(&self) -> Option<&Headers> {
        match &self.transport {
            Transport::Error { quoted, .. } => Some(quoted),
            _ => None,
        }
    }

    /// Source address, with the port where there is one.
    pub fn source_text(&self) -> String {
        endpoint(self.source, self.source_port())
    }

    /// Destination address, with the port where there is one.
    pub fn destination_text(&self) -> String {
        endpoint(self.destination, self.destination_port())
    }
}

fn endpoint(address: IpAddr, port: Option<u16>) -> String {
    match (address, port) {
        (_, None) => address.to_string(),
        (IpAddr::V4(_), Some(port)) => format!("{address}:{port}"),
        (IpAddr::V6(_), Some(port)) => format!("[{address}]:{port}"),
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetUnreachable => write!(f, "net unreachable"),
            Self::HostUnreachable => write!(f, "host unreachable"),
            Self::ProtocolUnreachable => write!(f, "protocol unreachable"),
            Self::PortUnreachable => write!(f, "port unreachable"),
            Self::FragmentationNeeded { mtu } => write!(f, "fragmentation needed, mtu {mtu}"),
            Self::Prohibited => write!(f, "administratively prohibited"),
            Self::TtlExceeded => write!(f, "ttl exceeded"),
            Self::Other { icmp_type, code } => write!(f, "icmp type {icmp_type} code {code}"),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EchoRequest { .. } => write!(f, "echo request"),
            Self::EchoReply { .. } => write!(f, "echo reply"),
            Self::Error { error, .. } => write!(f, "{error}"),
            Self::Udp { .. } => write!(f, "udp"),
            Self::Tcp { flags, .. } => write!(f, "tcp {flags}"),
            Self::Other { protocol } => write!(f, "ip protocol {protocol}"),
        }
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.syn, "syn"),
            (self.fin, "fin"),
            (self.rst, "rst"),
            (self.ack, "ack"),
        ];
        let set: Vec<&str> = names
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, n)| *n)
            .collect();
        write!(f, "{}", set.join("+"))
    }
}
