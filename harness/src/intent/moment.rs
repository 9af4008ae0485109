//! The intended network at one moment, with addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::address::{Family, Subnet};
use crate::case::{Feature, Policy, Protocol};

/// Who is there now, what is published, and how the host was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The family that is asked about. Addresses of the other one are no part of a moment.
    pub family: Family,
    /// What the implementation lists.
    pub features: BTreeSet<Feature>,
    /// The host before the implementation came.
    pub found: Found,
    /// The networks that are there.
    pub networks: Vec<Net>,
    /// The containers that are there.
    pub members: Vec<Member>,
    /// Containers that were there before and are not now.
    pub gone: Vec<Gone>,
    /// Whether a container was refused before.
    pub refused: bool,
    /// Whether a container vanished before it was removed, or before everything was torn down.
    pub vanished: bool,
    /// Whether everything was torn down.
    pub ended: bool,
    /// The moment before the last event, which knows the one before it; none at first.
    pub before: Option<Box<Moment>>,
}

/// The host as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its addresses on the uplink, the first one first.
    pub addresses: Vec<IpAddr>,
    /// Its second uplink, if it has one.
    pub second: Option<SecondUplink>,
    /// Whether it forwarded.
    pub forwards: bool,
    /// FORWARD's policy, if somebody had set it.
    pub forward: Option<Policy>,
    /// INPUT's policy, if somebody had set it. Answers to what the host itself asked, and its own loopback, are let in whatever it is.
    pub input: Option<Policy>,
    /// Ports that a person's rules of INPUT accept.
    pub lets_in: Vec<(Protocol, u16)>,
    /// Whether iptables saw bridged packets.
    pub bridge_netfilter: bool,
    /// Whether a person marks packets and connections that the host passes on, and drops what has lost a mark.
    pub marks: bool,
    /// Source and destination of packets that a person's rules of FORWARD drop; an absent end is any.
    pub drops: Vec<(Option<IpAddr>, Option<IpAddr>)>,
    /// The neighbour on the uplink segment.
    pub lan: IpAddr,
    /// The node behind the lab's routers.
    pub outside: IpAddr,
    /// Further addresses of that node.
    pub outside_also: Vec<IpAddr>,
    /// The address of whoever is on the uplink segment as `outside` sees it: the lab's gateway masquerades the segment.
    pub beyond: IpAddr,
    /// MTU of the uplink in bytes.
    pub uplink_mtu: u16,
    /// The smallest MTU between the host's gateway and outside in bytes.
    pub path_mtu: u16,
}

/// The host's second uplink. A person's policy routing leads answers out by the uplink that the request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondUplink {
    /// The host's address on it.
    pub own: IpAddr,
    /// Its neighbour's there.
    pub neighbour: IpAddr,
    /// The address by which that neighbour asks the host: the main table leads to it by the first uplink.
    pub client: IpAddr,
}

/// A network that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// Its name.
    pub name: String,
    /// Its subnet of the moment's family.
    pub subnet: Subnet,
    /// The host's address in it.
    pub gateway: IpAddr,
    /// Whether it has no way out and in.
    pub internal: bool,
    /// Its MTU in bytes, if one was asked for.
    pub mtu: Option<u16>,
}

/// A container that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, which is its node's.
    pub name: String,
    /// Whose network it uses.
    pub attached: Attached,
    /// Its published ports.
    pub publish: Vec<Port>,
}

/// Whose network a container uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// Nothing but `lo`.
    None,
    /// The host's namespace.
    Host,
    /// Another container's namespace.
    Container(String),
    /// Networks by name, with its address in each.
    Networks(Vec<(String, IpAddr)>),
}

/// A published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The host's address; all of them if there is none.
    pub address: Option<IpAddr>,
    /// The host's port.
    pub host_port: u16,
    /// The container's port.
    pub container_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// A container that was removed and has not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its name.
    pub name: String,
    /// The addresses that it had, with the networks' names.
    pub addresses: Vec<(String, IpAddr)>,
    /// The ports that it had published.
    pub publish: Vec<Port>,
}
