//! Where a scenario is to be made true.

use std::collections::BTreeMap;

use crate::lab::{LabError, Netns, Room};

/// The lab's host, and the namespaces of the containers as far as the harness makes them.
#[derive(Debug)]
pub struct Site {
    /// Where programs of the implementation run.
    pub room: Room,
    /// The lab's host namespace.
    pub host: Netns,
    /// Container namespaces by name, at `/run/netns/NAME` of the room; none where the implementation makes them.
    pub containers: BTreeMap<String, Netns>,
}

impl Site {
    /// Where a container's namespace is found by the programs of the room.
    pub fn path(container: &str) -> String {
        format!("/run/netns/{container}")
    }

    /// Furnishes the room.
    pub fn furnish(host: &Netns, containers: BTreeMap<String, Netns>) -> Result<Self, LabError> {
        let named = containers
            .iter()
            .map(|(name, netns)| (name.as_str(), netns));
        Ok(Self {
            room: Room::furnish(host, named)?,
            host: host.try_clone()?,
            containers,
        })
    }
}
