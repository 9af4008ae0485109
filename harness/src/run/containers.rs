//! The containers of a contract in its lab: which nodes they are, and who is who in paths.

use super::RunError;
use crate::adapter::{AdapterError, Attached, Pool, Scenario, ScenarioContainer};
use crate::address::Subnet;
use crate::case::Case;
use crate::lab::{Lab, Netns};
use crate::plan::Roles;

/// Whose namespace a container shares.
pub(super) fn shared_with(attached: &Attached) -> Option<&str> {
    match attached {
        Attached::Host => Some("host"),
        Attached::Container(other) => Some(other),
        Attached::None | Attached::Network { .. } => None,
    }
}

/// Names of the containers that have a namespace of their own.
pub(super) fn own_names(scenario: &Scenario) -> impl Iterator<Item = &str> {
    let containers = scenario.containers.iter();
    let own = containers.filter(|one| shared_with(&one.attached).is_none());
    own.map(|one| one.name.as_str())
}

/// Takes a container into the lab: as a node, with the namespace that the implementation brought, or as another name of the node
/// whose namespace it shares. One that was to share a namespace and has one of its own is a node, so that its questions show it.
/// Whether it is a node of its own.
pub(super) fn take_in(
    lab: &mut Lab,
    container: &ScenarioContainer,
    brought: Option<Netns>,
) -> Result<bool, RunError> {
    let name = &container.name;
    let shared = shared_with(&container.attached);
    let is_shared = match (shared, &brought) {
        (Some(other), Some(netns)) => netns.inode()? == lab.netns(other)?.inode()?,
        (shared, _) => shared.is_some(),
    };
    if let Some(other) = shared.filter(|_| is_shared) {
        lab.alias(name, other);
        return Ok(false);
    }
    let is_brought = brought.is_some();
    if let Some(netns) = brought {
        lab.adopt(name, netns)?;
    }
    Ok(is_brought)
}

/// Who is who, by what the kernel says; a container without an address in its network is not realised.
pub(super) fn roles(
    case: &Case,
    scenario: &Scenario,
    there: &Scenario,
    lab: &Lab,
) -> Result<Roles, RunError> {
    let nodes = lab.read_nodes()?;
    let mut roles = case.roles();
    // A removed container may still have the address that another one got.
    let gone = |name: &str| scenario.container(name).is_some() && there.container(name).is_none();
    for (name, node) in nodes
        .iter()
        .filter(|(name, _)| *name != "host" && !gone(name))
    {
        for address in &node.addresses {
            roles.call(*address, name);
        }
    }
    for container in &scenario.containers {
        if let Attached::Network { addresses, .. } = &container.attached {
            for address in addresses {
                roles.call(*address, &container.name);
            }
        }
    }
    for container in &there.containers {
        let Attached::Network { name, addresses } = &container.attached else {
            continue;
        };
        let held = nodes
            .get(container.name.as_str())
            .map(|node| &node.addresses);
        let held =
            held.ok_or_else(|| missing(format!("there is no container {}", container.name)))?;
        let pools = scenario.network(name).map(|network| network.pools);
        let holds = |subnet: Subnet| held.iter().any(|one| subnet.contains(*one));
        let lacks = |pool: &Pool| !holds(pool.subnet);
        let has = || match held.as_slice() {
            [] => String::from("none"),
            some => {
                let all: Vec<String> = some.iter().map(ToString::to_string).collect();
                all.join(", ")
            }
        };
        let own = &container.name;
        if let Some(Pool { subnet, .. }) = pools.unwrap_or_default().into_iter().find(lacks) {
            let has = has();
            let text = format!("{own} has no address in {subnet}; its addresses: {has}");
            return Err(missing(text));
        }
        if let Some(asked) = addresses.into_iter().find(|asked| !held.contains(asked)) {
            let has = has();
            let text = format!("{own} has not the address {asked}; its addresses: {has}");
            return Err(missing(text));
        }
    }
    Ok(roles)
}

pub(super) fn missing(text: String) -> RunError {
    RunError::Implementation(AdapterError::NotRealised(text))
}
