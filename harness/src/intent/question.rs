//! One question: who asks whom, by which packet, in which way.

use std::net::IpAddr;

use serde::Serialize;

use super::table::OPEN;
use crate::case::Protocol;

/// One cell of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Question {
    /// Who asks.
    pub from: Vantage,
    /// Whom.
    pub to: Target,
    /// By which packet.
    pub ask: Ask,
    /// How large it is.
    pub size: Size,
    /// By which way it leaves the asking node.
    pub way: Routing,
    /// Whether it begins a flow.
    pub flow: Flow,
}

/// The node that asks: a container, `host`, `lan`, `lan2` or `outside`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Vantage(pub String);

/// An address, with the words that a person knows it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// Whose it is, as `c1`, `host.uplink`, `front.gateway`, `outside`, `host.loopback`.
    pub role: String,
}

/// The packet. Ports are those of the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// ICMP echo request.
    Icmp,
    /// A TCP connection that carries a token both ways.
    Tcp(u16),
    /// One UDP datagram with a token.
    Udp(u16),
    /// A TCP segment of no connection.
    LateTcp(u16),
    /// An ICMP echo reply to a request that nobody has sent.
    LateReply,
    /// An IP datagram of a protocol that nobody speaks.
    IpProtocol,
    /// What asks for the port that is open everywhere, from this number, which the host publishes.
    FromPublished(Protocol, u16),
}

/// The packet's size in relation to the way's MTU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Smaller than any MTU.
    Small,
    /// An IP packet of exactly this many bytes, which may not be fragmented.
    Whole(u16),
    /// An IP packet of this many bytes, which may be fragmented.
    Fragmented(u16),
    /// An IP packet of this many bytes, too large for the way, which may not be fragmented.
    TooLarge(u16),
}

/// How the packet leaves the asking node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// As the node's own routes say.
    OwnRoutes,
    /// By a route to the destination through the host that the prober adds and takes away: through the host's uplink address
    /// from lan; from outside by routes of all the lab's routers; through the gateway of its network from a container. To
    /// 127.0.0.0/8 it goes over the wire, which no ordinary socket of the asking node does.
    RouteByHost,
}

/// Whether the packet begins a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// It does.
    New,
    /// The flow, of the same ends and ports, was answered in an earlier moment, the last one if several. Where the end that
    /// answered is still there, it sends first: a translation that is lost is found anew by what the asking end sends.
    Open,
}

impl Ask {
    /// The transport protocol and the port that it is sent to.
    pub fn port(self) -> Option<(Protocol, u16)> {
        match self {
            Self::Icmp | Self::LateReply | Self::IpProtocol => None,
            Self::Tcp(port) | Self::LateTcp(port) => Some((Protocol::Tcp, port)),
            Self::Udp(port) => Some((Protocol::Udp, port)),
            Self::FromPublished(protocol, _) => Some((protocol, OPEN)),
        }
    }

    /// The packet that asks for that port.
    pub fn of(protocol: Protocol, port: u16) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp(port),
            Protocol::Udp => Self::Udp(port),
        }
    }
}
