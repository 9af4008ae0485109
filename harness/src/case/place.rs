//! Names of places in a lab: nodes, their interfaces, addresses by role, and netfilter chains.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;

/// A node of the lab, as `c1`, `host` or `outside`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NodeName(String);

/// Why a text cannot name a node or a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not 1 to {max} characters of a-z, 0-9 and -, with a letter first", max = NodeName::MAX_BYTES)]
pub struct NodeNameError(String);

impl NodeName {
    /// Room for a name in an interface's name with a suffix of three (`IFNAMSIZ` is 16 with its NUL).
    pub const MAX_BYTES: usize = 12;

    /// Checks length and characters.
    pub fn new(name: &str) -> Result<Self, NodeNameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || name.len() > Self::MAX_BYTES || !name.chars().all(allowed) {
            return Err(NodeNameError(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a frame is seen: a node, or one of its interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// The node.
    pub node: NodeName,
    /// One interface; any of the node's if there is none.
    pub interface: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{}:{interface}", self.node),
            None => write!(f, "{}", self.node),
        }
    }
}

/// An address, or whose address it is; the lab knows the number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// This address.
    Address(IpAddr),
    /// The node's own address.
    Node(NodeName),
    /// The host's address towards the outside: `host.uplink`.
    HostUplink,
    /// The host's address on its second uplink: `host.second`.
    HostSecond,
    /// The address that a network's containers have as their default gateway: `front.gateway`.
    NetworkGateway(NodeName),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Node(node) => write!(f, "{node}"),
            Self::HostUplink => f.write_str("host.uplink"),
            Self::HostSecond => f.write_str("host.second"),
            Self::NetworkGateway(network) => write!(f, "{network}.gateway"),
        }
    }
}

/// A table and a chain, as `filter/FORWARD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// The table.
    pub table: String,
    /// The chain, a built-in one or a user's.
    pub name: String,
}

/// Why a text is not a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not TABLE/CHAIN, with a table of {tables}", tables = Chain::TABLES.join(", "))]
pub struct ChainError(String);

impl Chain {
    /// The tables of iptables (`man iptables`, TABLES).
    pub const TABLES: [&str; 5] = ["raw", "mangle", "nat", "filter", "security"];
}

impl FromStr for Chain {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        match text.split_once('/') {
            Some((table, name))
                if Self::TABLES.contains(&table)
                    && !name.is_empty()
                    && !name.contains(['/', ' ']) =>
            {
                Ok(Self {
                    table: table.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(ChainError(text.to_owned())),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.table, self.name)
    }
}

impl Serialize for Chain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
