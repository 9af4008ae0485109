//! The article's lab: two containers on the bridge `hwchiu0` of a host, and the way to 8.8.8.8.

use std::net::IpAddr;

use super::outside::{self, way_outside};
use super::topology::{
    BridgeSpec, EndSpec, Forwarding, LabSpec, Namespace, NodeSpec, RouteSpec, VethSpec,
};

use crate::address::{PerFamily, Prefix};

/// The article's bridge.
pub const BRIDGE: &str = "hwchiu0";

const HOST: Prefix = Prefix::v4([10, 0, 2, 15], 24);

/// How far the lab is built before a case's own commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wiring {
    /// Bridge, veth pairs and the containers' addresses are there.
    #[default]
    Attached,
    /// The containers have only `lo`, the host has no bridge and no veth pair: part two of the series builds them.
    Bare,
}

/// How a container gets its network, in the words of `docker run --network`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// A namespace with a veth pair to the bridge.
    #[default]
    Bridge,
    /// A namespace with only `lo`.
    None,
    /// The host's own namespace.
    Host,
    /// The namespace of another container, `container:NAME`.
    Container(String),
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What cases call it.
    pub name: String,
    /// How it gets its network.
    pub mode: Mode,
}

impl Container {
    /// A container on the bridge.
    pub fn bridged(name: &str) -> Self {
        Self {
            name: name.into(),
            mode: Mode::Bridge,
        }
    }
}

/// The article's two containers.
pub fn containers() -> Vec<Container> {
    vec![Container::bridged("c1"), Container::bridged("c2")]
}

/// The lab with these containers. The first one on the bridge is 10.55.66.2 behind `veth0`, the next 10.55.66.3 behind
/// `veth1`, and so on up to 10.55.66.254.
pub fn spec(wiring: Wiring, containers: &[Container]) -> LabSpec {
    let mut host = node("host", Forwarding::On, &[(None, outside::GATEWAY.address)]);
    host.bridge_netfilter = Some(true);
    let mut veths = Vec::new();
    let mut nodes = Vec::new();
    if wiring == Wiring::Attached {
        host.bridges.push(BridgeSpec {
            name: BRIDGE.into(),
            addresses: PerFamily::NONE,
        });
    }
    for container in containers {
        let mut made = node(&container.name, Forwarding::Off, &[]);
        match (&container.mode, wiring) {
            (Mode::Bridge, Wiring::Attached) => {
                let number = u8::try_from(veths.len()).unwrap_or(u8::MAX);
                let address = Prefix::v4([10, 55, 66, number.saturating_add(2)], 24);
                veths.push(VethSpec {
                    ends: [
                        EndSpec::port("host", &format!("veth{number}"), BRIDGE),
                        EndSpec::addressed(&container.name, "eth0", address),
                    ],
                    mtu: None,
                });
            }
            (Mode::Bridge, Wiring::Bare) | (Mode::None, _) => {}
            (Mode::Host, _) => made.namespace = Namespace::Of("host".into()),
            (Mode::Container(other), _) => made.namespace = Namespace::Of(other.clone()),
        }
        nodes.push(made);
    }
    nodes.push(host);
    veths.push(VethSpec::between(
        ("host", "eth0", HOST),
        ("gateway", "eth0", outside::GATEWAY),
    ));
    LabSpec { nodes, veths }.and(way_outside(None, &[]))
}

fn node(name: &str, forwarding: Forwarding, routes: &[(Option<Prefix>, IpAddr)]) -> NodeSpec {
    let routes = routes
        .iter()
        .map(|&(to, via)| RouteSpec { to, via })
        .collect();
    NodeSpec {
        name: name.into(),
        forwarding,
        routes,
        ..NodeSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_numbered_in_their_order_on_the_bridge() {
        let mut three = containers();
        three.insert(
            1,
            Container {
                name: "lonely".into(),
                mode: Mode::None,
            },
        );
        let spec = spec(Wiring::Attached, &three);
        let ends: Vec<_> = spec.veths[..2]
            .iter()
            .map(|veth| (&veth.ends[0].interface, veth.ends[1].addresses))
            .collect();
        assert_eq!(ends[0].0, "veth0");
        assert_eq!(
            ends[1],
            (&"veth1".to_string(), Prefix::v4([10, 55, 66, 3], 24).into())
        );
    }

    #[test]
    fn a_bare_lab_keeps_only_the_way_outside() {
        let spec = spec(Wiring::Bare, &containers());
        assert_eq!(spec.veths.len(), 3);
        assert!(spec.nodes.iter().all(|node| node.bridges.is_empty()));
    }
}
