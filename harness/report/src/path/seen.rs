//! The words that a path is told in: which packet, which way, where netfilter spoke and what.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which packet of the exchange a leg follows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum LegKind {
    /// What the probing node sent.
    Request,
    /// What came back.
    Reply,
    /// An ICMP error about the request or the reply.
    Error,
    /// What a TCP connection carries after its handshake. No leg is drawn of it: it tells only where an exchange ended
    /// that had begun.
    Stream,
}

/// Which way a frame passed an interface, seen from its node.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Direction {
    /// Leaving the node, or handed down by a bridge device to its ports.
    Out,
    /// Entering the node, or handed up by a bridge port to its bridge device.
    In,
}

/// Where in the IP stack a chain was called (`include/uapi/linux/netfilter.h`, `NF_INET_*`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Hook {
    /// Before the first routing decision.
    Prerouting,
    /// To a local socket.
    Input,
    /// Through this node.
    Forward,
    /// From a local socket.
    Output,
    /// After the last routing decision.
    Postrouting,
}

/// What a rule or policy decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Action {
    /// On to the next chain.
    Accept,
    /// The packet ends here.
    Drop,
    /// The next rule of the chain.
    Continue,
    /// Another chain, by name; it comes back if nothing there decides.
    Jump(String),
    /// Back to the calling chain.
    Return,
    /// Handed to user space.
    Queue,
}

/// Which rule spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Rule {
    /// A rule, by its text without the leading `-A CHAIN`.
    Text(String),
    /// The base chain's policy, because no rule decided.
    Policy,
}

/// A conntrack entry's two directions (`man conntrack`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Binding {
    /// Node's name.
    pub node: String,
    /// `icmp`, `tcp` or `udp`.
    pub protocol: String,
    /// Source and destination of the original direction, with ports where there are any.
    pub original: (String, String),
    /// Source and destination of the reply direction.
    pub reply: (String, String),
}

/// One answer of a table that decides who gets a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Lookup {
    /// Node's name.
    pub node: String,
    /// `route` or `fdb`.
    pub table: String,
    /// The answer in the words of `ip route get` or `bridge fdb`, without volatile parts.
    pub answer: String,
}

impl Hook {
    /// Whether one passage through a node's IP stack may meet `next` at or behind this hook: a packet
    /// that enters goes from prerouting to input, or over forward to postrouting; one that a local
    /// socket sends goes from output to postrouting.
    pub fn leads_to(self, next: Self) -> bool {
        self == next
            || matches!(
                (self, next),
                (
                    Self::Prerouting,
                    Self::Input | Self::Forward | Self::Postrouting
                ) | (Self::Forward | Self::Output, Self::Postrouting)
            )
    }
}

impl Direction {
    /// `>` for out, `<` for in.
    pub fn arrow(self) -> char {
        match self {
            Self::Out => '>',
            Self::In => '<',
        }
    }
}
impl fmt::Display for LegKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Reply => "reply",
            Self::Error => "error",
            Self::Stream => "stream",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => write!(f, "accept"),
            Self::Drop => write!(f, "drop"),
            Self::Continue => write!(f, "continue"),
            Self::Jump(chain) => write!(f, "jump {chain}"),
            Self::Return => write!(f, "return"),
            Self::Queue => write!(f, "queue"),
        }
    }
}
