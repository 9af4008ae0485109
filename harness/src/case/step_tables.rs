//! What a step may hold, as it is written: tables of its own, whose doc comments are descriptions of the JSON schema.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::vocabulary::{FateWord, Finding, Leaves, Leg, ProbeKind, Protocol, Transit};

/// An echo service on a node until the case ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listen")]
pub(super) struct ListenFile {
    /// The node.
    #[schemars(with = "String")]
    pub(super) at: Spanned<String>,
    /// The protocol.
    #[schemars(with = "Protocol")]
    pub(super) protocol: Spanned<String>,
    /// The port, on all addresses of the node.
    #[schemars(with = "u16", range(min = 1, max = 65535))]
    pub(super) port: Spanned<i64>,
}

/// Contract cases: a route that a person adds in a node, or an attacker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Route")]
pub(super) struct RouteFile {
    /// The node whose routing table gets it.
    #[schemars(with = "String")]
    pub(super) at: Spanned<String>,
    /// `default`, `outside`, `loopback` (127.0.0.0/8, for an attacker who has given up its own), or a network of the case.
    #[schemars(with = "String")]
    pub(super) to: Spanned<String>,
    /// The next hop: an address, a node or a role.
    #[schemars(with = "String")]
    pub(super) via: Spanned<String>,
}

/// Contract cases: the implementation is asked whether all is as it made it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Check")]
pub(super) struct CheckFile {
    /// What it must find.
    #[schemars(with = "Finding")]
    pub(super) finds: Spanned<String>,
    /// A container whose interfaces somebody takes away before.
    #[schemars(with = "Option<String>")]
    pub(super) unplugged: Option<Spanned<String>>,
    /// A container whose addresses somebody takes away before.
    #[schemars(with = "Option<String>")]
    pub(super) unaddressed: Option<Spanned<String>>,
    /// A container whose default route somebody takes away before.
    #[schemars(with = "Option<String>")]
    pub(super) unrouted: Option<Spanned<String>>,
    /// Whether somebody deletes all rules of the host's firewall before, as the reload of a firewall does. Chains stay.
    #[serde(default)]
    pub(super) flushed: bool,
}

/// Contract cases: the implementation undoes everything.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Teardown")]
pub(super) struct TeardownFile {
    /// What may be left of it in the host's namespace and in its folders, besides what it documents to keep.
    #[schemars(with = "Leaves")]
    pub(super) leaves: Spanned<String>,
    /// Whether it is asked twice, and must find nothing wrong with that. False if absent.
    #[serde(default)]
    pub(super) again: bool,
    /// A container that is gone before, with its namespace.
    #[schemars(with = "Option<String>")]
    pub(super) gone: Option<Spanned<String>>,
    /// How packets that the host forwards between others must end, for a host that forwards. Not asked if absent.
    #[schemars(with = "Option<Transit>")]
    pub(super) transit: Option<Spanned<String>>,
}

/// A marked packet to send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Probe")]
pub(super) struct ProbeFile {
    /// What is sent.
    #[schemars(with = "ProbeKind")]
    pub(super) send: Spanned<String>,
    /// The node that sends it.
    #[schemars(with = "String")]
    pub(super) from: Spanned<String>,
    /// An address, a node, or in contract cases a role: `host.uplink`, `host.second`, `NETWORK.gateway`.
    #[schemars(with = "String")]
    pub(super) to: Spanned<String>,
    /// The port that it is sent to: required for udp and tcp.
    #[schemars(with = "Option<u16>", range(min = 1, max = 65535))]
    pub(super) port: Option<Spanned<i64>>,
    /// The port that it is sent from, so that a flow goes on in a later probe. One of its own if absent.
    #[schemars(with = "Option<u16>", range(min = 1, max = 65535))]
    pub(super) source_port: Option<Spanned<i64>>,
    /// Its initial TTL or hop limit; 64 if absent.
    #[schemars(with = "Option<u8>", range(min = 1, max = 255))]
    pub(super) ttl: Option<Spanned<i64>>,
    /// Its payload in bytes, at least the 16 of the token that marks it, at most 65000 in one packet.
    #[schemars(with = "Option<u16>", range(min = 16, max = 1000000))]
    pub(super) size: Option<Spanned<i64>>,
    /// Whether routers may not fragment it; the kernel's default if absent: they may not, if it fits the first link.
    pub(super) dont_fragment: Option<bool>,
    /// Its type of service, as one byte: DSCP and ECN.
    #[schemars(with = "Option<u8>", range(min = 0, max = 255))]
    pub(super) tos: Option<Spanned<i64>>,
}

/// How the probe's path must end. What is absent is not compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(super) struct ExpectFile {
    /// How it ends. All but `answered` need a positive control: the same probe, answered, in the same case.
    #[schemars(with = "FateWord")]
    pub(super) fate: Spanned<String>,
    /// answered: the reply's TTL as the probing node receives it.
    #[schemars(with = "Option<u8>", range(min = 1, max = 255))]
    pub(super) ttl: Option<Spanned<i64>>,
    /// dropped, lost: the node and the place, as `host filter/FORWARD policy DROP`, `isp no route` or `host:eth0`.
    #[schemars(with = "Option<String>")]
    pub(super) at: Option<Spanned<String>>,
    /// dropped, lost: which packet it was.
    #[schemars(with = "Option<Leg>")]
    pub(super) leg: Option<Spanned<String>>,
    /// rejected, unreachable: what the sender is told, as `ENETUNREACH`, `tcp reset` or `port unreachable`.
    #[schemars(with = "Option<String>")]
    pub(super) reason: Option<Spanned<String>>,
    /// answered: the client's address as the server sees it.
    #[schemars(with = "Option<String>")]
    pub(super) peer: Option<Spanned<String>>,
}

/// A frame of the probe at one place. What is absent is not compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sighting")]
pub(super) struct SightingFile {
    /// A node, or in recipes one of its interfaces: `host:eth0`.
    #[schemars(with = "String")]
    pub(super) at: Spanned<String>,
    /// Which packet.
    #[schemars(with = "Option<Leg>")]
    pub(super) leg: Option<Spanned<String>>,
    /// Its source address there.
    #[schemars(with = "Option<String>")]
    pub(super) source: Option<Spanned<String>>,
    /// Its destination address there.
    #[schemars(with = "Option<String>")]
    pub(super) destination: Option<Spanned<String>>,
    /// Its TTL or hop limit there.
    #[schemars(with = "Option<u8>", range(min = 1, max = 255))]
    pub(super) ttl: Option<Spanned<i64>>,
    /// Its source port there.
    #[schemars(with = "Option<u16>", range(min = 1, max = 65535))]
    pub(super) source_port: Option<Spanned<i64>>,
    /// Its type of service there.
    #[schemars(with = "Option<u8>", range(min = 0, max = 255))]
    pub(super) tos: Option<Spanned<i64>>,
    /// Whether it says there that routers may not fragment it.
    pub(super) dont_fragment: Option<bool>,
    /// The node whose hardware address the frame comes from.
    #[schemars(with = "Option<String>")]
    pub(super) sender: Option<Spanned<String>>,
    /// An ICMP error: the source address of the packet that it quotes.
    #[schemars(with = "Option<String>")]
    pub(super) quoted_source: Option<Spanned<String>>,
    /// An ICMP error: the destination address of the packet that it quotes.
    #[schemars(with = "Option<String>")]
    pub(super) quoted_destination: Option<Spanned<String>>,
}

/// The exact routes or interfaces of a node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listing")]
pub(super) struct ListingFile {
    /// The node.
    #[schemars(with = "String")]
    pub(super) of: Spanned<String>,
    /// All of them, by name or as `ip route` words them without `proto` and `scope`; order does not matter.
    pub(super) are: Vec<String>,
}

/// Nodes that share something.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Same")]
pub(super) struct SameFile {
    /// Two or more nodes that share one network namespace.
    #[schemars(with = "Vec<String>")]
    pub(super) namespace: Spanned<Vec<Spanned<String>>>,
}
