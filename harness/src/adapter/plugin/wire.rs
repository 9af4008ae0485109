//! The intended network as the protocol writes it: every list is one, also where a case has one entry today, so that another
//! subnet, address or network of a container is no other protocol. The doc comments are descriptions of the JSON schema.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::adapter::{Attached, Pool, PublishedPort, Scenario, ScenarioContainer, ScenarioNetwork};

/// Networks and containers that shall exist.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Scenario")]
pub(super) struct Intended {
    /// The networks.
    networks: Vec<Network>,
    /// The containers, each after those whose namespace it uses.
    containers: Vec<Container>,
}

/// A container network.
#[derive(Debug, Serialize, JsonSchema)]
struct Network {
    /// Its name: 1 to 12 characters of a-z, 0-9 and -.
    name: String,
    /// Its subnets, at least one, each of an address family of its own.
    subnets: Vec<SubnetOf>,
    /// Whether it has no way out and in.
    internal: bool,
    /// Its MTU in bytes; the implementation's default if null.
    mtu: Option<u16>,
}

/// A subnet of a network.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Subnet")]
struct SubnetOf {
    /// The subnet, as `10.77.1.0/24`.
    subnet: String,
    /// The host's address in it, which the network's containers use as gateway.
    gateway: IpAddr,
}

/// A container. Its namespace, where the adapter is given one, is empty but for `lo`.
#[derive(Debug, Serialize, JsonSchema)]
struct Container {
    /// Its name: 1 to 12 characters of a-z, 0-9 and -.
    name: String,
    /// Whose network it uses.
    attached: AttachedTo,
    /// Its published ports.
    publish: Vec<PublishedPort>,
}

/// Whose network a container uses.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Attached")]
enum AttachedTo {
    /// A namespace with nothing but `lo`.
    None,
    /// The host's namespace.
    Host,
    /// The namespace of this container.
    Container(String),
    /// Networks of the scenario, at least one; the first is that of the default route.
    Networks(Vec<Membership>),
}

/// A container on a network.
#[derive(Debug, Serialize, JsonSchema)]
struct Membership {
    /// The network's name.
    name: String,
    /// The container's addresses in it, at most one for each subnet; for a subnet without one it is the implementation's choice.
    addresses: Vec<IpAddr>,
}

/// Writes a scenario as the protocol has it.
///
/// # Errors
/// The writer's.
pub(super) fn write<S: Serializer>(scenario: &Scenario, to: S) -> Result<S::Ok, S::Error> {
    let written = Intended {
        networks: scenario.networks.iter().map(network).collect(),
        containers: scenario.containers.iter().map(container).collect(),
    };
    written.serialize(to)
}

fn network(network: &ScenarioNetwork) -> Network {
    Network {
        name: network.name.clone(),
        subnets: network.pools.iter().map(subnet).collect(),
        internal: network.internal,
        mtu: network.mtu,
    }
}

fn subnet(pool: &Pool) -> SubnetOf {
    SubnetOf {
        subnet: pool.subnet.to_string(),
        gateway: pool.gateway,
    }
}

fn container(container: &ScenarioContainer) -> Container {
    let attached = match &container.attached {
        Attached::None => AttachedTo::None,
        Attached::Host => AttachedTo::Host,
        Attached::Container(other) => AttachedTo::Container(other.clone()),
        Attached::Network { name, addresses } => AttachedTo::Networks(vec![Membership {
            name: name.clone(),
            addresses: addresses.iter().copied().collect(),
        }]),
    };
    Container {
        name: container.name.clone(),
        attached,
        publish: container.publish.clone(),
    }
}
