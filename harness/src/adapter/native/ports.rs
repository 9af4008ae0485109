//! The ports of a bridge.

use super::names::bridge;
use super::{Fault, Faults};
use crate::adapter::{AdapterError, Program, ScenarioNetwork, Site};

fn list(site: &Site, bridge: &str) -> Result<Vec<String>, AdapterError> {
    let folder = format!("/sys/class/net/{bridge}/brif");
    let ports = site.room.run(|| {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    });
    ports.map_err(AdapterError::from)
}

/// What faults change about the ports of a network's bridge.
pub(super) fn spoil(
    network: &ScenarioNetwork,
    faults: &Faults,
    site: &Site,
) -> Result<(), AdapterError> {
    let bridge = &bridge(&network.name);
    let mut settings = Vec::new();
    if faults.has(Fault::NeighboursKeptApart)
        || (network.internal && faults.has(Fault::InternalNeighboursKeptApart))
    {
        settings.push(("isolated", "on"));
    }
    if faults.has(Fault::NeighbourFramesFlooded) {
        settings.push(("learning", "off"));
    }
    for (name, value) in settings {
        for port in list(site, bridge)? {
            Program::new(["bridge", "link", "set", "dev", &port, name, value]).run(&site.room)?;
        }
    }
    Ok(())
}
