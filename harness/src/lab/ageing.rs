//! What a lab's nodes know of their neighbours, taken from them again.

use std::net::IpAddr;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};

use super::{Lab, LabError, NEIGHBOUR_MAKER};
use crate::netlink::{Batch, RouteSocket};

impl Lab {
    /// The hardware address that a node has learnt for an address, as `02:42:…`.
    ///
    /// # Errors
    /// The kernel does not list the neighbours.
    pub fn remembered(&self, node: &str, neighbour: IpAddr) -> Result<Option<String>, LabError> {
        let entries = entries(&mut self.live(node)?.socket())?;
        let own = entries
            .iter()
            .find(|entry| address(entry) == Some(neighbour));
        Ok(own.and_then(hardware_address))
    }

    /// Whether a node's links announce its addresses when they come up (`arp_notify`), and another node goes on knowing one of them
    /// by a hardware address that is none of the node's: it did not hear.
    ///
    /// # Errors
    /// The kernel does not list links, addresses or neighbours.
    pub fn is_unheard(&self, node: &str) -> Result<bool, LabError> {
        let nodes = self.read_nodes()?;
        let Some(own) = nodes.get(node) else {
            return Ok(false);
        };
        let mut announces = false;
        for interface in own.interfaces.keys() {
            announces |= self.announces(node, interface)?;
        }
        if !announces {
            return Ok(false);
        }
        let is_own = |mac: &String| own.interfaces.values().any(|one| one.mac == *mac);
        for live in nodes
            .keys()
            .filter(|other| *other != node)
            .map(|other| self.live(other))
        {
            let known = entries(&mut live?.socket())?
                .into_iter()
                .filter(|entry| address(entry).is_some_and(|known| own.addresses.contains(&known)));
            if known
                .filter_map(|entry| hardware_address(&entry))
                .any(|mac| !is_own(&mac))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets entries that [`prepare_neighbours`](Self::prepare_neighbours) keeps for these addresses age as any other: their
    /// owner goes, and whoever has the address next has another hardware address.
    pub fn let_neighbours_age(&self, addresses: &[IpAddr]) -> Result<(), LabError> {
        for live in self.nodes.values() {
            let mut socket = live.socket();
            let mut batch = Batch::default();
            for mut entry in entries(&mut socket)? {
                let own = NeighbourAttribute::Protocol(NEIGHBOUR_MAKER);
                let kept = entry.header.state == NeighbourState::Permanent
                    && entry.attributes.contains(&own);
                if let Some(address) = address(&entry)
                    && kept
                    && addresses.contains(&address)
                {
                    entry.header.state = NeighbourState::Stale;
                    let message = RouteNetlinkMessage::NewNeighbour(entry);
                    batch.replace("let neighbour age", address.to_string(), message);
                }
            }
            socket.commit(batch)?;
        }
        Ok(())
    }

    /// Takes away every entry that may be forgotten anyway. All namespaces share one limit of 1,024 of them (`gc_thresh3`),
    /// also those of labs that are over.
    pub fn forget_neighbours(&self) -> Result<(), LabError> {
        for live in self.nodes.values() {
            let mut socket = live.socket();
            let mut batch = Batch::default();
            for entry in entries(&mut socket)? {
                let lasts = matches!(
                    entry.header.state,
                    NeighbourState::Permanent | NeighbourState::Noarp
                );
                if let Some(address) = address(&entry)
                    && !lasts
                {
                    let message = RouteNetlinkMessage::DelNeighbour(entry);
                    batch.change("forget neighbour", address.to_string(), message);
                }
            }
            // One that the kernel has forgotten meanwhile is no loss.
            match socket.commit(batch) {
                Err(error) if error.errno() == Some(nix::errno::Errno::ENOENT as i32) => {}
                done => done?,
            }
        }
        Ok(())
    }
}

pub(super) fn entries(socket: &mut RouteSocket) -> Result<Vec<NeighbourMessage>, LabError> {
    let question = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
    let rows = socket.dump("list neighbours", question)?;
    let entries = rows.into_iter().filter_map(|row| match row {
        RouteNetlinkMessage::NewNeighbour(entry) => Some(entry),
        _ => None,
    });
    Ok(entries.collect())
}

pub(super) fn address(entry: &NeighbourMessage) -> Option<IpAddr> {
    entry.attributes.iter().find_map(|one| match one {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => Some((*address).into()),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => {
            Some((*address).into())
        }
        _ => None,
    })
}

pub(super) fn hardware_address(entry: &NeighbourMessage) -> Option<String> {
    entry.attributes.iter().find_map(|one| match one {
        NeighbourAttribute::LinkLayerAddress(bytes) => {
            let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(pairs.join(":"))
        }
        _ => None,
    })
}
