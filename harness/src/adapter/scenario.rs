//! The network that a case intends, in neutral words: no interface name, no rule, nothing of one implementation.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::address::{Family, OfFamily, PerFamily, Prefix, Subnet};
use crate::case::{Attachment, Case, CaseKind, Protocol, Publish};

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
    /// Its addresses, of each family that it speaks.
    pub pools: PerFamily<Pool>,
    /// Whether it has no way out and in.
    pub internal: bool,
    /// Its MTU in bytes; the implementation's default if null.
    pub mtu: Option<u16>,
}

/// The addresses of one family that a network has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Its subnet.
    pub subnet: Subnet,
    /// The host's address in it, which its containers use as gateway.
    pub gateway: IpAddr,
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
        /// The container's addresses; the implementation's choice for a family of the network that has none here.
        addresses: PerFamily<IpAddr>,
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
        self.written().collides(&other.written())
    }

    /// As a case writes it.
    fn written(&self) -> Publish {
        Publish {
            address: self.host_address,
            host_port: self.host_port,
            container_port: self.container_port,
            protocol: self.protocol,
        }
    }
}

/// As `-p` of Docker and Podman takes it.
impl fmt::Display for PublishedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written().fmt(f)
    }
}

impl Scenario {
    /// What a contract case intends; nothing for a recipe.
    pub fn of(case: &Case) -> Self {
        let CaseKind::Contract { networks, .. } = &case.kind else {
            return Self::default();
        };
        let networks = networks.iter().map(|network| ScenarioNetwork {
            name: network.name.to_string(),
            pools: network.subnets.map(|subnet| Pool {
                subnet,
                gateway: network.gateway(subnet),
            }),
            internal: network.internal,
            mtu: network.mtu,
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

    /// Containers of one network, with the addresses that each has where the adapter is the one to choose them. One for which
    /// a pool has no address left is not among them.
    pub fn members<'a>(
        &'a self,
        network: &'a str,
    ) -> Vec<(&'a ScenarioContainer, PerFamily<IpAddr>)> {
        let Some(of) = self.network(network) else {
            return Vec::new();
        };
        let mut members: Vec<(&ScenarioContainer, PerFamily<IpAddr>)> = self
            .containers
            .iter()
            .filter_map(|container| match &container.attached {
                Attached::Network { name, addresses } if name == network => {
                    Some((container, *addresses))
                }
                _ => None,
            })
            .collect();
        for pool in &of.pools {
            let family = pool.family();
            let asked = |(_, of): &(_, PerFamily<IpAddr>)| of.get(family).copied();
            let taken: Vec<IpAddr> = members.iter().filter_map(asked).collect();
            let mut free = pool.hosts().filter(|address| !taken.contains(address));
            members.retain_mut(|(_, addresses)| {
                if addresses.get(family).is_none() {
                    free.next()
                        .is_some_and(|address| addresses.set(family, address).is_none())
                } else {
                    true
                }
            });
        }
        members
    }
}

impl Scenario {
    /// Containers on networks, in the order in which they start, each with its network's number and its addresses.
    pub fn attached(&self) -> Vec<(&ScenarioContainer, usize, PerFamily<IpAddr>)> {
        let mut all = Vec::new();
        for (number, network) in self.networks.iter().enumerate() {
            let members = self.members(&network.name).into_iter();
            all.extend(members.map(|(container, addresses)| (container, number, addresses)));
        }
        let place = |name: &str| self.containers.iter().position(|one| one.name == name);
        all.sort_by_key(|(container, ..)| place(&container.name));
        all
    }
}

impl OfFamily for Pool {
    fn family(&self) -> Family {
        self.subnet.family()
    }
}

impl ScenarioNetwork {
    /// The host's address of each family in it.
    pub fn gateways(&self) -> PerFamily<IpAddr> {
        self.pools.map(|pool| pool.gateway)
    }

    /// The addresses of a container as ones that its interface has.
    pub fn on_link(&self, addresses: PerFamily<IpAddr>) -> PerFamily<Prefix> {
        let mut on_link = PerFamily::NONE;
        for pool in &self.pools {
            if let Some(address) = addresses.get(pool.family()) {
                on_link.set(pool.family(), pool.on_link(*address));
            }
        }
        on_link
    }

    /// Whether an address lies in one of its subnets.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.pools.iter().any(|pool| pool.subnet.contains(address))
    }
}

impl Pool {
    /// The addresses of a subnet whose first is the host's.
    pub fn of(subnet: Subnet) -> Self {
        Self {
            subnet,
            gateway: subnet.gateway(),
        }
    }

    /// The host's address in it.
    pub fn host(&self) -> Prefix {
        self.on_link(self.gateway)
    }

    /// An address of the subnet as one that an interface has.
    pub fn on_link(&self, address: IpAddr) -> Prefix {
        Prefix {
            address,
            length: self.subnet.length(),
        }
    }

    /// The first addresses of the subnet that containers may have, in order.
    pub(super) fn hosts(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (subnet, gateway) = (self.subnet, self.gateway);
        let hosts = (1..=u8::MAX).filter_map(move |n| subnet.nth(n.into()));
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
            addresses: address.map(PerFamily::from).unwrap_or_default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(subnet: &str) -> Pool {
        Pool::of(subnet.parse().expect("a subnet"))
    }

    fn words(addresses: &PerFamily<IpAddr>) -> String {
        let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        words.join(" ")
    }

    #[test]
    fn a_container_has_an_address_of_each_family_of_its_network() {
        let container = |name: &str, addresses: PerFamily<IpAddr>| ScenarioContainer {
            name: name.into(),
            attached: Attached::Network {
                name: "front".into(),
                addresses,
            },
            publish: Vec::new(),
        };
        let asked: IpAddr = "fd77:1::2".parse().expect("an address");
        let mut pools = PerFamily::from(pool("10.77.1.0/30"));
        pools.set(Family::Ipv6, pool("fd77:1::/64"));
        let scenario = Scenario {
            networks: vec![ScenarioNetwork {
                name: "front".into(),
                pools,
                internal: false,
                mtu: None,
            }],
            containers: vec![
                container("c1", asked.into()),
                container("c2", PerFamily::NONE),
            ],
        };
        let members = scenario.members("front");
        let members: Vec<String> = members.iter().map(|(_, own)| words(own)).collect();
        assert_eq!(members, ["10.77.1.2 fd77:1::2"], "IPv4 has no more");
    }

    #[test]
    fn addresses_are_given_in_order_and_none_twice() {
        let container = |name: &str, address: Option<&str>| ScenarioContainer {
            name: name.into(),
            attached: Attached::Network {
                name: "front".into(),
                addresses: address
                    .and_then(|a| a.parse::<IpAddr>().ok())
                    .map(PerFamily::from)
                    .unwrap_or_default(),
            },
            publish: Vec::new(),
        };
        let scenario = Scenario {
            networks: vec![ScenarioNetwork {
                name: "front".into(),
                pools: pool("10.77.1.0/24").into(),
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
        let addresses: Vec<String> = members.iter().map(|(_, own)| words(own)).collect();
        assert_eq!(addresses, ["10.77.1.3", "10.77.1.2", "10.77.1.4"]);
        let hosts = |subnet, gateway: [u8; 4]| {
            let mut pool = pool(subnet);
            pool.gateway = gateway.into();
            let hosts = pool.hosts().take(2);
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
            pools: Pool::of(Subnet::around([10, 77, number, 0].into(), 24)).into(),
            internal: number == 2,
            mtu: None,
        };
        let container = |name: &str, network: &str| ScenarioContainer {
            name: name.into(),
            attached: Attached::Network {
                name: network.into(),
                addresses: PerFamily::NONE,
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
            .map(|(container, number, own)| format!("{} {number} {}", container.name, words(&own)))
            .collect();
        assert_eq!(
            found,
            ["c1 1 10.77.2.2", "c2 0 10.77.1.2", "c3 1 10.77.2.3"]
        );
    }
}
