//! How far a contract fixes the way of a probe, and what a probe is called.

use crate::case::{Case, CaseKind, Endpoint, Exchange, FateWord};
use crate::path::Passage;

/// How far the contract fixes the way of a probe.
pub(super) fn way(case: &Case, exchange: &Exchange) -> Passage {
    let probe = &exchange.probe;
    let local =
        probe.from.as_str() == "host" || case.containers.iter().any(|c| c.name == probe.from);
    let to_host = match &probe.to {
        Endpoint::HostUplink | Endpoint::HostSecond | Endpoint::NetworkGateway(_) => true,
        Endpoint::Node(node) => node.as_str() == "host",
        Endpoint::Address(address) => address.is_loopback(),
    };
    let mut ports = case.containers.iter().flat_map(|c| &c.publish);
    let published = ports.any(|port| Some(port.host_port) == probe.port);
    if exchange.expect.fate == FateWord::Blocked {
        Passage::Blocked
    } else if local && to_host && published {
        Passage::ByHost
    } else {
        Passage::Through
    }
}

/// A probe's heading: in a contract by the case's words, in a recipe by the address.
pub(super) fn title(case: &Case, exchange: &Exchange, asked: Option<std::net::IpAddr>) -> String {
    let probe = &exchange.probe;
    let destination = match (&case.kind, asked) {
        (CaseKind::Recipe { .. }, Some(address)) => address.to_string(),
        _ => probe.to.to_string(),
    };
    let to = match probe.port {
        Some(port) if destination.contains(':') => format!("[{destination}]:{port}"),
        Some(port) => format!("{destination}:{port}"),
        None => destination,
    };
    let sent = probe.send.in_words();
    format!("{} → {to}  {sent}", probe.from)
}
