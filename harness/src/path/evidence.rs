//! What was recorded about one probe: the only input of assembly, so that a path can be built again from a file.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Which packet of the exchange a leg follows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
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
pub enum Direction {
    /// Leaving the node, or handed down by a bridge device to its ports.
    Out,
    /// Entering the node, or handed up by a bridge port to its bridge device.
    In,
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

/// Where in the IP stack a chain was called (`include/uapi/linux/netfilter.h`, `NF_INET_*`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
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
pub enum Rule {
    /// A rule, by its text without the leading `-A CHAIN`.
    Text(String),
    /// The base chain's policy, because no rule decided.
    Policy,
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

/// A conntrack entry's two directions (`man conntrack`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
pub struct Lookup {
    /// Node's name.
    pub node: String,
    /// `route` or `fdb`.
    pub table: String,
    /// The answer in the words of `ip route get` or `bridge fdb`, without volatile parts.
    pub answer: String,
}
