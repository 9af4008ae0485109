//! A container network by rtnetlink alone: a bridge, and veth pairs from it into containers.

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::build::{address, route};
use super::lookup::{index_of, name, names};
use super::{LabError, Netns, ready};
use crate::netlink::{Batch, RouteSocket};

use crate::address::{PerFamily, Prefix};

/// `lo`'s index in every namespace.
const LOOPBACK: u32 = 1;
/// The group of the links made here (ip-link(8), `group`), by which all go at once.
const GROUP: u32 = 0x6770;

/// A bridge to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Interface's name.
    pub name: String,
    /// The host's addresses on it.
    pub addresses: PerFamily<Prefix>,
    /// Its MTU; the kernel's default if there is none.
    pub mtu: Option<u16>,
}

/// A container's end of a bridge.
#[derive(Debug)]
pub struct Port<'a> {
    /// The container's namespace.
    pub container: &'a Netns,
    /// The bridge port's name on the host.
    pub host_interface: String,
    /// The interface's name in the container.
    pub interface: String,
    /// The container's addresses.
    pub addresses: PerFamily<Prefix>,
    /// The container's hardware address; the kernel draws one if there is none.
    pub mac: Option<[u8; 6]>,
    /// Its default gateways.
    pub gateways: PerFamily<IpAddr>,
    /// MTU of both ends; the kernel's default if there is none.
    pub mtu: Option<u16>,
    /// Whether the bridge may send a frame back by the port that it came in by.
    pub hairpin: bool,
}

impl Bridge {
    /// Makes the bridge and sets it up.
    pub fn create(&self, host: &Netns) -> Result<(), LabError> {
        let mut socket = host.route_socket("host", &[])?;
        let mut batch = Batch::default();
        // Its own address: otherwise it takes the lowest of its ports' and changes with them.
        let mut message = LinkBridge::new(&self.name)
            .address(super::build::mac("host", &self.name).to_vec())
            .append_extra_attribute(LinkAttribute::Group(GROUP))
            .up();
        if let Some(mtu) = self.mtu {
            message = message.mtu(mtu.into());
        }
        let message = RouteNetlinkMessage::NewLink(message.build());
        batch.create("create bridge", &self.name, message);
        socket.commit(batch)?;
        if self.addresses.is_empty() {
            return Ok(());
        }
        let index = index(&mut socket, &self.name)?;
        let mut batch = Batch::default();
        for prefix in self.addresses {
            let object = format!("{prefix} to {}", self.name);
            batch.create("add address", object, address(index, prefix));
        }
        Ok(socket.commit(batch)?)
    }

    /// Makes a veth pair from the bridge into a container, and waits until it forwards.
    pub fn attach(&self, host: &Netns, port: &Port<'_>) -> Result<(), LabError> {
        let mut socket = host.route_socket("host", &[])?;
        let master = index(&mut socket, &self.name)?;
        let mut peer = LinkMessageBuilder::<LinkUnspec>::new()
            .name(port.interface.as_str())
            .setns_by_fd(port.container.as_fd().as_raw_fd());
        let mut end = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth)
            .name(port.host_interface.as_str())
            .controller(master)
            .append_extra_attribute(LinkAttribute::Group(GROUP))
            .up();
        if let Some(mac) = port.mac {
            peer = peer.address(mac.to_vec());
        }
        if let Some(mtu) = port.mtu {
            peer = peer.mtu(mtu.into());
            end = end.mtu(mtu.into());
        }
        let end = end.set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())));
        let mut batch = Batch::default();
        let message = RouteNetlinkMessage::NewLink(end.build());
        batch.create("create veth", &port.host_interface, message);
        socket.commit(batch)?;
        port.configure()?;
        let own = index(&mut socket, &port.host_interface)?;
        if port.hairpin {
            let mut batch = Batch::default();
            let message = LinkBridgePort::new(own).hairpin(true).build();
            // RTM_SETLINK takes no notice of what concerns the port (`rtnl_newlink` does).
            let message = RouteNetlinkMessage::NewLink(message);
            batch.change("set hairpin mode", &port.host_interface, message);
            socket.commit(batch)?;
        }
        ready::wait(host, &mut socket, own, &port.host_interface)
    }
}

impl Port<'_> {
    fn configure(&self) -> Result<(), LabError> {
        let mut socket = self.container.route_socket("container", &[])?;
        let index = index(&mut socket, &self.interface)?;
        let up =
            |index| RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(index).up().build());
        let mut batch = Batch::default();
        batch.change("set up", "lo", up(LOOPBACK));
        for prefix in self.addresses {
            let object = format!("{prefix} to {}", self.interface);
            batch.create("add address", object, address(index, prefix));
        }
        batch.change("set up", &self.interface, up(index));
        for gateway in self.gateways {
            let object = format!("default via {gateway}");
            batch.create("add route", object, route(None, gateway)?);
        }
        Ok(socket.commit(batch)?)
    }
}

/// Removes a link, if it is there; the other end of a veth pair goes with it. That of a container that has vanished went with
/// the container's namespace.
pub fn remove_link(host: &Netns, name: &str) -> Result<(), LabError> {
    let mut socket = host.route_socket("host", &[])?;
    let Some(index) = index_of(&names(&mut socket)?, name) else {
        return Ok(());
    };
    let mut batch = Batch::default();
    let message = RouteNetlinkMessage::DelLink(LinkUnspec::new_with_index(index).build());
    batch.change("remove link", name, message);
    Ok(socket.commit(batch)?)
}

/// Removes every link of a container but `lo`.
pub fn remove_own_links(container: &Netns) -> Result<(), LabError> {
    let mut socket = container.route_socket("container", &[])?;
    let mut batch = Batch::default();
    for link in socket.links()? {
        if link.header.index != LOOPBACK {
            let own = LinkUnspec::new_with_index(link.header.index).build();
            let message = RouteNetlinkMessage::DelLink(own);
            batch.change("remove link", name(&link), message);
        }
    }
    Ok(socket.commit(batch)?)
}

/// Removes every bridge and every bridge port that was made here. One by one, each would wait for an RCU grace period.
pub fn remove_all(host: &Netns) -> Result<(), LabError> {
    let mut socket = host.route_socket("host", &[])?;
    let mut batch = Batch::default();
    let all = LinkMessageBuilder::<LinkUnspec>::new()
        .append_extra_attribute(LinkAttribute::Group(GROUP))
        .build();
    batch.change(
        "remove",
        "all bridges and ports",
        RouteNetlinkMessage::DelLink(all),
    );
    Ok(socket.commit(batch)?)
}

fn index(socket: &mut RouteSocket, name: &str) -> Result<u32, LabError> {
    index_of(&names(socket)?, name)
        .ok_or_else(|| LabError::Specification(format!("'{}' has no link '{name}'", socket.node())))
}
