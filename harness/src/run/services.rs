//! What listens in a lab while it is asked.

use super::RunError;
use crate::address::Family;
use crate::lab::Lab;
use crate::plan::ServiceSpec;
use crate::probe::Service;

/// Starts a service at all addresses that its node has of a family.
pub(super) fn start(lab: &Lab, service: &ServiceSpec, family: Family) -> Result<Service, RunError> {
    let ServiceSpec {
        node,
        protocol,
        port,
    } = service;
    let node = lab.canonical(node);
    let listen = || Service::listen(node, *protocol, family.any(), *port);
    let started = lab.netns(node)?.run(listen)?;
    started.map_err(|source| RunError::Listen {
        node: node.to_owned(),
        protocol: protocol.to_string(),
        port: *port,
        source,
    })
}
