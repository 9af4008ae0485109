//! A scenario with its events, as a value that can be made, written as a case, and made smaller.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::address::Subnet;
use crate::case::{Damage, Feature, Policy, Protocol, Publish};

/// A contract case that nobody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// The host as the implementation finds it.
    pub host: Host,
    /// The networks, in the order in which they are asked for.
    pub networks: Vec<Network>,
    /// The containers, also those that are added later.
    pub containers: Vec<Container>,
    /// What happens, in order.
    pub events: Vec<Event>,
    /// Before which event the table is asked, by its place; the end is always asked.
    pub asked: BTreeSet<usize>,
}

/// The host as found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// Whether it forwards.
    pub forwards: bool,
    /// FORWARD's policy.
    pub policy: Option<Policy>,
    /// INPUT's policy.
    pub input: Option<Policy>,
    /// Whether iptables sees bridged packets.
    pub bridge_netfilter: bool,
    /// Further addresses of the uplink.
    pub addresses: Vec<IpAddr>,
    /// Whether it has another uplink.
    pub second_uplink: bool,
    /// Whether a person has rules in every table that have nothing to do with containers.
    pub own_rules: bool,
    /// Containers, or addresses of others, to which a person had everything from lan dropped.
    pub drops: Vec<String>,
    /// MTU in bytes of the link behind the gateway.
    pub path_mtu: Option<u16>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its subnet.
    pub subnet: Subnet,
    /// The host's address in it, if it is not the first.
    pub gateway: Option<IpAddr>,
    /// Whether it is internal.
    pub internal: bool,
    /// Its MTU in bytes, if one is asked for.
    pub mtu: Option<u16>,
}

impl Network {
    /// The address with this host part, if it is in the subnet.
    pub fn nth_address(&self, host: u32) -> Option<IpAddr> {
        self.subnet.nth(host)
    }

    /// Every address that a container may have, in order.
    pub fn hosts(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let hosts = (1..).map_while(|host| self.nth_address(host));
        let hosts = hosts.take_while(|one| self.subnet.has_host(*one));
        hosts.filter(|one| self.is_for_containers(one))
    }

    /// Whether a container may have this address of the subnet, which the host has not.
    pub fn is_for_containers(&self, address: &IpAddr) -> bool {
        *address != self.gateway.unwrap_or(self.subnet.gateway())
    }
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Its published ports.
    pub publish: Vec<Publish>,
}

/// Whose network a container uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A network, with the address that is asked for.
    On(String, Option<IpAddr>),
    /// Only `lo`.
    None,
    /// The host's.
    Host,
    /// Another container's.
    Of(String),
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A container ends.
    Remove(String),
    /// A container vanishes, and is removed then.
    Lose(String),
    /// A container starts.
    Add(String),
    /// A container asks for a port that is taken.
    Refuse(String),
    /// The implementation verifies its own state, after somebody took something away if that is given.
    Check(Option<Damage<String>>),
    /// Everything ends.
    Teardown {
        /// It is asked for twice.
        again: bool,
        /// This container has vanished before.
        gone: Option<String>,
    },
}

impl Sketch {
    /// What an implementation must list for the scenario to be put to it.
    pub fn requires(&self) -> BTreeSet<Feature> {
        let mut needs = BTreeSet::new();
        for network in &self.networks {
            needs.extend(network.internal.then_some(Feature::Internal));
            needs.extend(network.mtu.map(|_| Feature::Mtu));
        }
        for container in &self.containers {
            let needed = match &container.place {
                Place::On(_, None) => &[Feature::Bridge][..],
                Place::On(_, Some(_)) => &[Feature::Bridge, Feature::StaticAddress],
                Place::None => &[Feature::NoneMode],
                Place::Host => &[Feature::HostMode],
                Place::Of(_) => &[Feature::ContainerMode],
            };
            needs.extend(needed);
            for port in &container.publish {
                needs.insert(match port.protocol {
                    Protocol::Tcp => Feature::PublishTcp,
                    Protocol::Udp => Feature::PublishUdp,
                });
                needs.extend(port.address.map(|_| Feature::PublishAddress));
            }
        }
        for event in &self.events {
            needs.extend(matches!(event, Event::Lose(_)).then_some(Feature::Replace));
            needs.extend(match event {
                Event::Remove(_) | Event::Add(_) => Some(Feature::Replace),
                Event::Lose(_) => Some(Feature::RepeatedTeardown),
                Event::Refuse(name) if self.wants_held_address(name) => {
                    Some(Feature::AddressConflict)
                }
                Event::Refuse(_) => Some(Feature::PortConflict),
                Event::Check(_) => Some(Feature::Check),
                Event::Teardown {
                    again: false,
                    gone: None,
                } => None,
                Event::Teardown { .. } => Some(Feature::RepeatedTeardown),
            });
        }
        let drops = self.host.policy == Some(Policy::Drop);
        needs.extend(drops.then_some(Feature::EarlierPolicyOutward));
        let drops = |to: &String| self.container(to).is_some();
        let drops = self.host.drops.iter().any(drops);
        needs.extend(drops.then_some(Feature::EarlierRules));
        needs
    }

    /// Whether a container asks for an address that another one asks for.
    pub fn wants_held_address(&self, name: &str) -> bool {
        let Some(Place::On(_, Some(asked))) = self.container(name).map(|one| &one.place) else {
            return false;
        };
        let mut others = self.containers.iter().filter(|one| one.name != name);
        others.any(|other| matches!(&other.place, Place::On(_, Some(held)) if held == asked))
    }

    /// Names of the containers that are there before the first event.
    pub fn at_first(&self) -> BTreeSet<&str> {
        let later = |name: &str| {
            let mut about = self.events.iter().filter_map(|event| match event {
                Event::Remove(one) | Event::Lose(one) => Some((one, false)),
                Event::Add(one) | Event::Refuse(one) => Some((one, true)),
                Event::Check(_) | Event::Teardown { .. } => None,
            });
            about
                .find(|(one, _)| *one == name)
                .is_some_and(|(_, later)| later)
        };
        let names = self.containers.iter().map(|one| one.name.as_str());
        names.filter(|name| !later(name)).collect()
    }

    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|one| one.name == name)
    }
}
