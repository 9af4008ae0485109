//! What listens in a lab.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::packet::Protocol;

/// A service that answers what comes to it, at every address of its node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ServiceSpec {
    /// On which node.
    #[serde(rename = "at")]
    pub node: String,
    /// Over which protocol.
    pub protocol: Protocol,
    /// On which port.
    pub port: u16,
}

/// Services of a lab at one moment.
pub type Services = BTreeSet<ServiceSpec>;

impl ServiceSpec {
    /// A service of this node.
    pub fn of(node: &str, protocol: Protocol, port: u16) -> Self {
        Self {
            node: node.to_owned(),
            protocol,
            port,
        }
    }

    /// One for each protocol.
    pub fn of_each_protocol(node: &str, port: u16) -> impl Iterator<Item = Self> {
        let protocols = Protocol::ALL.iter();
        protocols.map(move |protocol| Self::of(node, *protocol, port))
    }
}
