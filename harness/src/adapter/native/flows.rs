//! Connections by published ports, as conntrack remembers them.

use super::{Fault, Faults};
use crate::adapter::{AdapterError, PublishedPort, ScenarioContainer, Site};
use crate::case::Protocol;
use crate::trace::{Conntrack, ConntrackEntry, TraceError};

/// IANA's number of TCP.
const TCP: u8 = 6;
/// IANA's number of UDP.
const UDP: u8 = 17;

/// Connections by containers' ports begin anew, wherever they led: an entry outlives the rule that made it, and one
/// that was made before there was a rule hides it (moby/moby#8795).
pub(super) fn forget(
    containers: &[ScenarioContainer],
    faults: &Faults,
    site: &Site,
) -> Result<(), AdapterError> {
    let published: Vec<&PublishedPort> = containers.iter().flat_map(|one| &one.publish).collect();
    let others = faults.has(Fault::FlowsOfOthersCut) && !containers.is_empty();
    if faults.has(Fault::FlowsStay) || (published.is_empty() && !others) {
        return Ok(());
    }
    let wrong = |error: TraceError| AdapterError::Refused {
        question: String::from("forget connections"),
        message: error.to_string(),
    };
    let meant = |entry: &&ConntrackEntry| {
        let has_ports = entry.original.ports.is_some();
        (has_ports && others) || published.iter().any(|port| is_by(entry, port, faults))
    };
    let forgotten = site.room.run(|| {
        let mut connections = Conntrack::open("host")?;
        for entry in connections.dump()?.iter().filter(meant) {
            connections.forget(entry)?;
        }
        Ok(())
    })?;
    forgotten.map_err(wrong)
}

/// Whether a connection was made to this port of the host.
fn is_by(entry: &ConntrackEntry, port: &PublishedPort, faults: &Faults) -> bool {
    let protocol = match port.protocol {
        Protocol::Tcp => TCP,
        Protocol::Udp => UDP,
    };
    let asked = port
        .host_address
        .filter(|address| !address.is_unspecified())
        .filter(|_| !faults.has(Fault::FlowsOfOtherAddressesCut));
    let by_number =
        port.host_port == port.container_port || !faults.has(Fault::FlowsStayIfPortsDiffer);
    by_number
        && entry.protocol == protocol
        && entry.original.ports.map(|(_, to)| to) == Some(port.host_port)
        && asked.is_none_or(|address| address == entry.original.destination)
}
