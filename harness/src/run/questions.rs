//! "Who gets it": the route and forwarding-table answers for the packets that were seen.

use std::net::{IpAddr, SocketAddr};

use super::RunError;
use crate::lab::Lab;
use crate::packet::Transport;
use crate::path::{Direction, End, Evidence, LegKind, Lookup, PacketPath, Sent, Step};

/// Asks the tables that decided about the request, in the order in which it met them: the prober's
/// routes, the host's bridge, the host's routes, and those of a router that knew no way.
///
/// # Errors
/// A table cannot be read.
pub(super) fn ask_tables(
    lab: &Lab,
    evidence: &Evidence,
    path: &PacketPath,
) -> Result<Vec<Lookup>, RunError> {
    let mut lookups = Vec::new();
    let mut add = |node: &str, table: &str, answer: String| {
        let lookup = Lookup {
            node: node.to_owned(),
            table: table.to_owned(),
            answer,
        };
        // The host may be asked as the host and as the sender of an error.
        if !lookups.contains(&lookup) {
            lookups.push(lookup);
        }
    };
    if let Some(destination) = evidence.asked {
        let answer = lab.route_get(&evidence.from, destination, None, None)?;
        add(&evidence.from, "route", answer);
    }
    // A DNAT in OUTPUT has the packet routed again (`ip_route_me_harder`).
    if evidence.from == "host"
        && let Some(destination) = destination_at_host(path)
    {
        let answer = lab.route_get("host", destination, None, None)?;
        add("host", "route", answer);
    }
    if evidence.sent != Sent::Accepted {
        return Ok(lookups);
    }
    if evidence.from != "host" {
        ask_host(lab, evidence, path, &mut add)?;
    }
    if let Some(hop) = path.hops(LegKind::Error).next()
        && let Transport::Error { quoted, .. } = &hop.headers.transport
        && hop.node != evidence.from
    {
        let answer = lab.route_get(&hop.node, quoted.destination, None, None)?;
        add(&hop.node, "route", answer);
    }
    Ok(lookups)
}

fn ask_host(
    lab: &Lab,
    evidence: &Evidence,
    path: &PacketPath,
    add: &mut impl FnMut(&str, &str, String),
) -> Result<(), RunError> {
    let host = evidence.nodes.get("host");
    let frame = evidence
        .frames
        .iter()
        .filter(|f| f.leg == LegKind::Request && f.node == "host" && f.direction == Direction::In)
        .min_by_key(|f| f.order);
    let Some(frame) = frame else {
        return Ok(());
    };
    let bridge = host
        .and_then(|host| host.interfaces.get(&frame.interface))
        .and_then(|interface| interface.bridge.clone());
    if let Some(bridge) = &bridge {
        let answer = lab.fdb("host", bridge, &frame.destination_mac)?;
        add("host", "fdb", answer);
    }
    let enters_by = bridge.clone().unwrap_or_else(|| frame.interface.clone());
    // A packet that a bridge forwards between its ports meets no routing table.
    let routed = bridge.is_none()
        || path
            .hops(LegKind::Request)
            .any(|hop| hop.node == "host" && Some(&hop.interface) == bridge.as_ref());
    if routed {
        let destination = destination_at_host(path).unwrap_or(frame.headers.destination);
        let source = Some(frame.headers.source);
        let answer = lab.route_get("host", destination, source, Some(&enters_by))?;
        add("host", "route", answer);
    }
    Ok(())
}

/// The destination that the host's routing decision saw: behind a DNAT in prerouting.
fn destination_at_host(path: &PacketPath) -> Option<IpAddr> {
    path.steps(LegKind::Request)
        .iter()
        .find_map(|step| match step {
            Step::Rewrite(rewrite) if rewrite.node == "host" && rewrite.end == End::Destination => {
                let with_port = rewrite.is.parse::<SocketAddr>().map(|end| end.ip());
                with_port.or_else(|_| rewrite.is.parse()).ok()
            }
            _ => None,
        })
}
