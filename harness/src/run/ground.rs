//! What stands before a table is asked, by what the kernel says: who is who, who is cut off, and which routes the questions need.

use std::collections::{BTreeMap, BTreeSet};

use super::RunError;
use crate::ask::Ground;
use crate::intent::{Attached, Member, Moment, Routing, Row};
use crate::lab::{Detour, Lab, LabError};
use crate::path::Node;
use crate::plan::contract::way_to_host;

/// Who is who, by what the kernel says.
pub(super) fn ground(moment: &Moment, lab: &Lab) -> Result<Ground, RunError> {
    let nodes = lab.read_nodes()?;
    let found = &moment.found;
    let asked = moment.networks.iter().filter_map(|net| net.mtu);
    let mtus = asked.chain([found.uplink_mtu, found.path_mtu]);
    let mut ground = Ground {
        smallest_mtu: mtus.min().unwrap_or_default(),
        ..Ground::default()
    };
    for (name, node) in &nodes {
        if name == "host" {
            ground.hosts.extend(&node.addresses);
        } else {
            let owned = node
                .addresses
                .iter()
                .map(|address| (*address, name.clone()));
            ground
                .owners
                .extend(owned.filter(|(address, _)| !address.is_loopback()));
        }
    }
    let gateways = gateways(moment, lab, &nodes)?;
    for member in &moment.members {
        let canonical = lab.canonical(&member.name);
        if is_misled(member, moment, lab, &gateways)? {
            ground.misled.insert(member.name.clone());
        }
        match member.attached {
            Attached::None | Attached::Networks(_) => {
                ground.containers.insert(member.name.clone());
            }
            Attached::Host | Attached::Container(_) => {
                ground
                    .aliases
                    .insert(member.name.clone(), canonical.to_owned());
            }
        }
    }
    let gone = moment.gone.iter().map(|gone| gone.name.clone());
    ground.containers.extend(gone);
    Ok(ground)
}

/// The hardware address of each network's gateway, by the network's name.
fn gateways(
    moment: &Moment,
    lab: &Lab,
    nodes: &BTreeMap<String, Node>,
) -> Result<BTreeMap<String, String>, LabError> {
    let mut macs = BTreeMap::new();
    for net in &moment.networks {
        if let Some((holder, interface)) = lab.holder(net.gateway)?
            && let Some(node) = nodes.get(&holder)
            && let Some(interface) = node.interfaces.get(&interface)
        {
            macs.insert(net.name.clone(), interface.mac.clone());
        }
    }
    Ok(macs)
}

/// Whether a container knows one of its gateways by a hardware address that is not the gateway's (any longer).
fn is_misled(
    member: &Member,
    moment: &Moment,
    lab: &Lab,
    gateways: &BTreeMap<String, String>,
) -> Result<bool, LabError> {
    let node = lab.canonical(&member.name);
    for (name, _) in member.nets() {
        if let (Some(net), Some(mac)) = (moment.net(name), gateways.get(name))
            && let Some(known) = lab.remembered(node, net.gateway)?
            && known != *mac
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Containers that do not reach their gateway, so that they can have no route by it. That is the implementation's fault, which
/// the other questions find.
pub(super) fn stranded<'a>(moment: &'a Moment, lab: &Lab) -> Result<BTreeSet<&'a str>, LabError> {
    let mut stranded = BTreeSet::new();
    for member in &moment.members {
        let net = member.nets().first().and_then(|(name, _)| moment.net(name));
        if let Some(net) = net
            && !lab.is_on_link(lab.canonical(&member.name), net.gateway)?
        {
            stranded.insert(member.name.as_str());
        }
    }
    Ok(stranded)
}

/// What the questions by a route through the host need on their way.
pub(super) fn detours<'a>(
    rows: impl Iterator<Item = &'a Row>,
    moment: &Moment,
    lab: &Lab,
) -> Vec<Detour> {
    let mut detours = BTreeSet::new();
    let by_host = rows.filter(|row| row.question.way == Routing::RouteByHost);
    for row in by_host {
        let (from, to) = (row.question.from.0.as_str(), row.question.to.address);
        let mut add = |node: &str, via| {
            let node = node.to_owned();
            detours.insert(Detour { node, to, via });
        };
        for (node, via) in way_to_host(from) {
            add(node, via);
        }
        let nets = moment.member(from).map(Member::nets).unwrap_or_default();
        let net = nets.first().and_then(|(name, _)| moment.net(name));
        if let Some(net) = net {
            add(lab.canonical(from), net.gateway);
        }
    }
    detours.into_iter().collect()
}
