//! A case's course: its first moment, and the one after each event.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::moment::{Attached, Found, Gone, Member, Moment, Net, Port, SecondUplink};
use crate::adapter::{self, PublishedPort, Scenario, ScenarioContainer};
use crate::address::Family;
use crate::case::{Case, CaseKind, Feature, Host, NetworkEvent};
use crate::plan::contract::{
    BEYOND, LAN, LAN2, LAN2_CLIENT, OUTSIDE, OUTSIDE_ALSO, SECOND_UPLINK, UPLINK,
};

/// MTU of the lab's links in bytes, where the case wishes for no other: the kernel's default of veth.
const LINK_MTU: u16 = 1_500;

/// A contract case's moments as it goes, each after the first with the event that led to it; with the addresses that the
/// scenario plans.
pub fn course<'a>(
    case: &'a Case,
    family: Family,
    features: &BTreeSet<Feature>,
) -> Vec<(Option<&'a NetworkEvent>, Moment)> {
    let mut moment = Moment::of(case, family, features);
    let mut course = vec![(None, moment.clone())];
    for change in case.steps.iter().filter_map(|step| step.change.as_ref()) {
        moment = moment.after(case, change);
        course.push((Some(change), moment.clone()));
    }
    course
}

impl Moment {
    /// A contract case's first moment, with the addresses that the scenario plans; an empty one for a recipe.
    pub fn of(case: &Case, family: Family, features: &BTreeSet<Feature>) -> Self {
        let scenario = Scenario::of(case);
        let there = case.at_first();
        let first = scenario.with_only(|name| there.iter().any(|one| one.as_str() == name));
        let networks = first.networks.iter().filter_map(|network| {
            let pool = network.pools.get(family)?;
            Some(Net {
                name: network.name.clone(),
                subnet: pool.subnet,
                gateway: pool.gateway,
                internal: network.internal,
                mtu: network.mtu,
            })
        });
        Self {
            family,
            features: features.clone(),
            found: found(case),
            networks: networks.collect(),
            members: first
                .containers
                .iter()
                .map(|one| member(one, &first, family))
                .collect(),
            gone: Vec::new(),
            refused: false,
            vanished: false,
            ended: false,
            before: None,
        }
    }

    /// The moment after an event. A refused container and a check change nothing in the network.
    #[must_use]
    pub fn after(&self, case: &Case, change: &NetworkEvent) -> Self {
        let mut next = self.clone();
        match change {
            NetworkEvent::Remove(name) | NetworkEvent::Lose(name) => {
                next.vanished |= matches!(change, NetworkEvent::Lose(_));
                next.lose(|member| member.name == name.as_str());
            }
            NetworkEvent::Add(name) => {
                let there = |one: &str| self.member(one).is_some() || one == name.as_str();
                let scenario = Scenario::of(case).with_only(there);
                if let Some(container) = scenario.container(name.as_str()) {
                    next.members.push(member(container, &scenario, self.family));
                    next.gone.retain(|gone| gone.name != name.as_str());
                }
            }
            NetworkEvent::Teardown { gone, .. } => {
                next.vanished |= gone.is_some();
                next.lose(|_| true);
                next.networks.clear();
                next.ended = true;
            }
            NetworkEvent::Refuse(_) => next.refused = true,
            NetworkEvent::Check { .. } => {}
        }
        next.before = Some(Box::new(self.clone()));
        next
    }

    /// The same with the addresses that containers have in truth, by name. One that is not listed keeps what was planned.
    #[must_use]
    pub fn located(mut self, addresses: &BTreeMap<String, Vec<IpAddr>>) -> Self {
        for member in &mut self.members {
            let Attached::Networks(nets) = &mut member.attached else {
                continue;
            };
            for (name, address) in nets {
                let subnet = self
                    .networks
                    .iter()
                    .find(|net| net.name == *name)
                    .map(|net| net.subnet);
                let held = addresses.get(&member.name).into_iter().flatten();
                let mut inside =
                    held.filter(|one| subnet.is_some_and(|subnet| subnet.contains(**one)));
                if let Some(own) = inside.next() {
                    *address = *own;
                }
            }
        }
        self
    }

    fn lose(&mut self, is_lost: impl Fn(&Member) -> bool) {
        let (lost, left) = std::mem::take(&mut self.members)
            .into_iter()
            .partition(is_lost);
        self.members = left;
        let lost: Vec<Member> = lost;
        self.gone.extend(lost.into_iter().map(|member| Gone {
            addresses: member.nets().to_vec(),
            name: member.name,
            publish: member.publish,
        }));
    }
}

fn member(container: &ScenarioContainer, there: &Scenario, family: Family) -> Member {
    let attached = match &container.attached {
        adapter::Attached::None => Attached::None,
        adapter::Attached::Host => Attached::Host,
        adapter::Attached::Container(other) => Attached::Container(other.clone()),
        adapter::Attached::Network { name, .. } => {
            let members = there.members(name);
            let own = members.iter().find(|(one, _)| one.name == container.name);
            let own = own.and_then(|(_, addresses)| addresses.get(family));
            let own = own.map(|address| (name.clone(), *address));
            Attached::Networks(own.into_iter().collect())
        }
    };
    Member {
        name: container.name.clone(),
        attached,
        publish: container.publish.iter().map(port).collect(),
    }
}

fn port(port: &PublishedPort) -> Port {
    Port {
        address: port.host_address,
        host_port: port.host_port,
        container_port: port.container_port,
        protocol: port.protocol,
    }
}

fn found(case: &Case) -> Found {
    let (host, path_mtu) = match &case.kind {
        CaseKind::Contract { host, path_mtu, .. } => (host.clone(), *path_mtu),
        CaseKind::Recipe { .. } => (Host::default(), None),
    };
    let mut addresses = vec![UPLINK.address];
    addresses.extend(&host.addresses);
    Found {
        addresses,
        second: host.second_uplink.then_some(SecondUplink {
            own: SECOND_UPLINK.address,
            neighbour: LAN2.address,
            client: LAN2_CLIENT.address,
        }),
        forwards: host.forwards,
        forward: host.forward,
        input: host.input,
        lets_in: Vec::new(),
        bridge_netfilter: host.bridge_netfilter,
        marks: host.own_rules,
        drops: host.drops.iter().map(|drop| (drop.from, drop.to)).collect(),
        lan: LAN.address,
        outside: OUTSIDE.address,
        outside_also: OUTSIDE_ALSO.map(|one| one.address).to_vec(),
        beyond: BEYOND.address,
        uplink_mtu: LINK_MTU,
        path_mtu: path_mtu.unwrap_or(LINK_MTU),
    }
}
