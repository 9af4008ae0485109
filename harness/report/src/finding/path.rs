//! How a path ended, and which packet a case looks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::{Fate, LegKind};

/// How a path ended, and whose word it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Ending {
    /// How.
    pub fate: Fate,
    /// The probing node, where its own kernel said it by an errno.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_by: Option<String>,
    /// The node that sent the ICMP error which said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by: Option<String>,
    /// The next hop of the probing node's route, where nobody answered its ARP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<String>,
}

/// A packet of a probe, by what a case says about it. What is null is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Wanted {
    /// Which packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leg: Option<LegKind>,
    /// Its source, as the case calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its destination, as the case calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its TTL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// Its source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// Its type of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Whether routers may not fragment it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dont_fragment: Option<bool>,
    /// The node whose hardware address the frame comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Source of the packet that an ICMP error quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_source: Option<String>,
    /// Destination of the packet that an ICMP error quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_destination: Option<String>,
}

impl Ending {
    /// The node at which the path ended, where that is known.
    pub fn node(&self) -> Option<&str> {
        match &self.fate {
            Fate::Dropped { node, .. } => Some(node),
            Fate::Lost { after, .. } => after.split(':').next().filter(|node| !node.is_empty()),
            Fate::Answered | Fate::Rejected { .. } | Fate::Unreachable { .. } => {
                self.said_by.as_deref().or(self.told_by.as_deref())
            }
        }
    }
}
