//! What there is to ask for at a moment: addresses, with the words that a person knows them by, and ports.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::moment::{Member, Moment, Net, Port};
use super::question::{Ask, Target};
use super::table::services;
use crate::case::Protocol;
use crate::plan::ServiceSpec;
use crate::plan::contract::LAN2_NODE;

impl Moment {
    pub(super) fn loopback(&self) -> Target {
        target(self.family.loopback(), "loopback")
    }

    pub(super) fn lan(&self) -> Target {
        target(self.found.lan, "lan")
    }

    /// Everybody in a network: its broadcast address, and the group of multicast DNS if the container leaves by it, since a group's
    /// address says of no network that it is meant.
    pub(super) fn everybody(&self, member: &Member, net: &Net) -> Vec<Target> {
        let leaves = !net.internal && self.way_out(member) == Some(net);
        let name = &net.name;
        let all = net.subnet.broadcast();
        let all = all.map(|address| target(address, &format!("everybody on {name}")));
        let group = leaves.then(|| {
            target(
                self.family.mdns_group(),
                &format!("the group of mDNS on {name}"),
            )
        });
        all.into_iter().chain(group).collect()
    }

    /// The host's address on its second uplink, and its neighbour's there.
    pub(super) fn second(&self) -> Option<(Target, Target)> {
        let second = self.found.second?;
        let own = target(second.own, "host.second");
        Some((own, target(second.neighbour, LAN2_NODE)))
    }

    pub(super) fn far(&self) -> Target {
        target(self.found.outside, "outside")
    }

    pub(super) fn far_also(&self) -> impl Iterator<Item = Target> {
        let addresses = self.found.outside_also.iter();
        addresses.map(|address| target(*address, &format!("outside.{address}")))
    }

    /// From every number that is published where containers leave, and that this node does not listen on itself.
    pub(super) fn shadowed(&self, node: &str) -> Vec<Ask> {
        let Some(leaves_from) = self.found.addresses.first() else {
            return Vec::new();
        };
        let published = self.published().map(|(_, port)| port);
        let numbers: BTreeSet<(Protocol, u16)> = published
            .filter(|port| port.covers(*leaves_from))
            .map(number)
            .collect();
        let services = services(self);
        numbers
            .into_iter()
            .filter(|(protocol, port)| !services.contains(&ServiceSpec::of(node, *protocol, *port)))
            .map(|(protocol, port)| Ask::FromPublished(protocol, port))
            .collect()
    }

    /// Whether no other address has left for elsewhere before this container's. Masquerade tells connections apart by their ports.
    /// Where a protocol has none, the kernel drops the second of two, as long as it remembers the first (`nf_nat_used_tuple`). So
    /// the host asks neither `lan` nor containers by it, and `lan` asks nobody: the kernel takes that for an answer to this one.
    pub(super) fn first_to_leave(&self, member: &Member) -> bool {
        let leaves = |one: &&Member| !one.nets().is_empty();
        let moments = std::iter::once(self).chain(self.earlier());
        let mut first = None;
        for moment in moments {
            let mut members = moment.members.iter().filter(leaves);
            first = members.find(|one| !moment.is_internal(one)).or(first);
        }
        first.is_some_and(|first| first == member)
    }

    pub(super) fn uplinks(&self) -> Vec<Target> {
        let addresses = self.found.addresses.iter().enumerate();
        let role = |(place, address): (usize, &IpAddr)| match place {
            0 => target(*address, "host.uplink"),
            _ => target(*address, &format!("host.{address}")),
        };
        addresses.map(role).collect()
    }

    /// Every container's address in each network, with the network.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&Member, &str, Target)> {
        self.members.iter().flat_map(|member| {
            let several = member.nets().len() > 1;
            member.nets().iter().map(move |(net, address)| {
                let role = if several {
                    format!("{}.{net}", member.name)
                } else {
                    member.name.clone()
                };
                (member, net.as_str(), target(*address, &role))
            })
        })
    }

    /// The gateway of each network that has containers.
    pub(super) fn gateways(&self) -> impl Iterator<Item = (&str, Target)> {
        let there = self
            .networks
            .iter()
            .filter(|net| self.has_members(&net.name));
        there.map(|net| {
            let role = format!("{}.gateway", net.name);
            (net.name.as_str(), target(net.gateway, &role))
        })
    }

    /// Addresses that containers had and nobody has now, each once.
    pub(super) fn lost(&self) -> Vec<(String, Target)> {
        let held: BTreeSet<IpAddr> = self.containers().map(|(_, _, to)| to.address).collect();
        let mut seen = BTreeSet::new();
        let mut lost = Vec::new();
        for gone in &self.gone {
            for (net, address) in &gone.addresses {
                if !held.contains(address) && seen.insert(*address) {
                    let role = format!("{}.gone", gone.name);
                    lost.push((net.clone(), target(*address, &role)));
                }
            }
        }
        lost
    }

    /// Every port of the host that is published now or was before, by protocol.
    pub(super) fn host_ports(&self) -> Vec<Ask> {
        let gone = self.gone.iter().flat_map(|gone| &gone.publish);
        let ports = self.published().map(|(_, port)| port).chain(gone);
        let numbers: BTreeSet<(Protocol, u16)> = ports.map(number).collect();
        numbers
            .into_iter()
            .map(|(protocol, port)| Ask::of(protocol, port))
            .collect()
    }

    /// The ports before and after each published one, and its number of the other protocol, if they are not published.
    pub(super) fn beside(&self) -> Vec<Ask> {
        let published: BTreeSet<(Protocol, u16)> =
            self.published().map(|(_, port)| number(port)).collect();
        let near = published.iter().flat_map(|(protocol, port)| {
            let other = match protocol {
                Protocol::Tcp => Protocol::Udp,
                Protocol::Udp => Protocol::Tcp,
            };
            [
                Some((other, *port)),
                port.checked_sub(1).map(|port| (*protocol, port)),
                port.checked_add(1).map(|port| (*protocol, port)),
            ]
        });
        let near: BTreeSet<(Protocol, u16)> =
            near.flatten().filter(|(_, port)| *port > 0).collect();
        let unpublished = near.difference(&published);
        unpublished
            .map(|(protocol, port)| Ask::of(*protocol, *port))
            .collect()
    }
}

fn number(port: &Port) -> (Protocol, u16) {
    (port.protocol, port.host_port)
}

fn target(address: IpAddr, role: &str) -> Target {
    Target {
        address,
        role: role.to_owned(),
    }
}
