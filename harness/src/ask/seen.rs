//! What was seen of one question, at both of its ends and on the way: the only input of its judgement.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::packet::{Checksums, IcmpError};

/// What was seen of one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The asking node.
    pub from: String,
    /// Whether the asking socket has got what the end that answered an open flow sent first; none if that one sent nothing.
    pub spoken_to: Option<bool>,
    /// What the asking socket was told, in order.
    pub heard: Vec<Heard>,
    /// Services that got it, in order.
    pub got: Vec<Arrival>,
    /// Frames of it: those of one node in the order in which it saw them. Nothing orders those of two nodes, since kernels
    /// begin to stamp frames some time after they were asked to (`net_enable_timestamp`).
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
    /// Its checksums.
    pub checksums: Checksums,
    /// Type of service: DSCP and ECN.
    pub tos: u8,
    /// Whether it may not be fragmented.
    pub dont_fragment: bool,
    /// The options of a TCP segment that begins a connection; none of another packet.
    pub options: Option<Options>,
}

/// What a SYN says of its sender (RFC 9293 3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The maximum segment size in bytes, if it says one.
    pub segment: Option<u16>,
    /// All other options, as they are written, without padding.
    pub others: Vec<u8>,
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

impl Leg {
    /// Whether it says that nobody listens, or speaks the protocol.
    pub(super) fn refuses(self) -> bool {
        matches!(
            self,
            Self::Reset | Self::Error(IcmpError::PortUnreachable | IcmpError::ProtocolUnreachable)
        )
    }
}

impl Seen {
    /// The nodes that made a packet rather than passed it on: what they saw first of it is that it left.
    pub(super) fn makers(&self, is: impl Fn(Leg) -> bool) -> Vec<&str> {
        let mut nodes: Vec<&str> = Vec::new();
        let mut makers = Vec::new();
        for sight in self.sights.iter().filter(|sight| is(sight.leg)) {
            if !nodes.contains(&&*sight.node) {
                nodes.push(&sight.node);
                if sight.outgoing {
                    makers.push(&*sight.node);
                }
            }
        }
        makers
    }
}

impl Sight {
    /// Whether the node got it.
    pub fn arrives(&self) -> bool {
        !self.outgoing && !self.for_another
    }
}
