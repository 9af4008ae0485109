//! Neighbours are resolved before the probe that is recorded, with real ARP, so that bridges learn as they always do.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::neighbour::{
    NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::RouteType;

use super::build::{mac, permanent_neighbour};
use super::lookup::{names, way};
use super::ready::next_event;
use super::{Lab, LabError};
use crate::address::Family;
use crate::netlink::{Batch, NetlinkError, RouteSocket};
use crate::plan::FAMILIES;

/// The kernel asks three times (`mcast_solicit`), [`ASKING_MS`] apart, and then gives up; the rest is for a machine
/// under load: with twenty labs at work on each core it was a second late.
const NEIGHBOUR_WAIT: Duration = Duration::from_secs(10);
/// Milliseconds between two ARP requests where nobody owns the address, instead of the kernel's 1000: that nobody
/// answers is then known after 0.3 s, by the kernel's own event.
const ASKING_MS: &str = "100";
/// `RTNLGRP_NEIGH`.
const NEIGHBOUR_EVENTS: u32 = 3;
/// More nodes in a row than any lab has: the bound for routes that lead in a circle.
const LONGEST_WAY: usize = 16;

impl Lab {
    /// Resolves every neighbour on the way from a node to an address, and on the way back, as far as routes lead. A next
    /// hop that no node owns is left to the probe: that it doesn't answer may be what the case is about.
    ///
    /// To be called before each probe, since a case's own commands add addresses and routes. Where nothing is left to do
    /// it only looks.
    pub fn prepare_neighbours(&self, from: &str, to: IpAddr) -> Result<(), LabError> {
        let mut here = self.canonical(from).to_string();
        let owned = self.owned()?;
        for _ in 0..LONGEST_WAY {
            let way = match way(&mut self.live(&here)?.socket(), to, None, None) {
                Ok(way) if way.kind == RouteType::Unicast => way,
                // Local, or no route: the way ends here.
                Ok(_) | Err(LabError::Netlink(NetlinkError::Refused { .. })) => return Ok(()),
                Err(error) => return Err(error),
            };
            let next = way.gateway.unwrap_or(to);
            let Some(owner) = owned.iter().find(|owned| owned.address == next) else {
                return self.give_up_soon(&here, way.device);
            };
            let there = owner.node.to_owned();
            if there == here {
                return Ok(());
            }
            let was_known = self.resolve(&here, way.device, next)?;
            if was_known && self.passing.contains(&next) {
                // A question from there would tell everybody its hardware address, which is its implementation's to do.
                here = there;
                continue;
            }
            let mine = owned.iter().filter(|owned| {
                owned.node == here
                    && owned.device == way.device
                    && Family::of(owned.address) == Family::of(to)
            });
            for own in mine {
                self.resolve(&there, owner.device, own.address)?;
            }
            here = there;
        }
        Ok(())
    }

    /// Lets the kernel ask in short intervals on an interface behind which nobody will answer.
    fn give_up_soon(&self, node: &str, device: u32) -> Result<(), LabError> {
        let names = names(&mut self.live(node)?.socket())?;
        let Some(name) = names.get(&device) else {
            return Ok(());
        };
        let write = |family: &Family| -> Result<(), LabError> {
            let path = format!("{}/neigh/{name}/retrans_time_ms", family.settings());
            let written = self.netns(node)?.run(|| std::fs::write(&path, ASKING_MS))?;
            written.map_err(|error| LabError::system("write", path, error))
        };
        FAMILIES.iter().try_for_each(write)
    }

    /// Makes every node of one link know every other by the address given with it, as if they had all asked before.
    ///
    /// Permanent entries are exempt from the limit of 1,024 neighbours (`gc_thresh3`) that all namespaces share, and
    /// that a matrix of more than 32 nodes exceeds.
    pub fn introduce(&self, interface: &str, ends: &[(String, IpAddr)]) -> Result<(), LabError> {
        for (node, _) in ends {
            let mut socket = self.live(node)?.socket();
            let names = names(&mut socket)?;
            let own = names.iter().find(|(_, name)| *name == interface);
            let (index, _) = own.ok_or_else(|| {
                LabError::Specification(format!("node '{node}' has no interface '{interface}'"))
            })?;
            // As many as the kernel takes in one send: a request is about 50 bytes, the buffer 200 KiB.
            for others in ends.chunks(512) {
                let mut batch = Batch::default();
                for (other, address) in others.iter().filter(|(other, _)| other != node) {
                    let entry = permanent_neighbour(*index, *address, &mac(other, interface));
                    batch.replace("know neighbour", String::new(), entry);
                }
                socket.commit(batch)?;
            }
        }
        Ok(())
    }

    /// The addresses of all nodes.
    fn owned(&self) -> Result<Vec<Owned<'_>>, LabError> {
        let mut owned = Vec::new();
        for (node, live) in &self.nodes {
            let addresses = addresses(&mut live.socket())?;
            owned.extend(addresses.into_iter().map(|(device, address)| Owned {
                node,
                device,
                address,
            }));
        }
        Ok(owned)
    }

    /// Makes the kernel ask for a neighbour, waits for the answer, and keeps it: an entry that may be forgotten or asked
    /// for again would put ARP between the probes, and counts against a limit that all namespaces share. What may be
    /// [passed on](Lab::may_pass_on) is not kept: a permanent entry would take no announcement of a new hardware address.
    ///
    /// Returns whether the node knew it already.
    fn resolve(&self, node: &str, device: u32, address: IpAddr) -> Result<bool, LabError> {
        let live = self.live(node)?;
        let mut socket = live.socket();
        let keep = |socket: &mut RouteSocket, mac: &[u8]| {
            if self.passing.contains(&address) {
                return Ok(());
            }
            keep(socket, device, address, mac)
        };
        match look(&mut socket, device, address)? {
            Look::Permanent => return Ok(true),
            Look::Resolved(mac) => return keep(&mut socket, &mac).map(|()| true),
            Look::Waiting | Look::Failed => {}
        }
        // NTF_USE starts the same resolution as a packet would, without a packet.
        let mut used = NeighbourMessage::default();
        used.header.family = Family::of(address).number().into();
        used.header.ifindex = device;
        used.header.state = NeighbourState::None;
        used.header.flags = NeighbourFlags::Use;
        used.attributes
            .push(NeighbourAttribute::Destination(address.into()));
        let mut batch = Batch::default();
        batch.replace(
            "resolve neighbour",
            address.to_string(),
            RouteNetlinkMessage::NewNeighbour(used),
        );
        socket.commit(batch)?;
        // Request and answer have nearly always crossed the veth pairs before the commit returns.
        if let Look::Resolved(mac) = look(&mut socket, device, address)? {
            return keep(&mut socket, &mac).map(|()| false);
        }
        let mut events = live.netns.route_socket(node, &[NEIGHBOUR_EVENTS])?;
        let start = Instant::now();
        loop {
            match look(&mut socket, device, address)? {
                Look::Resolved(mac) => return keep(&mut socket, &mac).map(|()| false),
                Look::Permanent => return Ok(true),
                // It exists and doesn't answer: that is for the probe to tell.
                Look::Failed => return Ok(false),
                Look::Waiting => {}
            }
            if !next_event(&mut events, start, NEIGHBOUR_WAIT)? {
                let (event, node) = (format!("neighbour {address} resolved"), node.to_string());
                return Err(LabError::Overdue {
                    event,
                    node,
                    seconds: NEIGHBOUR_WAIT.as_secs(),
                });
            }
        }
    }
}

/// An address with its node, and the index of the interface that has it.
struct Owned<'a> {
    node: &'a str,
    device: u32,
    address: IpAddr,
}

enum Look {
    Permanent,
    Resolved(Vec<u8>),
    Waiting,
    Failed,
}

fn look(socket: &mut RouteSocket, device: u32, address: IpAddr) -> Result<Look, LabError> {
    let mut question = NeighbourMessage::default();
    question.header.family = Family::of(address).number().into();
    question.header.ifindex = device;
    question
        .attributes
        .push(NeighbourAttribute::Destination(address.into()));
    let answer = socket.get(
        "look at neighbour",
        &address.to_string(),
        RouteNetlinkMessage::GetNeighbour(question),
    );
    let entry = match answer {
        Ok(RouteNetlinkMessage::NewNeighbour(entry)) => entry,
        Ok(_) => return Ok(Look::Waiting),
        Err(error) if error.errno() == Some(nix::errno::Errno::ENOENT as i32) => {
            return Ok(Look::Waiting);
        }
        Err(error) => return Err(error.into()),
    };
    let mac = entry
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            NeighbourAttribute::LinkLayerAddress(mac) => Some(mac.clone()),
            _ => None,
        });
    Ok(match (entry.header.state, mac) {
        (NeighbourState::Permanent | NeighbourState::Noarp, _) => Look::Permanent,
        (NeighbourState::Failed, _) => Look::Failed,
        (NeighbourState::Incomplete | NeighbourState::None, _) | (_, None) => Look::Waiting,
        (_, Some(mac)) => Look::Resolved(mac),
    })
}

fn keep(
    socket: &mut RouteSocket,
    device: u32,
    address: IpAddr,
    mac: &[u8],
) -> Result<(), LabError> {
    let mut batch = Batch::default();
    batch.replace(
        "keep neighbour",
        address.to_string(),
        permanent_neighbour(device, address, mac),
    );
    Ok(socket.commit(batch)?)
}

/// All addresses in the namespace of `socket`, with their interface's index.
pub(super) fn addresses(socket: &mut RouteSocket) -> Result<Vec<(u32, IpAddr)>, LabError> {
    let rows = socket.dump(
        "list addresses",
        RouteNetlinkMessage::GetAddress(AddressMessage::default()),
    )?;
    let mut found = Vec::new();
    for row in rows {
        let RouteNetlinkMessage::NewAddress(message) = row else {
            continue;
        };
        let address = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| {
            message.attributes.iter().find_map(wanted)
        };
        // IFA_LOCAL is the own one where IFA_ADDRESS is the peer's; IPv6 has only IFA_ADDRESS.
        let local = address(|a| {
            if let AddressAttribute::Local(ip) = a {
                Some(*ip)
            } else {
                None
            }
        });
        let plain = || {
            address(|a| {
                if let AddressAttribute::Address(ip) = a {
                    Some(*ip)
                } else {
                    None
                }
            })
        };
        if let Some(ip) = local.or_else(plain) {
            found.push((message.header.index, ip));
        }
    }
    Ok(found)
}
