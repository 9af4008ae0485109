//! The packet path: hops, verdicts between them, and the fate.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Binding, Direction, Hook, LegKind, Lookup, Rule};
use crate::packet::{Headers, IcmpError, Transport};

/// The whole way of one probe and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct PacketPath {
    /// Request first, then the reply or the error.
    pub legs: Vec<Leg>,
    /// How it ended.
    pub fate: Fate,
    /// Whether the fate is proven and no frame is missing.
    pub settled: bool,
    /// NAT bindings of the connection.
    pub bindings: Vec<Binding>,
    /// Route and forwarding-table answers.
    pub lookups: Vec<Lookup>,
    /// Where later fragments of a packet were seen; its first fragment stands for it in the legs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
}

/// A later fragment at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Fragment {
    /// Which packet it is part of.
    pub leg: LegKind,
    /// Where it was seen.
    pub hop: Hop,
}

/// One packet on its way: the request, its reply, or an ICMP error about either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Leg {
    /// Which packet.
    pub kind: LegKind,
    /// Hops and verdicts, in order.
    pub steps: Vec<Step>,
}

/// One step of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Step {
    /// The packet was seen on an interface.
    Hop(Hop),
    /// Netfilter spoke.
    Verdict(Verdict),
    /// The packet's source or destination became another one between two observations.
    Rewrite(Rewrite),
    /// A frame that must have been there was not captured.
    Missing {
        /// Node's name.
        node: String,
        /// Interface's name.
        interface: String,
        /// Which way it should have passed.
        direction: Direction,
    },
}

/// One place where the packet was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Hop {
    /// Node's name.
    pub node: String,
    /// Interface's name.
    pub interface: String,
    /// Which way it passed.
    pub direction: Direction,
    /// The packet as it was there.
    pub headers: Headers,
    /// The node whose hardware address the frame came from, if the lab has one with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
}

/// Netfilter's word on the packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Verdict {
    /// Node's name.
    pub node: String,
    /// Where in the IP stack.
    pub hook: Hook,
    /// Table and chain, as `filter/FORWARD`.
    pub chain: String,
    /// Who spoke.
    pub rule: Rule,
    /// What was decided.
    pub action: Action,
}

/// One address (and port) of the packet that became another one within a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Rewrite {
    /// Node's name.
    pub node: String,
    /// Which end.
    pub end: End,
    /// What it was, with the port where there is one.
    pub was: String,
    /// What it is now.
    pub is: String,
}

/// One end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum End {
    /// Source address and port.
    Source,
    /// Destination address and port.
    Destination,
}

/// How a path ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Fate {
    /// The probing socket got its answer.
    Answered,
    /// The other side or a filter said no, and the probing node heard it.
    Rejected {
        /// `tcp reset` or the ICMP error's name.
        by: String,
    },
    /// There was no way: an errno at the send, or an ICMP error about the route.
    Unreachable {
        /// Errno's name or the ICMP error's.
        reason: String,
    },
    /// The packet ended at a named place for a named reason.
    Dropped {
        /// Which packet.
        leg: LegKind,
        /// Node's name.
        node: String,
        /// Table, chain and rule or policy; or `no route` where a router said so.
        place: String,
    },
    /// No evidence says where the packet went after this hop.
    Lost {
        /// Which packet.
        leg: LegKind,
        /// `node:interface` of the last hop, empty if nothing was seen.
        after: String,
    },
}

impl Hop {
    /// Whether this is no error but a router's hint: it knows a shorter way, and has sent the packet on all the same (RFC 792).
    pub fn is_redirect(&self) -> bool {
        let Transport::Error { error, .. } = &self.headers.transport else {
            return false;
        };
        matches!(error, IcmpError::Other { icmp_type: 5, .. })
    }
}

impl Fate {
    /// The ICMP error that ends a path as rejected rather than as unreachable.
    pub fn is_rejection(error: IcmpError) -> bool {
        matches!(
            error,
            IcmpError::ProtocolUnreachable | IcmpError::PortUnreachable | IcmpError::Prohibited
        )
    }
}

impl PacketPath {
    /// The steps of one leg, empty if it does not exist.
    pub fn steps(&self, kind: LegKind) -> &[Step] {
        self.legs
            .iter()
            .find(|leg| leg.kind == kind)
            .map_or(&[], |leg| &leg.steps)
    }

    /// All hops of a leg, in order.
    pub fn hops(&self, kind: LegKind) -> impl Iterator<Item = &Hop> {
        self.steps(kind).iter().filter_map(|step| match step {
            Step::Hop(hop) => Some(hop),
            _ => None,
        })
    }

    /// All verdicts of a leg, in order.
    pub fn verdicts(&self, kind: LegKind) -> impl Iterator<Item = &Verdict> {
        self.steps(kind).iter().filter_map(|step| match step {
            Step::Verdict(verdict) => Some(verdict),
            _ => None,
        })
    }

    /// Whether nothing more is to come: the fate is proven and no frame is missing.
    pub fn is_settled(&self) -> bool {
        self.settled
    }
}

impl Verdict {
    /// Whether this rule asks for an address translation. Targets as in `man iptables-extensions`,
    /// statements as in `man nft`.
    pub fn translates(&self) -> bool {
        let Rule::Text(text) = &self.rule else {
            return false;
        };
        let words = [
            "MASQUERADE",
            "SNAT",
            "DNAT",
            "REDIRECT",
            "NETMAP",
            "masquerade",
            "snat",
            "dnat",
            "redirect",
        ];
        text.split_whitespace().any(|word| words.contains(&word))
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => write!(f, "answered"),
            Self::Rejected { by } => write!(f, "rejected: {by}"),
            Self::Unreachable { reason } => write!(f, "unreachable: {reason}"),
            Self::Dropped { leg, node, place } => write!(f, "{leg} dropped at {node} {place}"),
            Self::Lost { leg, after } if after.is_empty() => {
                write!(f, "{leg} lost before any interface saw it, no verdict")
            }
            Self::Lost { leg, after } => write!(f, "{leg} lost after {after}, no verdict"),
        }
    }
}
