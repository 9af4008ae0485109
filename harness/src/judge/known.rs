//! What a case's words meant in the lab when a probe was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::case::{Endpoint, Exchange};

/// What the endpoints of one exchange were in the lab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Addresses by the case's words for them; what had none is left out.
    pub addresses: BTreeMap<String, IpAddr>,
    /// Nodes that a blocked packet must not get to: its destination, and every container.
    pub kept_out: BTreeSet<String>,
}

impl Known {
    /// The address of an endpoint, if it had one.
    pub fn resolve(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        match endpoint {
            Endpoint::Address(address) => Some(*address),
            _ => self.addresses.get(&endpoint.to_string()).copied(),
        }
    }
}

/// Every endpoint that an exchange speaks of.
pub(crate) fn endpoints(exchange: &Exchange) -> impl Iterator<Item = &Endpoint> {
    let sightings = exchange.seen.iter().chain(&exchange.unseen);
    let of_sightings = sightings.flat_map(|one| {
        [
            &one.source,
            &one.destination,
            &one.quoted_source,
            &one.quoted_destination,
        ]
    });
    let others = [Some(&exchange.probe.to), exchange.expect.peer.as_ref()];
    let others = others.into_iter().flatten();
    others.chain(of_sightings.filter_map(Option::as_ref))
}
