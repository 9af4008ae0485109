//! The lab in which a contract case is put to an implementation: a machine without any container network, a neighbour
//! on its uplink segment, and an honest way to 8.8.8.8.

use std::net::IpAddr;

use super::outside::{self, way_outside};
use super::roles::Roles;
use super::service::ServiceSpec;
use super::topology::{Forwarding, LabSpec, NodeSpec, RouteSpec, VethSpec};

use crate::address::{Prefix, Subnet};

/// Nodes that are ends of paths before any container is there.
pub const ENDS: [&str; 3] = ["host", "lan", "outside"];
/// The host's neighbour on its second uplink, where it has one.
pub const LAN2_NODE: &str = "lan2";
/// Nodes that have addresses before any container is there.
const NODES: [&str; 6] = ["host", "lan", "gateway", "isp", "outside", LAN2_NODE];
/// The host's address towards the outside.
pub const UPLINK: Prefix = Prefix::v4([10, 0, 2, 15], 24);
/// The host's neighbour on its uplink segment, who may also be up to no good.
pub const LAN: Prefix = Prefix::v4([10, 0, 2, 50], 24);
/// The node behind the lab's routers.
pub const OUTSIDE: Prefix = outside::OUTSIDE;
/// Further addresses of the node behind the lab's routers: one of each other private network (RFC 1918) and one of those for
/// documentation (RFC 5737), since filters make exceptions by the address.
pub const OUTSIDE_ALSO: [Prefix; 3] = [
    Prefix::v4([172, 20, 7, 7], 32),
    Prefix::v4([192, 168, 77, 7], 32),
    Prefix::v4([198, 51, 100, 7], 32),
];
/// The gateway's address towards its provider, behind which it hides the uplink segment.
pub const BEYOND: Prefix = outside::BEYOND;
/// The node that joins host, gateway and lan into one segment.
pub const SEGMENT: &str = "segment";
/// The host's address on its second uplink, of a network for documentation (RFC 5737).
pub const SECOND_UPLINK: Prefix = Prefix::v4([192, 0, 2, 15], 24);
/// Its neighbour's there.
pub const LAN2: Prefix = Prefix::v4([192, 0, 2, 50], 24);
/// The address by which that neighbour asks the host: one that the host's main table leads to its first uplink.
pub const LAN2_CLIENT: Prefix = Prefix::v4([198, 18, 0, 7], 32);
/// Where the machines are that a person's own rules are about (`own_rules`).
pub const MACHINES: Prefix = Prefix::v4([10, 99, 0, 1], 24);
/// The ports that those rules lead there.
pub const MACHINES_PORTS: [u16; 2] = [2222, 2223];
/// The host's interface on the segment.
pub const UPLINK_INTERFACE: &str = "eth0";
/// Its interface on its second uplink.
pub const SECOND_INTERFACE: &str = "eth1";

/// The way to the host from a node that is none of its containers: each node on it with its next hop.
pub fn way_to_host(from: &str) -> Vec<(&'static str, IpAddr)> {
    match from {
        "lan" => vec![("lan", UPLINK.address)],
        LAN2_NODE => vec![(LAN2_NODE, SECOND_UPLINK.address)],
        "outside" => vec![
            ("outside", outside::ISP_OUTER.address),
            ("isp", BEYOND.address),
            ("gateway", UPLINK.address),
        ],
        _ => Vec::new(),
    }
}

/// Whether nobody of the lab has this address of the uplink's network.
pub fn is_free(address: IpAddr) -> bool {
    let uplink = Subnet::around(UPLINK.address, UPLINK.length);
    uplink.has_host(address) && owner(address).is_none()
}

/// The addresses that the lab itself uses, each with its node: an implementation can have none of their networks.
pub fn addresses() -> Vec<(String, Prefix)> {
    let lab = spec(&[], Forwarding::Off, false, None).and(second_uplink());
    let ends = lab.veths.into_iter().flat_map(|veth| veth.ends);
    let ends = ends.flat_map(|end| {
        end.addresses
            .into_iter()
            .map(move |own| (end.node.clone(), own))
    });
    let own = OUTSIDE_ALSO.map(|address| (String::from("outside"), address));
    let client = (String::from(LAN2_NODE), LAN2_CLIENT);
    ends.chain(own).chain([client]).collect()
}

/// The node of the lab that has this address, none if it is nobody's.
pub fn owner(address: IpAddr) -> Option<&'static str> {
    let known = addresses();
    let (owner, _) = known.iter().find(|(_, own)| own.address == address)?;
    NODES.into_iter().find(|node| node == owner)
}

/// Who is who before any container is there: the host by its uplink, everybody else by the node's name.
pub fn roles() -> Roles {
    let mut roles = Roles {
        ends: ENDS
            .into_iter()
            .chain([LAN2_NODE])
            .map(String::from)
            .collect(),
        uplink: UPLINK_INTERFACE.to_owned(),
        ..Roles::default()
    };
    roles.call(UPLINK.address, "host.uplink");
    roles.call(SECOND_UPLINK.address, "host.second");
    for (node, own) in addresses() {
        roles.call(own.address, &node);
    }
    roles
}

/// What everybody outside answers at, over each protocol.
pub fn services_outside(port: u16) -> impl Iterator<Item = ServiceSpec> {
    ServiceSpec::of_each_protocol("outside", port)
}

/// The lab with these containers, each a namespace with only `lo`; empty where the implementation makes them.
///
/// `path_mtu` is that of the link between the gateway and its provider.
pub fn spec(
    containers: &[&str],
    forwarding: Forwarding,
    bridge_netfilter: bool,
    path_mtu: Option<u16>,
) -> LabSpec {
    let host = NodeSpec {
        name: "host".into(),
        // Whether bridged packets are filtered is the implementation's to set, and on a fresh machine forwarding is, too.
        forwarding,
        bridge_netfilter: Some(bridge_netfilter),
        routes: vec![to_everywhere()],
        ..NodeSpec::default()
    };
    let lan = NodeSpec {
        name: "lan".into(),
        // A case that sends it by the host means every packet.
        keeps_routes: true,
        routes: vec![to_everywhere()],
        ..NodeSpec::default()
    };
    let uplink = [
        ("host", UPLINK_INTERFACE, UPLINK),
        ("gateway", "eth0", outside::GATEWAY),
        ("lan", "eth0", LAN),
    ];
    let containers = containers.iter().map(|name| NodeSpec {
        name: (*name).into(),
        ..NodeSpec::default()
    });
    LabSpec::of_nodes([host])
        .and(way_outside(path_mtu, &OUTSIDE_ALSO))
        .and(LabSpec::segment(SEGMENT, &uplink))
        .and(LabSpec::of_nodes([lan]))
        .and(LabSpec::of_nodes(containers))
}

/// Another uplink of the host, with one neighbour, who sends everything by the host.
pub fn second_uplink() -> LabSpec {
    let lan2 = NodeSpec {
        name: LAN2_NODE.into(),
        routes: vec![RouteSpec {
            to: None,
            via: SECOND_UPLINK.address,
        }],
        own_addresses: vec![LAN2_CLIENT],
        ..NodeSpec::default()
    };
    let wire = VethSpec::between(
        ("host", SECOND_INTERFACE, SECOND_UPLINK),
        (LAN2_NODE, "eth0", LAN2),
    );
    LabSpec {
        nodes: vec![lan2],
        veths: vec![wire],
    }
}

/// The gateway is on the way to everything that is not on the segment.
fn to_everywhere() -> RouteSpec {
    RouteSpec {
        to: None,
        via: outside::GATEWAY.address,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_node_with_an_address_is_known() {
        let nodes: BTreeSet<String> = addresses().into_iter().map(|(node, _)| node).collect();
        assert_eq!(nodes, NODES.map(String::from).into());
    }

    #[test]
    fn an_address_has_its_node_and_the_others_are_free() {
        for (address, node) in [
            ([10, 0, 2, 15], "host"),
            ([10, 0, 2, 50], "lan"),
            ([10, 0, 2, 2], "gateway"),
            ([8, 8, 8, 8], "outside"),
        ] {
            assert_eq!(owner(address.into()), Some(node));
            assert!(!is_free(address.into()), "{node}");
        }
        assert!(is_free([10, 0, 2, 16].into()));
        assert!(!is_free([10, 0, 3, 16].into()));
        assert!(!is_free([10, 0, 2, 255].into()));
    }

    #[test]
    fn host_gateway_and_lan_share_a_segment() {
        let spec = spec(&["c1"], Forwarding::Off, false, Some(1400));
        let on_segment = spec
            .veths
            .iter()
            .filter(|veth| veth.ends[0].node == SEGMENT)
            .count();
        assert_eq!(on_segment, 3);
        assert!(spec.nodes.iter().any(|node| node.name == "c1"));
        let small = spec.veths.iter().filter(|veth| veth.mtu == Some(1400));
        assert_eq!(small.count(), 1, "only the link behind the gateway");
    }
}
