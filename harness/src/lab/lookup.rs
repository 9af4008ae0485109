//! What the kernel's tables say: routes, route lookups, forwarding databases, in the words of `ip` and `bridge`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage};
use rtnetlink::packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteType,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Lab, LabError};
use crate::address::Family;
use crate::netlink::{NetlinkError, RouteSocket};

/// `RT_TABLE_MAIN`.
const MAIN_TABLE: u32 = 254;

/// Where a route lookup leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RouteTarget {
    pub(super) device: u32,
    pub(super) gateway: Option<IpAddr>,
    pub(super) kind: RouteType,
}

impl Lab {
    /// Names of a node's interfaces, in the kernel's order.
    pub fn interfaces(&self, node: &str) -> Result<Vec<String>, LabError> {
        let links = self.live(node)?.socket().links()?;
        Ok(links.iter().map(name).collect())
    }

    /// A node's main routing table for IPv4, in the words of `ip route show` without protocol, scope and metric.
    pub fn routes(&self, node: &str) -> Result<Vec<String>, LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        let question = RouteMessageBuilder::<std::net::Ipv4Addr>::new().build();
        let rows = socket.dump("list routes", RouteNetlinkMessage::GetRoute(question))?;
        let routes = rows.into_iter().filter_map(|row| match row {
            RouteNetlinkMessage::NewRoute(route) => Some(route),
            _ => None,
        });
        Ok(routes
            .filter(is_main)
            .map(|route| words(&route, &names))
            .collect())
    }

    /// Asks a node's kernel where a packet goes, in the words of `ip route get`: `8.8.8.8 via 10.55.66.1 dev eth0`, or
    /// `8.8.8.8: net unreachable`. With `input`, as if it came in there from `source`.
    pub fn route_get(
        &self,
        node: &str,
        destination: IpAddr,
        source: Option<IpAddr>,
        input: Option<&str>,
    ) -> Result<String, LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        let input = match input {
            Some(name) => {
                Some(index_of(&names, name).ok_or_else(|| no_interface(socket.node(), name))?)
            }
            None => None,
        };
        match way(&mut socket, destination, source, input) {
            Ok(way) => Ok(way.words(destination, &names)),
            Err(error) => refusal(&error)
                .map(|words| format!("{destination}: {words}"))
                .ok_or(error),
        }
    }

    /// Whether a node's kernel sends to an address without a router between. Only by such a one can a route lead.
    pub fn is_on_link(&self, node: &str, address: IpAddr) -> Result<bool, LabError> {
        match way(&mut self.live(node)?.socket(), address, None, None) {
            Ok(way) => Ok(way.gateway.is_none() && way.kind == RouteType::Unicast),
            Err(error) if refusal(&error).is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks a bridge's forwarding database for a hardware address: the port's name, or that it is an own address.
    pub fn fdb(&self, node: &str, bridge: &str, mac: &str) -> Result<String, LabError> {
        let mut socket = self.live(node)?.socket();
        let names = names(&mut socket)?;
        let wrong = || LabError::Specification(format!("'{mac}' is not a hardware address"));
        let bytes: Result<Vec<u8>, _> = mac
            .split(':')
            .map(|octet| u8::from_str_radix(octet, 16))
            .collect();
        let bytes = bytes
            .ok()
            .filter(|bytes| bytes.len() == 6)
            .ok_or_else(wrong)?;
        let mut question = NeighbourMessage::default();
        question.header.family = AddressFamily::Bridge;
        let master = index_of(&names, bridge).ok_or_else(|| no_interface(socket.node(), bridge))?;
        question
            .attributes
            .push(NeighbourAttribute::Controller(master));
        question
            .attributes
            .push(NeighbourAttribute::LinkLayerAddress(bytes));
        match socket.get(
            "look up forwarding entry",
            mac,
            RouteNetlinkMessage::GetNeighbour(question),
        ) {
            Ok(RouteNetlinkMessage::NewNeighbour(entry)) => {
                let port = device(&names, entry.header.ifindex);
                // The bridge holds its own and its ports' addresses as permanent entries.
                let own = entry.header.ifindex == master
                    || entry.header.state == NeighbourState::Permanent;
                Ok(if own {
                    format!("{port}'s own address: up the stack")
                } else {
                    port
                })
            }
            Ok(other) => Err(LabError::Netlink(NetlinkError::Answer {
                operation: "look up forwarding entry",
                node: node.into(),
                reason: format!("{other:?}"),
            })),
            Err(error) if error.errno() == Some(Errno::ENOENT as i32) => {
                Ok("unknown: to every port".into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl RouteTarget {
    fn words(&self, destination: IpAddr, names: &BTreeMap<u32, String>) -> String {
        let local = if self.kind == RouteType::Local {
            "local "
        } else {
            ""
        };
        let via = self
            .gateway
            .map_or_else(String::new, |gateway| format!(" via {gateway}"));
        format!(
            "{local}{destination}{via} dev {}",
            device(names, self.device)
        )
    }
}

/// Looks a route up in the namespace of `socket`.
pub(super) fn way(
    socket: &mut RouteSocket,
    destination: IpAddr,
    source: Option<IpAddr>,
    input: Option<u32>,
) -> Result<RouteTarget, LabError> {
    let length = |address: IpAddr| Family::of(address).width();
    let wrong =
        |e: &dyn std::fmt::Display| LabError::Specification(format!("route to {destination}: {e}"));
    let mut question = RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(destination, length(destination))
        .map_err(|e| wrong(&e))?;
    if let Some(source) = source {
        question = question
            .source_prefix(source, length(source))
            .map_err(|e| wrong(&e))?;
    }
    if let Some(index) = input {
        question = question.input_interface(index);
    }
    let mut question = question.build();
    question.header.flags = RouteFlags::LookupTable;
    let answer = socket.get(
        "look up route",
        &destination.to_string(),
        RouteNetlinkMessage::GetRoute(question),
    )?;
    let RouteNetlinkMessage::NewRoute(route) = answer else {
        let node = socket.node().to_string();
        return Err(LabError::Netlink(NetlinkError::Answer {
            operation: "look up route",
            node,
            reason: format!("{answer:?}"),
        }));
    };
    let mut way = RouteTarget {
        device: 0,
        gateway: None,
        kind: route.header.kind,
    };
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(index) => way.device = *index,
            RouteAttribute::Gateway(gateway) => way.gateway = ip(gateway),
            _ => {}
        }
    }
    Ok(way)
}

/// The words for a route lookup that the kernel answered with an errno (`net/ipv4/fib_semantics.c`, `fib_props`, and
/// `net/ipv4/fib_frontend.c`, `__fib_validate_source`).
fn refusal(error: &LabError) -> Option<&'static str> {
    match Errno::from_raw(error.errno()?) {
        Errno::ENETUNREACH => Some("net unreachable"),
        Errno::EHOSTUNREACH => Some("host unreachable"),
        Errno::EACCES => Some("prohibited"),
        Errno::EINVAL => Some("discarded or invalid"),
        Errno::EXDEV => Some("source refused by rp_filter"),
        _ => None,
    }
}

/// Names of all links by index.
pub(super) fn names(socket: &mut RouteSocket) -> Result<BTreeMap<u32, String>, LabError> {
    Ok(socket
        .links()?
        .iter()
        .map(|link| (link.header.index, name(link)))
        .collect())
}

/// A link's name.
pub(super) fn name(link: &LinkMessage) -> String {
    let found = link
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        });
    found.unwrap_or_else(|| format!("if{}", link.header.index))
}

pub(super) fn index_of(names: &BTreeMap<u32, String>, name: &str) -> Option<u32> {
    names
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(index, _)| *index)
}

fn device(names: &BTreeMap<u32, String>, index: u32) -> String {
    names
        .get(&index)
        .cloned()
        .unwrap_or_else(|| format!("if{index}"))
}

fn no_interface(node: &str, name: &str) -> LabError {
    LabError::Specification(format!("node '{node}' has no interface '{name}'"))
}

pub(super) fn is_main(route: &RouteMessage) -> bool {
    route.header.address_family == AddressFamily::Inet && table_of(route) == MAIN_TABLE
}

/// The number of a route's table; the header has room for those below 256 alone (`man 7 rtnetlink`).
pub(super) fn table_of(route: &RouteMessage) -> u32 {
    let wide = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Table(table) => Some(*table),
            _ => None,
        });
    wide.unwrap_or_else(|| u32::from(route.header.table))
}

pub(super) fn words(route: &RouteMessage, names: &BTreeMap<u32, String>) -> String {
    let (mut to, mut via, mut dev, mut src) = (
        "default".to_string(),
        String::new(),
        String::new(),
        String::new(),
    );
    let kind = match route.header.kind {
        RouteType::Unicast => "",
        RouteType::BlackHole => "blackhole ",
        RouteType::Unreachable => "unreachable ",
        RouteType::Prohibit => "prohibit ",
        _ => "other ",
    };
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Destination(address) => {
                let length = route.header.destination_prefix_length;
                let prefix = if length == 32 {
                    String::new()
                } else {
                    format!("/{length}")
                };
                to = ip(address).map_or_else(String::new, |address| format!("{address}{prefix}"));
            }
            RouteAttribute::Gateway(address) => {
                via = ip(address).map_or_else(String::new, |a| format!(" via {a}"))
            }
            RouteAttribute::Oif(index) => dev = format!(" dev {}", device(names, *index)),
            RouteAttribute::PrefSource(address) => {
                src = ip(address).map_or_else(String::new, |a| format!(" src {a}"))
            }
            _ => {}
        }
    }
    format!("{kind}{to}{via}{dev}{src}")
}

pub(super) fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}
