//! A contract case's lab: empty first, then made into what the case intends by the implementation under test.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::RunError;
use crate::adapter::{
    Adapter, AdapterError, Attached, Namespaces, Realised, Scenario, ScenarioContainer, Site,
};
use crate::case::{Case, Endpoint, Exchange, FateWord, Kind, Step};
use crate::lab::topology::Forwarding;
use crate::lab::{Lab, contract};
use crate::path::{Roles, Way};

/// What an implementation made in a lab.
#[derive(Debug)]
pub(super) struct Stage {
    scenario: Scenario,
    site: Site,
    realised: Box<dyn Realised>,
    roles: Roles,
}

impl Stage {
    /// Builds the lab and has the implementation make the case's network in it.
    pub(super) fn set(case: &Case, adapter: &dyn Adapter) -> Result<(Lab, Self), RunError> {
        let scenario = Scenario::of(case);
        let own: Vec<&str> = match adapter.namespaces() {
            Namespaces::Given => scenario.containers.iter().filter_map(own_name).collect(),
            Namespaces::Brought => Vec::new(),
        };
        let mut lab = Lab::build(&contract::spec(&own, forwarding(case), path_mtu(case)))?;
        let mut given = BTreeMap::new();
        for name in &own {
            given.insert((*name).to_owned(), lab.netns(name)?.try_clone()?);
        }
        let site = Site::furnish(lab.netns("host")?, given)?;
        let realised = adapter
            .setup(&scenario, &site)
            .map_err(RunError::Implementation)?;
        for (name, netns) in realised.brought().map_err(RunError::Implementation)? {
            lab.adopt(&name, netns)?;
        }
        for container in &scenario.containers {
            match &container.attached {
                Attached::Host => lab.alias(&container.name, "host"),
                Attached::Container(other) => lab.alias(&container.name, other),
                Attached::None | Attached::Network { .. } => {}
            }
        }
        lab.wait_for_links()?;
        let roles = roles(case, &scenario, &lab)?;
        let stage = Self {
            scenario,
            site,
            realised,
            roles,
        };
        Ok((lab, stage))
    }

    pub(super) fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The address of an endpoint, where the lab or the scenario fixes it.
    pub(super) fn address(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        match endpoint {
            Endpoint::HostUplink => Some(contract::UPLINK.address),
            Endpoint::Node(node) if node.as_str() == "host" => Some(contract::UPLINK.address),
            Endpoint::NetworkGateway(network) => self
                .scenario
                .network(network.as_str())
                .map(|network| network.gateway),
            Endpoint::Address(address) => Some(*address),
            Endpoint::Node(_) => None,
        }
    }

    /// Whether a node is a container with a namespace of its own.
    pub(super) fn is_container(&self, node: &str) -> bool {
        let mut own = self.scenario.containers.iter().filter_map(own_name);
        own.any(|name| name == node)
    }

    /// How far the contract fixes the way of a probe.
    pub(super) fn way(&self, exchange: &Exchange) -> Way {
        let probe = &exchange.probe;
        let from = probe.from.as_str();
        let local = from == "host" || self.scenario.containers.iter().any(|c| c.name == from);
        let to_host = match &probe.to {
            Endpoint::HostUplink | Endpoint::NetworkGateway(_) => true,
            Endpoint::Node(node) => node.as_str() == "host",
            Endpoint::Address(address) => address.is_loopback(),
        };
        let mut ports = self.scenario.containers.iter().flat_map(|c| &c.publish);
        let published = ports.any(|port| Some(port.host_port) == probe.port);
        if exchange.expect.fate == FateWord::Blocked {
            Way::Blocked
        } else if local && to_host && published {
            Way::ByHost
        } else {
            Way::Through
        }
    }

    /// Has the implementation undo everything.
    pub(super) fn clear(&mut self) -> Vec<AdapterError> {
        self.realised.teardown(&self.site)
    }
}

/// Whether the implementation finds a host that forwards.
fn forwarding(case: &Case) -> Forwarding {
    match &case.kind {
        Kind::Contract { host, .. } if host.forwards => Forwarding::On,
        Kind::Contract { .. } | Kind::Recipe { .. } => Forwarding::Off,
    }
}

/// MTU of the link behind the host's gateway, if the case cares.
fn path_mtu(case: &Case) -> Option<u16> {
    match &case.kind {
        Kind::Contract { path_mtu, .. } => *path_mtu,
        Kind::Recipe { .. } => None,
    }
}

/// A container's name if its namespace is its own.
fn own_name(container: &ScenarioContainer) -> Option<&str> {
    match container.attached {
        Attached::None | Attached::Network { .. } => Some(&container.name),
        Attached::Host | Attached::Container(_) => None,
    }
}

/// Who is who, by what the kernel says; a container without an address in its network is not realised.
fn roles(case: &Case, scenario: &Scenario, lab: &Lab) -> Result<Roles, RunError> {
    let nodes = lab.read_nodes()?;
    let mut roles = Roles {
        uplink: contract::UPLINK_INTERFACE.to_owned(),
        ..Roles::default()
    };
    let mut call = |address: IpAddr, name: &str| {
        roles
            .addresses
            .entry(address)
            .or_insert_with(|| name.to_owned());
    };
    call(contract::UPLINK.address, "host.uplink");
    for network in &scenario.networks {
        call(network.gateway, &format!("{}.gateway", network.name));
    }
    for (name, node) in nodes.iter().filter(|(name, _)| *name != "host") {
        for address in &node.addresses {
            call(*address, name);
        }
    }
    for container in &scenario.containers {
        let Attached::Network { name, address } = &container.attached else {
            continue;
        };
        let held = nodes
            .get(container.name.as_str())
            .map(|node| &node.addresses);
        let held =
            held.ok_or_else(|| missing(format!("there is no container {}", container.name)))?;
        let subnet = scenario
            .network(name)
            .map(|network| network.subnet.as_str());
        let inside = subnet
            .and_then(|subnet| subnet.parse::<crate::case::Subnet>().ok())
            .is_some_and(|subnet| held.iter().any(|one| subnet.contains(*one)));
        if !inside {
            let subnet = subnet.unwrap_or_default();
            let text = format!(
                "{} has no address in {subnet}, it has {held:?}",
                container.name
            );
            return Err(missing(text));
        }
        if let Some(asked) = address
            && !held.contains(asked)
        {
            let text = format!(
                "{} has not the address {asked}, it has {held:?}",
                container.name
            );
            return Err(missing(text));
        }
    }
    roles.ends = ["host", "lan", "outside"].map(String::from).to_vec();
    roles.ends.extend(
        scenario
            .containers
            .iter()
            .filter_map(own_name)
            .map(String::from),
    );
    roles.ports = case.steps.iter().flat_map(ports).collect();
    let published = scenario.containers.iter().flat_map(|c| &c.publish);
    roles
        .ports
        .extend(published.flat_map(|port| [port.host_port, port.container_port]));
    Ok(roles)
}

fn missing(text: String) -> RunError {
    RunError::Implementation(AdapterError::NotRealised(text))
}

fn ports(step: &Step) -> Vec<u16> {
    let asked = step
        .exchange
        .iter()
        .filter_map(|exchange| exchange.probe.port);
    asked
        .chain(step.listen.iter().map(|listen| listen.port))
        .collect()
}
