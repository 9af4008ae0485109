//! The network that a case intends, in neutral words: no interface name, no rule, nothing of one implementation.

use std::net::{IpAddr, Ipv4Addr};

use schemars::JsonSchema;
use serde::Serialize;

use crate::case::{Attachment, Case, CaseKind, Protocol, Subnet};

/// Networks and containers that shall exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scenario {
    /// The networks.
    pub networks: Vec<ScenarioNetwork>,
    /// The containers, each after those whose namespace it uses.
    pub containers: Vec<ScenarioContainer>,
}

/// A container network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioNetwork {
    /// Its name: 1 to 12 characters of a-z, 0-9 and -.
    pub name: String,
    /// Its subnet.
    pub subnet: Subnet,
    /// The host's address in it, which its containers use as gateway.
    pub gateway: IpAddr,
    /// Whether it has no way out and in.
    pub internal: bool,
    /// Its MTU in bytes; the implementation's default if null.
    pub mtu: Option<u16>,
}

/// A container. Its namespace, where the adapter is given one, is empty but for `lo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioContainer {
    /// Its name: 1 to 12 characters of a-z, 0-9 and -.
    pub name: String,
    /// Whose network it uses.
    pub attached: Attached,
    /// Its published ports.
    pub publish: Vec<PublishedPort>,
}

/// Whose network a container uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// A namespace with nothing but `lo`.
    None,
    /// The host's namespace.
    Host,
    /// The namespace of this container.
    Container(String),
    /// A network of the scenario.
    Network {
        /// Its name.
        name: String,
        /// The container's address; the implementation's choice if there is none.
        address: Option<IpAddr>,
    },
}

/// A port of the host that leads to a port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PublishedPort {
    /// The host's address; all of them if null.
    pub host_address: Option<IpAddr>,
    /// The host's port.
    pub host_port: u16,
    /// The container's port.
    pub container_port: u16,
    /// The protocol.
    pub protocol: Protocol,
}

impl PublishedPort {
    /// Whether both claim the same port of the same address.
    pub fn collides(&self, other: &Self) -> bool {
        let publish = |port: &Self| crate::case::Publish {
            address: port.host_address,
            host_port: port.host_port,
            container_port: port.container_port,
            protocol: port.protocol,
        };
        publish(self).collides(&publish(other))
    }
}

impl Scenario {
    /// What a contract case intends; nothing for a recipe.
    pub fn of(case: &Case) -> Self {
        let CaseKind::Contract { networks, .. } = &case.kind else {
            return Self::default();
        };
        let networks = networks.iter().filter_map(|network| {
            let subnet = network.subnets.iter().find(|s| s.address().is_ipv4())?;
            Some(ScenarioNetwork {
                name: network.name.to_string(),
                subnet: *subnet,
                gateway: network.gateway(*subnet),
                internal: network.internal,
                mtu: network.mtu,
            })
        });
        let mut containers: Vec<ScenarioContainer> =
            case.containers.iter().map(container).collect();
        containers.sort_by_key(|one| matches!(one.attached, Attached::Container(_)));
        Self {
            networks: networks.collect(),
            containers,
        }
    }

    /// The same networks with only those containers that `is_there`.
    #[must_use]
    pub fn with_only(&self, is_there: impl Fn(&str) -> bool) -> Self {
        let containers = self.containers.iter();
        Self {
            networks: self.networks.clone(),
            containers: containers
                .filter(|one| is_there(&one.name))
                .cloned()
                .collect(),
        }
    }

    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&ScenarioContainer> {
        self.containers.iter().find(|one| one.name == name)
    }

    /// The network of that name.
    pub fn network(&self, name: &str) -> Option<&ScenarioNetwork> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// Containers of one network, with the address that each has where the adapter is the one to choose it.
    pub fn members<'a>(&'a self, network: &'a str) -> Vec<(&'a ScenarioContainer, IpAddr)> {
        let Some(of) = self.network(network) else {
            return Vec::new();
        };
        let asked: Vec<(&ScenarioContainer, Option<IpAddr>)> = self
            .containers
            .iter()
            .filter_map(|container| match &container.attached {
                Attached::Network { name, address } if name == network => {
                    Some((container, *address))
                }
                _ => None,
            })
            .collect();
        let taken: Vec<IpAddr> = asked.iter().filter_map(|(_, address)| *address).collect();
        let mut free = of.hosts().filter(|address| !taken.contains(address));
        asked
            .into_iter()
            .filter_map(|(container, address)| Some((container, address.or_else(|| free.next())?)))
            .collect()
    }
}

impl Scenario {
    /// Containers on networks, in the order in which they start, each with its network's number and its address.
    pub fn attached(&self) -> Vec<(&ScenarioContainer, usize, IpAddr)> {
        let mut all = Vec::new();
        for (number, network) in self.networks.iter().enumerate() {
            let members = self.members(&network.name).into_iter();
            all.extend(members.map(|(container, address)| (container, number, address)));
        }
        let place = |name: &str| self.containers.iter().position(|one| one.name == name);
        all.sort_by_key(|(container, ..)| place(&container.name));
        all
    }
}

impl ScenarioNetwork {
    /// The first addresses of the subnet that containers may have, in order.
    pub(super) fn hosts(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (subnet, gateway) = (self.subnet, self.gateway);
        let hosts = (1..=u8::MAX).map(move |n| nth(subnet.address(), n));
        hosts.filter(move |address| *address != gateway && subnet.has_host(*address))
    }
}

fn container(container: &crate::case::Container) -> ScenarioContainer {
    let attached = match &container.attachment {
        Attachment::None => Attached::None,
        Attachment::Host => Attached::Host,
        Attachment::Container(other) => Attached::Container(other.to_string()),
        Attachment::Network { network, address } => Attached::Network {
            name: network.to_string(),
            address: *address,
        },
    };
    let publish = container.publish.iter().map(|port| PublishedPort {
        host_address: port.address,
        host_port: port.host_port,
        container_port: port.container_port,
        protocol: port.protocol,
    });
    ScenarioContainer {
        name: container.name.to_string(),
        attached,
        publish: publish.collect(),
    }
}

/// The address that many behind another.
fn nth(address: IpAddr, offset: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4).wrapping_add(offset.into())).into(),
        IpAddr::V6(v6) => {
            std::net::Ipv6Addr::from(u128::from(v6).wrapping_add(offset.into())).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_given_in_order_and_none_twice() {
        let container = |name: &str, address: Option<&str>| ScenarioContainer {
            name: name.into(),
            attached: Attached::Network {
                name: "front".into(),
                address: address.and_then(|a| a.parse().ok()),
            },
            publish: Vec::new(),
        };
        let scenario = Scenario {
            networks: vec![ScenarioNetwork {
                name: "front".into(),
                subnet: "10.77.1.0/24".parse().expect("a subnet"),
                gateway: IpAddr::V4(Ipv4Addr::new(10, 77, 1, 1)),
                internal: false,
                mtu: None,
            }],
            containers: vec![
                container("c1", None),
                container("c2", Some("10.77.1.2")),
                container("c3", None),
            ],
        };
        let members = scenario.members("front");
        let addresses: Vec<String> = members.iter().map(|(_, a)| a.to_string()).collect();
        assert_eq!(addresses, ["10.77.1.3", "10.77.1.2", "10.77.1.4"]);
        let network = |subnet: &str, gateway: [u8; 4]| ScenarioNetwork {
            subnet: subnet.parse().expect("a subnet"),
            gateway: gateway.into(),
            ..scenario.networks[0].clone()
        };
        let hosts = |subnet, gateway| {
            let hosts = network(subnet, gateway).hosts().take(2);
            hosts.map(|one| one.to_string()).collect::<Vec<_>>()
        };
        let last = hosts("10.77.1.0/24", [10, 77, 1, 254]);
        assert_eq!(last, ["10.77.1.1", "10.77.1.2"]);
        assert_eq!(hosts("10.77.1.4/30", [10, 77, 1, 6]), ["10.77.1.5"]);
    }

    #[test]
    fn containers_start_in_their_own_order_and_not_in_that_of_networks() {
        let network = |name: &str, number: u8| ScenarioNetwork {
            name: name.into(),
            subnet: Subnet::around([10, 77, number, 0].into(), 24),
            gateway: IpAddr::from([10, 77, number, 1]),
            internal: number == 2,
            mtu: None,
        };
        let container = |name: &str, network: &str| ScenarioContainer {
            name: name.into(),
            attached: Attached::Network {
                name: network.into(),
                address: None,
            },
            publish: Vec::new(),
        };
        let scenario = Scenario {
            networks: vec![network("front", 1), network("back", 2)],
            containers: vec![
                container("c1", "back"),
                container("c2", "front"),
                container("c3", "back"),
            ],
        };
        let attached = scenario.attached().into_iter();
        let found: Vec<String> = attached
            .map(|(container, number, address)| format!("{} {number} {address}", container.name))
            .collect();
        assert_eq!(
            found,
            ["c1 1 10.77.2.2", "c2 0 10.77.1.2", "c3 1 10.77.2.3"]
        );
    }
}
