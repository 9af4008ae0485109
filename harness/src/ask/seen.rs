//! What was seen of one question, at both of its ends and on the way: the only input of its judgement.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::packet::{Checksums, IcmpError};

/// What was seen of one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The asking node.
    pub from: String,
    /// What the asking socket was told, in order.
    pub heard: Vec<Heard>,
    /// Services that got it, in order.
    pub got: Vec<Arrival>,
    /// Frames of it, in the order in which they were captured.
    pub sights: Vec<Sight>,
    /// The next hop that the asking node has asked for, without an answer from anybody.
    pub unresolved: Option<IpAddr>,
}

/// What a socket was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The answer, from this address.
    Answer(IpAddr),
    /// An errno by its name, as `ECONNREFUSED`.
    Errno(String),
}

/// A service that got the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its node.
    pub node: String,
    /// The caller as it sees it.
    pub peer: SocketAddr,
    /// Bytes of the payload.
    pub bytes: usize,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The node.
    pub node: Arc<str>,
    /// Which packet of the exchange it is.
    pub leg: Leg,
    /// Whether it left the node.
    pub outgoing: bool,
    /// Whether it came in for another hardware address: the node has not got it.
    pub for_another: bool,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Time to live.
    pub ttl: u8,
    /// Kernel time stamp in nanoseconds since 1970.
    pub at: u64,
    /// Its checksums.
    pub checksums: Checksums,
}

/// Which packet of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// The echo request, the datagram, the SYN, or what carries the token.
    Request,
    /// What comes back.
    Reply,
    /// A TCP reset of the SYN.
    Reset,
    /// An ICMP error about the request.
    Error(IcmpError),
}

impl Sight {
    /// Whether the node got it.
    pub fn arrives(&self) -> bool {
        !self.outgoing && !self.for_another
    }
}
