//! Links, addresses, routes, policy rules, neighbours and queueing disciplines, by rtnetlink.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netlink_packet_core::Nla;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage, Prop};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RoutePreference, RouteProtocol, RouteType,
};
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::tc::{TcAttribute, TcHandle, TcMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::entry::{Address, Entry, Link, Neighbour, PolicyRule, Qdisc, Rest, Route};
use crate::lab::{LabError, NEIGHBOUR_MAKER, Netns};
use crate::netlink::RouteSocket;

/// What a virtual link has while nobody has set anything (tc(8)).
const NO_QUEUE: &str = "noqueue";

/// Names of links by index.
type Names = BTreeMap<u32, String>;

/// Everything that rtnetlink lists.
pub(super) fn read(netns: &Netns) -> Result<Vec<Entry>, LabError> {
    let mut socket = netns.route_socket("ledger", &[])?;
    let (names, mut entries) = links(&mut socket)?;
    let questions = [
        (
            "list addresses",
            RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        ),
        (
            "list routes",
            RouteNetlinkMessage::GetRoute(RouteMessage::default()),
        ),
        (
            "list rules",
            RouteNetlinkMessage::GetRule(RuleMessage::default()),
        ),
        (
            "list neighbours",
            RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()),
        ),
        (
            "list queueing disciplines",
            RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()),
        ),
    ];
    for (operation, question) in questions {
        let rows = socket.dump(operation, question)?;
        entries.extend(rows.into_iter().filter_map(|row| entry(row, &names)));
    }
    Ok(entries)
}

/// Only links and addresses.
pub(super) fn read_links(netns: &Netns) -> Result<Vec<Entry>, LabError> {
    let mut socket = netns.route_socket("ledger", &[])?;
    let (names, mut entries) = links(&mut socket)?;
    let question = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let rows = socket.dump("list addresses", question)?;
    entries.extend(rows.into_iter().filter_map(|row| entry(row, &names)));
    Ok(entries)
}

fn links(socket: &mut RouteSocket) -> Result<(Names, Vec<Entry>), LabError> {
    let links = socket.links()?;
    let named = |link: &LinkMessage| {
        let name = link
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name.clone()),
                _ => None,
            });
        name.unwrap_or_default()
    };
    let names: Names = links
        .iter()
        .map(|link| (link.header.index, named(link)))
        .collect();
    let entries = links.iter();
    let entries = entries.map(|message| Entry::Link(link(message, &names)));
    let entries = entries.collect();
    Ok((names, entries))
}

fn called(names: &Names, index: u32) -> String {
    let name = names.get(&index).cloned();
    name.unwrap_or_else(|| format!("if{index}"))
}

fn entry(row: RouteNetlinkMessage, names: &Names) -> Option<Entry> {
    match row {
        RouteNetlinkMessage::NewAddress(message) => address(&message, names).map(Entry::Address),
        RouteNetlinkMessage::NewRoute(message) => Some(Entry::Route(route(&message, names))),
        RouteNetlinkMessage::NewRule(message) => Some(Entry::PolicyRule(rule(&message))),
        RouteNetlinkMessage::NewNeighbour(message) => {
            let own = NeighbourAttribute::Protocol(NEIGHBOUR_MAKER);
            let is_set = message.header.state == NeighbourState::Permanent;
            let is_anothers = is_set && !message.attributes.contains(&own);
            is_anothers.then(|| Entry::Neighbour(neighbour(&message, names)))
        }
        RouteNetlinkMessage::NewQueueDiscipline(message) => {
            let qdisc = qdisc(&message, names);
            (qdisc.kind != NO_QUEUE).then_some(Entry::Qdisc(qdisc))
        }
        _ => None,
    }
}

fn link(message: &LinkMessage, names: &Names) -> Link {
    let mut link = Link {
        index: message.header.index,
        ..Link::default()
    };
    let words = [
        (LinkFlags::Up, "up"),
        (LinkFlags::Promisc, "promisc"),
        (LinkFlags::Allmulti, "allmulti"),
        (LinkFlags::Noarp, "noarp"),
    ];
    let set = words
        .iter()
        .filter(|(flag, _)| message.header.flags.contains(*flag));
    link.flags = set.map(|(_, word)| *word).collect();
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Group(group) => link.group = *group,
            LinkAttribute::TxQueueLen(packets) => link.queue = *packets,
            LinkAttribute::Controller(index) => link.master = Some(called(names, *index)),
            LinkAttribute::Address(bytes) => link.mac = mac(bytes),
            LinkAttribute::Link(index) => link.peer.0 = Some(*index),
            LinkAttribute::LinkNetNsId(number) => link.peer.1 = Some(*number),
            LinkAttribute::PropList(props) => {
                let names = props.iter().filter_map(|prop| match prop {
                    Prop::AltIfName(name) => Some(name.clone()),
                    _ => None,
                });
                link.other_names = names.collect();
            }
            LinkAttribute::LinkInfo(parts) => {
                let kind = parts.iter().find_map(|part| match part {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
                link.kind = kind.unwrap_or_default();
            }
            _ => {}
        }
    }
    link
}

fn mac(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// An attribute that has no word here, as number and bytes.
fn unnamed(attribute: &impl Nla) -> (u16, Vec<u8>) {
    let mut bytes = vec![0; attribute.value_len()];
    attribute.emit_value(&mut bytes);
    (attribute.kind(), bytes)
}

fn address(message: &AddressMessage, names: &Names) -> Option<Address> {
    let (mut own, mut peer, mut rest) = (None, None, Rest::new());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => own = Some(*address),
            AddressAttribute::Address(address) => peer = Some(*address),
            AddressAttribute::Flags(flags) => {
                // The others are the kernel's progress with the address.
                let set = *flags & (AddressFlags::Noprefixroute | AddressFlags::Managetempaddr);
                rest.extend((!set.is_empty()).then(|| unnamed(&AddressAttribute::Flags(set))));
            }
            // It is the link's name, and ages are no one's leftovers.
            AddressAttribute::Label(_)
            | AddressAttribute::CacheInfo(_)
            | AddressAttribute::Broadcast(_) => {}
            other => rest.push(unnamed(other)),
        }
    }
    Some(Address {
        link: called(names, message.header.index),
        // IFA_LOCAL is the own one where IFA_ADDRESS is the peer's; IPv6 has only IFA_ADDRESS.
        address: own.or(peer)?,
        prefix: message.header.prefix_len,
        rest,
    })
}

fn family(family: AddressFamily) -> String {
    match family {
        AddressFamily::Inet => String::from("IPv4"),
        AddressFamily::Inet6 => String::from("IPv6"),
        other => format!("family {}", u8::from(other)),
    }
}

fn route(message: &RouteMessage, names: &Names) -> Route {
    let ip = |address: &RouteAddress| match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    };
    let mut route = Route {
        to: None,
        prefix: message.header.destination_prefix_length,
        family: family(message.header.address_family),
        kind: route_kind(message.header.kind),
        via: None,
        link: None,
        source: None,
        table: message.header.table.into(),
        metric: 0,
        by_kernel: message.header.protocol == RouteProtocol::Kernel,
        rest: Rest::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => route.to = ip(address),
            RouteAttribute::Gateway(address) => route.via = ip(address),
            RouteAttribute::PrefSource(address) => route.source = ip(address),
            RouteAttribute::Oif(index) => route.link = Some(called(names, *index)),
            RouteAttribute::Table(number) => route.table = *number,
            RouteAttribute::Priority(metric) => route.metric = *metric,
            RouteAttribute::CacheInfo(_) | RouteAttribute::Preference(RoutePreference::Medium) => {}
            other => route.rest.push(unnamed(other)),
        }
    }
    route
}

fn route_kind(kind: RouteType) -> &'static str {
    match kind {
        RouteType::Unicast => "unicast",
        RouteType::Local => "local",
        RouteType::Broadcast => "broadcast",
        RouteType::Anycast => "anycast",
        RouteType::Multicast => "multicast",
        RouteType::BlackHole => "blackhole",
        RouteType::Unreachable => "unreachable",
        RouteType::Prohibit => "prohibit",
        RouteType::Throw => "throw",
        _ => "other",
    }
}

fn rule(message: &RuleMessage) -> PolicyRule {
    let header = &message.header;
    let mut rule = PolicyRule {
        family: family(header.family),
        priority: 0,
        matches: Vec::new(),
        action: String::new(),
        rest: Rest::new(),
    };
    let mut table = u32::from(header.table);
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Priority(priority) => rule.priority = *priority,
            RuleAttribute::Table(number) => table = *number,
            RuleAttribute::Source(address) => {
                rule.matches
                    .push(format!("from {address}/{}", header.src_len));
            }
            RuleAttribute::Destination(address) => {
                rule.matches
                    .push(format!("to {address}/{}", header.dst_len));
            }
            RuleAttribute::Iifname(name) => rule.matches.push(format!("in {name}")),
            RuleAttribute::Oifname(name) => rule.matches.push(format!("out {name}")),
            RuleAttribute::FwMark(mark) => rule.matches.push(format!("mark {mark:#x}")),
            RuleAttribute::FwMask(mask) => rule.matches.push(format!("mask {mask:#x}")),
            RuleAttribute::Goto(priority) => rule.action = format!("goto {priority}"),
            // What every rule has: its maker, and that no prefix is too short.
            RuleAttribute::Protocol(_) | RuleAttribute::SuppressPrefixLen(u32::MAX) => {}
            other => rule.rest.push(unnamed(other)),
        }
    }
    if header.tos != 0 {
        rule.matches.push(format!("tos {:#04x}", header.tos));
    }
    if rule.action.is_empty() {
        rule.action = match header.action {
            RuleAction::ToTable => format!("lookup {table}"),
            RuleAction::Blackhole => String::from("blackhole"),
            RuleAction::Unreachable => String::from("unreachable"),
            RuleAction::Prohibit => String::from("prohibit"),
            other => format!("action {}", u8::from(other)),
        };
    }
    rule
}

fn neighbour(message: &NeighbourMessage, names: &Names) -> Neighbour {
    let mut neighbour = Neighbour {
        link: called(names, message.header.ifindex),
        address: None,
        mac: String::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => {
                neighbour.address = Some((*address).into());
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => {
                neighbour.address = Some((*address).into());
            }
            NeighbourAttribute::LinkLayerAddress(bytes) => neighbour.mac = mac(bytes),
            _ => {}
        }
    }
    neighbour
}

fn qdisc(message: &TcMessage, names: &Names) -> Qdisc {
    let TcHandle { major, minor } = message.header.parent;
    let mut qdisc = Qdisc {
        link: called(names, message.header.index.cast_unsigned()),
        kind: String::new(),
        parent: match message.header.parent {
            TcHandle::ROOT => String::from("root"),
            TcHandle::INGRESS => String::from("ingress"),
            _ => format!("{major:x}:{minor:x}"),
        },
        rest: Rest::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            TcAttribute::Kind(kind) => qdisc.kind.clone_from(kind),
            TcAttribute::Options(_) => qdisc.rest.push(unnamed(attribute)),
            // The others count what it has passed.
            _ => {}
        }
    }
    qdisc
}
