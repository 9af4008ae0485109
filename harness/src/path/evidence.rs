//! What was recorded about one probe: the only input of assembly, so that a path can be built again from a file.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Action, Binding, Direction, Hook, LegKind, Lookup, Rule};
use crate::packet::Headers;

/// Everything seen while one probe was on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The probing node's name.
    pub from: String,
    /// The address that the probe was sent to.
    pub asked: Option<IpAddr>,
    /// The nodes of the lab, with their interfaces as read back from the kernel.
    pub nodes: BTreeMap<String, Node>,
    /// Frames of this probe, in any order; of its stream only the last one.
    pub frames: Vec<Frame>,
    /// Netfilter's decisions about this probe's packets, in any order between nodes; `order` sorts them within one.
    pub verdicts: Vec<VerdictEvent>,
    /// What the sending socket said.
    pub sent: Sent,
    /// Whether the probing socket received its answer.
    pub answer: Option<Answer>,
    /// NAT bindings of the probe's connection, as conntrack holds them.
    pub bindings: Vec<Binding>,
    /// Route and forwarding-table answers for the packets seen, in path order.
    pub lookups: Vec<Lookup>,
}

/// One node of the lab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// Addresses that the node owns, without those of `lo`'s 127.0.0.0/8.
    pub addresses: Vec<IpAddr>,
    /// Whether iptables sees bridged packets (`net.bridge.bridge-nf-call-iptables`).
    pub bridge_netfilter: bool,
}

/// One interface, as far as a path needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Kernel index within its namespace.
    pub index: u32,
    /// The bridge that this interface is a port of.
    pub bridge: Option<String>,
    /// The other end of a veth pair: node and interface.
    pub peer: Option<(String, String)>,
    /// The interface that this one stands on, as a macvlan does, maybe in another node: node and interface.
    #[serde(default)]
    pub lower: Option<(String, String)>,
    /// Hardware address as `02:42:…`, empty where there is none.
    pub mac: String,
}

/// A packet of the probe seen on one interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Which packet of the exchange this is.
    pub leg: LegKind,
    /// Node's name.
    pub node: String,
    /// Interface's name.
    pub interface: String,
    /// Which way it passed.
    pub direction: Direction,
    /// Position among this node's frames: one socket sees all interfaces of a node in path order.
    pub order: u64,
    /// Kernel time stamp in nanoseconds since 1970.
    pub at: u64,
    /// The packet's headers.
    pub headers: Headers,
    /// Destination MAC, empty on interfaces without one.
    pub destination_mac: String,
    /// Source MAC, empty on interfaces without one.
    #[serde(default)]
    pub source_mac: String,
}

/// One decision of netfilter about one packet of the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictEvent {
    /// Which packet of the probe's exchange it is about; `None` before the recorder has told.
    pub leg: Option<LegKind>,
    /// Node's name.
    pub node: String,
    /// Position among this node's decisions.
    pub order: u64,
    /// Table's name, as `filter` or `nat`.
    pub table: String,
    /// Chain's name, as `FORWARD`.
    pub chain: String,
    /// Where the packet was; for a user chain, the hook that it was called from.
    pub hook: Hook,
    /// Who spoke.
    pub rule: Rule,
    /// What was decided.
    pub action: Action,
    /// Input interface's name, empty where there is none.
    pub input: String,
    /// Output interface's name, empty where there is none.
    pub output: String,
    /// The packet as it entered the base chain.
    pub headers: Headers,
}

/// What the sending socket said to the first packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// The kernel took it.
    #[default]
    Accepted,
    /// The kernel refused, with this errno's name, as `ENETUNREACH`.
    Refused(String),
}

/// What the probing socket received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// An echo reply or a payload with the token, from this address.
    Reply {
        /// The reply's headers as the socket saw them; none for TCP, whose socket shows no headers.
        headers: Option<Headers>,
        /// Who the answering side believed that it talked to: address and port.
        peer_seen: Option<String>,
    },
    /// The connection was refused, with this errno's name, as `ECONNREFUSED`.
    Refused(String),
}
