//! What decides about a packet in silence, read from the kernel: settings of interfaces, who is up, who knows whom.

use std::net::IpAddr;

use rtnetlink::packet_route::link::LinkFlags;
use rtnetlink::packet_route::neighbour::NeighbourState;
use rtnetlink::packet_route::route::RouteType;

use super::ageing::{address, entries, hardware_address};
use super::lookup::{name, names, way};
use super::neighbours::addresses;
use super::{Lab, LabError};
use crate::netlink::NetlinkError;

/// What a node knows about a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The interface's name.
    pub interface: String,
    /// The neighbour's address.
    pub address: IpAddr,
    /// The entry's state in the words of `ip neighbour`.
    pub state: &'static str,
}

impl Lab {
    /// Whether an interface passes on packets that are not for its node.
    pub fn forwards(&self, node: &str, interface: &str) -> Result<bool, LabError> {
        Ok(self.setting(node, interface, "forwarding")? != 0)
    }

    /// `rp_filter` of an interface: 0 off, 1 strict, 2 loose. The larger one of its own and of `all` counts.
    pub fn reverse_path_filter(&self, node: &str, interface: &str) -> Result<u8, LabError> {
        let own = self.setting(node, interface, "rp_filter")?;
        Ok(own.max(self.setting(node, "all", "rp_filter")?))
    }

    /// Whether an interface announces its IPv4 addresses when it comes up: `arp_notify`, its own or that of `all`
    /// (`include/linux/inetdevice.h`, `IN_DEV_ARP_NOTIFY`).
    pub(super) fn announces(&self, node: &str, interface: &str) -> Result<bool, LabError> {
        let own = self.setting(node, interface, "arp_notify")?;
        Ok(own != 0 || self.setting(node, "all", "arp_notify")? != 0)
    }

    fn setting(&self, node: &str, interface: &str, name: &str) -> Result<u8, LabError> {
        let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
        let read = self.netns(node)?.run(|| std::fs::read_to_string(&path))?;
        let text = read.map_err(|error| LabError::system("read", path, error))?;
        Ok(text.trim().parse().unwrap_or_default())
    }

    /// Whether an interface is up; one that is not there is not.
    pub fn is_up(&self, node: &str, interface: &str) -> Result<bool, LabError> {
        let links = self.live(node)?.socket().links()?;
        let mut named = links.iter().filter(|link| name(link) == interface);
        Ok(named.any(|link| link.header.flags.contains(LinkFlags::Up)))
    }

    /// The interface that a packet of this node leaves by: `lo` to itself, none where the kernel refuses it.
    pub fn leaves_by(&self, node: &str, destination: IpAddr) -> Result<Option<String>, LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        match way(&mut socket, destination, None, None) {
            Ok(way) if way.kind == RouteType::Local => Ok(Some(String::from("lo"))),
            Ok(way) => Ok(names.get(&way.device).cloned()),
            Err(LabError::Netlink(NetlinkError::Refused { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a node knows for which it uses this hardware address.
    pub fn known_by(&self, node: &str, mac: &str) -> Result<Option<Known>, LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        for entry in entries(&mut socket)? {
            let has_it = hardware_address(&entry).is_some_and(|own| own == mac);
            if let Some(address) = address(&entry).filter(|_| has_it) {
                let interface = names.get(&entry.header.ifindex).cloned();
                return Ok(Some(Known {
                    interface: interface.unwrap_or_default(),
                    address,
                    state: words(entry.header.state),
                }));
            }
        }
        Ok(None)
    }

    /// The node and interface that have an address.
    pub fn holder(&self, address: IpAddr) -> Result<Option<(String, String)>, LabError> {
        for (node, live) in &self.nodes {
            let mut socket = live.socket();
            let found = addresses(&mut socket)?;
            if let Some((index, _)) = found.into_iter().find(|(_, own)| *own == address) {
                let interface = names(&mut socket)?.remove(&index).unwrap_or_default();
                return Ok(Some((node.clone(), interface)));
            }
        }
        Ok(None)
    }
}

fn words(state: NeighbourState) -> &'static str {
    match state {
        NeighbourState::Incomplete => "incomplete",
        NeighbourState::Reachable => "reachable",
        NeighbourState::Stale => "stale",
        NeighbourState::Delay => "delay",
        NeighbourState::Probe => "probe",
        NeighbourState::Failed => "failed",
        NeighbourState::Permanent => "permanent",
        _ => "in another state",
    }
}
