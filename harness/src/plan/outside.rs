//! An honest way to 8.8.8.8 with two routers on it, so that TTLs come out by themselves. A part that labs are made with.

use std::net::IpAddr;

use super::topology::{Forwarding, LabSpec, MasqueradeSpec, NodeSpec, RouteSpec, VethSpec};

use crate::address::Prefix;

/// The network of hosts and their gateway.
const HOSTS: Prefix = Prefix::v4([10, 0, 2, 0], 24);
/// The gateway's address among hosts.
pub const GATEWAY: Prefix = Prefix::v4([10, 0, 2, 2], 24);
/// The gateway's address towards its provider, behind which it hides the hosts.
pub const BEYOND: Prefix = Prefix::v4([203, 0, 113, 2], 24);
const ISP_INNER: Prefix = Prefix::v4([203, 0, 113, 1], 24);
/// The provider's address towards the node behind it.
pub const ISP_OUTER: Prefix = Prefix::v4([8, 8, 8, 1], 24);
/// The node behind the routers.
pub const OUTSIDE: Prefix = Prefix::v4([8, 8, 8, 8], 24);

/// The nodes `gateway`, `isp` and `outside`, wired to each other: the gateway's `eth0` is free.
///
/// `path_mtu` is that of the link between gateway and provider; `also` are further addresses of `outside`.
pub fn way_outside(path_mtu: Option<u16>, also: &[Prefix]) -> LabSpec {
    let gateway = NodeSpec {
        name: "gateway".into(),
        forwarding: Forwarding::OnInterfaces,
        routes: vec![route(None, ISP_INNER.address)],
        // Only the network that it knows: what leaves the host with a container's address stays as it is (A11).
        masquerade: Some(MasqueradeSpec {
            source: HOSTS,
            interface: "eth1".into(),
        }),
        ..NodeSpec::default()
    };
    // The provider knows the public networks that it is on, and no private one: it answers "net unreachable" (A11).
    let isp = NodeSpec {
        name: "isp".into(),
        forwarding: Forwarding::OnInterfaces,
        routes: also
            .iter()
            .map(|address| route(Some(*address), OUTSIDE.address))
            .collect(),
        ..NodeSpec::default()
    };
    let outside = NodeSpec {
        name: "outside".into(),
        routes: vec![route(None, ISP_OUTER.address)],
        own_addresses: also.to_vec(),
        ..NodeSpec::default()
    };
    let mut up = VethSpec::between(("gateway", "eth1", BEYOND), ("isp", "eth0", ISP_INNER));
    up.mtu = path_mtu;
    LabSpec {
        nodes: vec![gateway, isp, outside],
        veths: vec![
            up,
            VethSpec::between(("isp", "eth1", ISP_OUTER), ("outside", "eth0", OUTSIDE)),
        ],
    }
}

fn route(to: Option<Prefix>, via: IpAddr) -> RouteSpec {
    RouteSpec { to, via }
}
