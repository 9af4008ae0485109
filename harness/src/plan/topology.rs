//! What a lab is meant to be: nodes, veth pairs, bridges, addresses, routes. Plain data; [`Lab::build`] makes it live.
//!
//! [`Lab::build`]: crate::lab::Lab::build

use std::net::IpAddr;

use crate::address::{Family, PerFamily, Prefix};

/// A whole lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabSpec {
    /// Hosts, containers and routers.
    pub nodes: Vec<NodeSpec>,
    /// Links between them.
    pub veths: Vec<VethSpec>,
}

impl LabSpec {
    /// Nodes without a link.
    pub fn of_nodes(nodes: impl IntoIterator<Item = NodeSpec>) -> Self {
        Self {
            nodes: nodes.into_iter().collect(),
            ..Self::default()
        }
    }

    /// This lab and another one, side by side: two that have a node in common are joined by it.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let is_new = |node: &NodeSpec| self.nodes.iter().all(|one| one.name != node.name);
        let new: Vec<NodeSpec> = other.nodes.into_iter().filter(is_new).collect();
        self.nodes.extend(new);
        self.veths.extend(other.veths);
        self
    }

    /// A segment: a node that joins interfaces of others by one bridge. Each of them is a node, its interface and its address there.
    pub fn segment(name: &str, ends: &[(&str, &str, Prefix)]) -> Self {
        let bridge = "br0";
        let node = NodeSpec {
            name: name.into(),
            bridges: vec![BridgeSpec {
                name: bridge.into(),
                addresses: PerFamily::NONE,
            }],
            ..NodeSpec::default()
        };
        let port = |&(node, interface, address): &(&str, &str, Prefix)| VethSpec {
            ends: [
                EndSpec::port(name, node, bridge),
                EndSpec::addressed(node, interface, address),
            ],
            mtu: None,
        };
        Self {
            nodes: vec![node],
            veths: ends.iter().map(port).collect(),
        }
    }

    /// The address of a family that a node's first link has, if one has any.
    pub fn address(&self, node: &str, family: Family) -> Option<Prefix> {
        let ends = self.veths.iter().flat_map(|veth| &veth.ends);
        let mut own = ends.filter(|end| end.node == node);
        own.find_map(|end| end.addresses.get(family).copied())
    }

    /// The node that has an address, if one does.
    pub fn owner(&self, address: IpAddr) -> Option<&str> {
        let mut ends = self.veths.iter().flat_map(|veth| &veth.ends);
        let has = |end: &&EndSpec| end.addresses.iter().any(|own| own.address == address);
        ends.find(has).map(|end| end.node.as_str())
    }
}

/// Which namespace a node is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Namespace {
    /// One of its own.
    #[default]
    Own,
    /// Another node's: the node is a second name for it (Docker's modes `host` and `container:NAME`).
    Of(String),
}

/// Whether a node passes on packets that aren't for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Forwarding {
    /// An end system.
    #[default]
    Off,
    /// By the setting that people and engines look at, `net.ipv4.ip_forward`. Its writer spins until it has the lock that
    /// every rtnetlink request of the machine takes (`net/ipv4/devinet.c`, `devinet_sysctl_forward`).
    On,
    /// On each interface by itself, in the request that sets it up: the same to IPv4 packets, and nobody spins.
    OnInterfaces,
}

/// One host, container or router. `lo` is up in each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSpec {
    /// What cases call it.
    pub name: String,
    /// Its own namespace or another node's; in the second case nothing else here counts.
    pub namespace: Namespace,
    /// Whether it is a router.
    pub forwarding: Forwarding,
    /// Whether its routes stay what they are when a router knows a shorter way (ICMP redirect).
    pub keeps_routes: bool,
    /// `net.bridge.bridge-nf-call-iptables`; none where no bridge is.
    pub bridge_netfilter: Option<bool>,
    /// Its bridges.
    pub bridges: Vec<BridgeSpec>,
    /// Addresses on its `lo`, beside those of its links.
    pub own_addresses: Vec<Prefix>,
    /// Its routes beside those of its addresses.
    pub routes: Vec<RouteSpec>,
    /// What it hides behind its own address.
    pub masquerade: Option<MasqueradeSpec>,
}

/// Source NAT for one network of one family: `-s SOURCE -o INTERFACE -j MASQUERADE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasqueradeSpec {
    /// The network that is hidden; other sources leave as they are.
    pub source: Prefix,
    /// The interface behind whose address it is hidden.
    pub interface: String,
}

/// A Linux bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeSpec {
    /// Interface's name.
    pub name: String,
    /// Its own addresses.
    pub addresses: PerFamily<Prefix>,
}

/// A route through a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Where to; none is the default route.
    pub to: Option<Prefix>,
    /// The next hop.
    pub via: IpAddr,
}

/// A veth pair, each end made in its own node's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VethSpec {
    /// Both ends; the first one's node creates the pair.
    pub ends: [EndSpec; 2],
    /// MTU of both ends in bytes; the kernel's default if there is none.
    pub mtu: Option<u16>,
}

/// One end of a veth pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSpec {
    /// The node that holds it.
    pub node: String,
    /// Interface's name there.
    pub interface: String,
    /// Its addresses.
    pub addresses: PerFamily<Prefix>,
    /// The bridge of the same node that it is a port of.
    pub bridge: Option<String>,
}

impl VethSpec {
    /// A pair of two ends with addresses: each is a node, its interface and its address.
    pub fn between(one: (&str, &str, Prefix), other: (&str, &str, Prefix)) -> Self {
        Self {
            ends: [
                EndSpec::addressed(one.0, one.1, one.2),
                EndSpec::addressed(other.0, other.1, other.2),
            ],
            mtu: None,
        }
    }
}

impl EndSpec {
    /// An end with an address.
    pub fn addressed(node: &str, interface: &str, address: Prefix) -> Self {
        Self {
            node: node.into(),
            interface: interface.into(),
            addresses: address.into(),
            bridge: None,
        }
    }

    /// A bridge port.
    pub fn port(node: &str, interface: &str, bridge: &str) -> Self {
        Self {
            node: node.into(),
            interface: interface.into(),
            addresses: PerFamily::NONE,
            bridge: Some(bridge.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_uplink_is_one_more_part() {
        let named = |name: &str| NodeSpec {
            name: name.into(),
            ..NodeSpec::default()
        };
        let uplink = |segment: &str, interface: &str, third: u8| {
            let [host, peer] = [15, 2].map(|last| Prefix::v4([10, 0, third, last], 24));
            let router = format!("{segment}-router");
            let ends = [("host", interface, host), (&*router, "eth0", peer)];
            LabSpec::segment(segment, &ends).and(LabSpec::of_nodes([named(&router)]))
        };
        let lab = LabSpec::of_nodes([named("host")])
            .and(uplink("near", "eth0", 2))
            .and(uplink("far", "eth1", 3))
            .and(LabSpec::of_nodes([named("host")]));
        let names: Vec<&str> = lab.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["host", "near", "near-router", "far", "far-router"]);
        assert_eq!(lab.veths.len(), 4);
        assert_eq!(
            lab.address("host", Family::Ipv4),
            Some(Prefix::v4([10, 0, 2, 15], 24))
        );
        assert_eq!(lab.address("host", Family::Ipv6), None);
        assert_eq!(lab.owner([10, 0, 3, 2].into()), Some("far-router"));
    }
}
