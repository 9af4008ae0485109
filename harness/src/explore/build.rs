//! From a choice on every axis to a scenario. Every choice makes one: what a value needs is made with it.

mod events;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::axis::{Of, value};
use super::numbers::Numbers;
use super::sketch::{Container, Event, Host, Network, Place, Sketch};
use crate::address::Subnet;
use crate::case::{Policy, Protocol, Publish};
use crate::plan::contract;

/// One name begins with another's: who looks for it by its beginning finds both.
const NETWORKS: [&str; 3] = ["front", "front2", "back"];
/// As long as names may be (PLUGIN.md): who cuts them for an interface takes two for one.
const LONG_NETWORKS: [&str; 3] = ["shop-front", "shop-front-2", "shop-back"];
/// Somebody whom no container has anything to do with.
const OTHER: &str = "10.99.0.9";
/// A further address of the uplink, which nobody has.
const FURTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 16));
/// Number of the value "replaced" of the axes of events.
const REPLACED: usize = 3;
/// Number of the value of subnets' size with which the first one has no address left.
pub(super) const FULL: usize = 3;
/// Number of the value "refused its port".
pub(super) const REFUSED_PORT: usize = 4;
/// Number of the end with which containers have vanished before they are removed.
const AFTER_A_LOSS: usize = 3;
/// First host port that is published.
const HOST_PORT: u16 = 8080;
/// One that does not fit into a signed number of 16 bits.
const HIGH_PORT: u16 = 40_080;
/// Another one, with whose text the first one's begins.
const SHORT_PORT: u16 = 808;
/// One that nobody has before it is asked for beside a taken one.
const FREE_PORT: u16 = 8090;
/// First container port that a published one leads to.
const CONTAINER_PORT: u16 = 80;
/// Host part of the first container's address: behind the gateway and what an implementation chooses by itself.
const FIRST_MEMBER: u32 = 5;

/// Makes the scenario of a choice. What no axis says is drawn.
pub(super) fn build(choice: &[usize], numbers: &mut Numbers) -> Sketch {
    let mut building = Building {
        choice,
        sketch: Sketch {
            host: host(choice),
            networks: networks(choice),
            containers: Vec::new(),
            events: Vec::new(),
            asked: BTreeSet::new(),
        },
        there: Vec::new(),
        next: [FIRST_MEMBER; NETWORKS.len()],
    };
    building.members();
    building.publish(numbers);
    building.other();
    building.drops();
    for of in [Of::First, Of::Second, Of::Third] {
        building.event(value(choice, of), numbers);
    }
    building.end(numbers);
    building.forget_addresses();
    building.ask();
    building.sketch
}

fn host(choice: &[usize]) -> Host {
    let policies = [None, Some(Policy::Accept), Some(Policy::Drop)];
    let second_uplink = value(choice, Of::Uplinks) == 1;
    let further = match value(choice, Of::On) {
        2 => true,
        4 => !second_uplink,
        _ => false,
    };
    Host {
        forwards: value(choice, Of::Forwards) == 1,
        policy: policies.get(value(choice, Of::Policy)).copied().flatten(),
        input: (value(choice, Of::Input) == 1).then_some(Policy::Drop),
        bridge_netfilter: value(choice, Of::BridgeNetfilter) == 1,
        addresses: further.then_some(FURTHER).into_iter().collect(),
        second_uplink,
        own_rules: value(choice, Of::OwnRules) == 1,
        drops: Vec::new(),
        path_mtu: (value(choice, Of::Path) == 1).then_some(1400),
    }
}

fn has_long_names(choice: &[usize]) -> bool {
    value(choice, Of::Names) == 1
}

fn networks(choice: &[usize]) -> Vec<Network> {
    let count = value(choice, Of::Networks) + 1;
    let internal = match value(choice, Of::Internal) {
        0 => None,
        1 => Some(count - 1),
        _ => Some(0),
    };
    let mtus = [None, Some(1400), Some(9000)];
    let name = |(place, name): (usize, &&str)| Network {
        name: (*name).to_owned(),
        subnet: subnet(place, value(choice, Of::Size)),
        gateway: gateway(
            subnet(place, value(choice, Of::Size)),
            value(choice, Of::Gateway),
        ),
        internal: internal == Some(place),
        mtu: mtus
            .get(value(choice, Of::Mtu))
            .copied()
            .flatten()
            .filter(|_| place == 0),
    };
    let names = if has_long_names(choice) {
        LONG_NETWORKS
    } else {
        NETWORKS
    };
    names.iter().take(count).enumerate().map(name).collect()
}

/// The subnet of the network with this number. Small ones are beside each other: who takes them for larger ones mixes them up.
fn subnet(place: usize, size: usize) -> Subnet {
    let nth = u8::try_from(place).unwrap_or_default() + 1;
    let (address, length) = match size {
        0 => ([10, 77, nth, 0], 24),
        1 => ([10, 77, 9, 16 * nth], 28),
        FULL => ([10, 77, 9, 8 * nth], 29),
        _ => ([10, 80 + nth, 0, 0], 16),
    };
    Subnet::around(IpAddr::from(address), length)
}

/// The host's address where it is not the first: the one that an implementation would give to the second container, or the last.
fn gateway(subnet: Subnet, which: usize) -> Option<IpAddr> {
    let addresses = 1_u32 << (32 - u32::from(subnet.length()));
    match which {
        0 => None,
        1 => subnet.nth(2),
        _ => subnet.nth(addresses - 2),
    }
}

/// Host parts far from each other, two with one last number: who takes it for a smaller subnet takes one for the other. The next two
/// would be that subnet's broadcast address and the next one's own, and here are a container's as any other.
fn far_apart(nth_member: u32) -> u32 {
    match nth_member {
        2 => 0x00ff,
        3 => 0x0100,
        nth => FIRST_MEMBER + nth * 0x0100,
    }
}

struct Building<'a> {
    choice: &'a [usize],
    sketch: Sketch,
    /// Containers on networks that are there as the events stand, by name.
    there: Vec<String>,
    /// Host part of the next container's address, by network.
    next: [u32; NETWORKS.len()],
}

impl Building<'_> {
    /// A container on a network, with an address of its own if one is left.
    fn member(&mut self, network: usize) -> Option<Container> {
        let next = self.next.get_mut(network)?;
        let network = self.sketch.networks.get(network)?;
        let nth_member = *next - FIRST_MEMBER;
        let address = match value(self.choice, Of::Size) {
            FULL => network.hosts().nth(nth_member as usize),
            // .5, .50, .51: one address begins with another's text.
            0 if nth_member > 0 => network.nth_address(FIRST_MEMBER + 44 + nth_member),
            2 => network.nth_address(far_apart(nth_member)),
            _ => network.nth_address(FIRST_MEMBER + nth_member),
        };
        *next += 1;
        Some(Container {
            name: self.name(),
            place: Place::On(network.name.clone(), address),
            publish: Vec::new(),
        })
    }

    /// The next container's name: c1, c11, c2, c21 and so on, every second one beginning with the one before.
    fn name(&self) -> String {
        let number = self.sketch.containers.len();
        let end = if number.is_multiple_of(2) { "" } else { "1" };
        let start = if has_long_names(self.choice) {
            "shop-app-"
        } else {
            "c"
        };
        format!("{start}{}{end}", number / 2 + 1)
    }

    fn members(&mut self) {
        let members = value(self.choice, Of::Members);
        let count = [2, 1, 3, 2][members.min(3)];
        let networks = self.sketch.networks.len();
        for network in 0..networks {
            let is_empty = members == 3 && networks > 1 && network + 1 == networks;
            let count = match value(self.choice, Of::Size) {
                FULL if network == 0 => self.sketch.networks[network].hosts().count(),
                _ if is_empty => 0,
                _ => count,
            };
            for _ in 0..count {
                if let Some(member) = self.member(network) {
                    self.there.push(member.name.clone());
                    self.sketch.containers.push(member);
                }
            }
        }
    }

    /// Containers of networks that are not internal: who can publish.
    fn publishers(&self) -> Vec<usize> {
        let open = |container: &Container| match &container.place {
            Place::On(name, _) => {
                let mut networks = self.sketch.networks.iter();
                networks.any(|network| network.name == *name && !network.internal)
            }
            _ => false,
        };
        let all = self.sketch.containers.iter().enumerate();
        all.filter(|(_, one)| open(one))
            .map(|(place, _)| place)
            .collect()
    }

    fn publish(&mut self, numbers: &mut Numbers) {
        let protocols: &[Protocol] = match value(self.choice, Of::Protocol) {
            0 => &[Protocol::Tcp],
            1 => &[Protocol::Udp],
            2 => &[Protocol::Tcp, Protocol::Udp],
            _ => return,
        };
        let publishers = self.publishers();
        let Some(first) = numbers.pick(&publishers).copied() else {
            return;
        };
        let second = publishers.iter().find(|one| **one != first).copied();
        let address = |container: usize| match value(self.choice, Of::On) {
            0 => None,
            1 => Some(contract::UPLINK.address),
            2 => Some(FURTHER),
            3 => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ if container == first => Some(contract::UPLINK.address),
            _ if self.sketch.host.second_uplink => Some(contract::SECOND_UPLINK.address),
            _ => Some(FURTHER),
        };
        // Container, the host's port, and the container's.
        let ports = match value(self.choice, Of::Ports) {
            0 => vec![(first, HOST_PORT, CONTAINER_PORT)],
            1 => vec![(first, HOST_PORT, HOST_PORT)],
            2 => (0..3)
                .map(|n| (first, HOST_PORT + n, CONTAINER_PORT + n))
                .collect(),
            3 => vec![
                (first, HOST_PORT, CONTAINER_PORT),
                (first, HOST_PORT + 5, CONTAINER_PORT),
            ],
            4 => vec![
                (first, HOST_PORT, CONTAINER_PORT),
                (second.unwrap_or(first), SHORT_PORT, CONTAINER_PORT + 1),
            ],
            5 => vec![
                (first, HOST_PORT, CONTAINER_PORT),
                (second.unwrap_or(first), HOST_PORT, CONTAINER_PORT),
            ],
            _ => vec![(first, HIGH_PORT, HIGH_PORT - 1)],
        };
        let mut taken: Vec<Publish> = Vec::new();
        for (container, host_port, container_port) in ports {
            for protocol in protocols {
                let port = Publish {
                    address: address(container),
                    host_port,
                    container_port,
                    protocol: *protocol,
                };
                // One number by two containers: of one address the second one gets the other protocol's, if that is free.
                let protocol = match protocol {
                    Protocol::Tcp => Protocol::Udp,
                    Protocol::Udp => Protocol::Tcp,
                };
                let is_free = |port: &Publish| !taken.iter().any(|other| other.collides(port));
                let port = [port, Publish { protocol, ..port }]
                    .into_iter()
                    .find(is_free);
                if let Some(port) = port {
                    taken.push(port);
                    self.sketch.containers[container].publish.push(port);
                }
            }
        }
    }

    fn other(&mut self) {
        let place = match value(self.choice, Of::Mode) {
            0 => return,
            1 => Place::None,
            2 => Place::Host,
            // No event ends the last one's: who shares a namespace goes with it.
            _ => match self.there.pop() {
                Some(name) => Place::Of(name),
                None => return,
            },
        };
        let name = self.name();
        self.sketch.containers.push(Container {
            name,
            place,
            publish: Vec::new(),
        });
    }

    fn drops(&mut self) {
        let first = self.sketch.containers.first().map(|one| one.name.clone());
        match value(self.choice, Of::Drops) {
            0 => {}
            1 => self.sketch.host.drops.extend(first),
            _ => self.sketch.host.drops.push(OTHER.to_owned()),
        }
    }

    /// Containers ask for no address where the axis says so and no rule of a person needs it, nor one that comes with another's.
    fn forget_addresses(&mut self) {
        if value(self.choice, Of::Address) == 1 {
            return;
        }
        let mut needed: BTreeSet<String> = self.sketch.host.drops.iter().cloned().collect();
        let replaced =
            [Of::First, Of::Second, Of::Third].map(|of| value(self.choice, of) == REPLACED);
        let passed_on = value(self.choice, Of::Successor) == 1 && replaced.contains(&true);
        for event in &self.sketch.events {
            if let Event::Refuse(name) = event
                && self.sketch.wants_held_address(name)
                && let Some(rival) = self.sketch.container(name)
            {
                let containers = self.sketch.containers.iter();
                let holders = containers.filter(|one| one.place == rival.place);
                needed.extend(holders.map(|one| one.name.clone()));
            }
        }
        for event in self.sketch.events.iter().filter(|_| passed_on) {
            if let Event::Remove(name)
            | Event::Lose(name)
            | Event::Add(name)
            | Event::Refuse(name) = event
            {
                needed.insert(name.clone());
            }
        }
        // In a full network who asks for none would get what somebody else asks for.
        let full = (value(self.choice, Of::Size) == FULL)
            .then(|| self.sketch.networks.first().map(|net| net.name.clone()));
        let mut containers = self.sketch.containers.iter();
        let stays_full = full.flatten().filter(|full| {
            containers.any(|one| {
                matches!(&one.place, Place::On(net, Some(_)) if net == full)
                    && needed.contains(&one.name)
            })
        });
        for container in &mut self.sketch.containers {
            if let Place::On(net, address) = &mut container.place
                && !needed.contains(&container.name)
                && stays_full.as_ref() != Some(net)
            {
                *address = None;
            }
        }
    }

    fn ask(&mut self) {
        let events = self.sketch.events.len();
        self.sketch.asked = match value(self.choice, Of::Asked) {
            0 => (0..events).collect(),
            1 => BTreeSet::new(),
            _ => events.checked_sub(1).into_iter().collect(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_subnet_has_containers_where_a_smaller_one_ends() {
        let subnet = Subnet::around(IpAddr::from([10, 81, 0, 0]), 16);
        let addresses = (0..5).filter_map(|nth| subnet.nth(far_apart(nth)));
        let texts: Vec<String> = addresses.map(|one| one.to_string()).collect();
        let ends = [
            "10.81.0.5",
            "10.81.1.5",
            "10.81.0.255",
            "10.81.1.0",
            "10.81.4.5",
        ];
        assert_eq!(texts, ends);
    }
}
