//! From specification to live kernel objects: a few netlink batches, then a look that every link is ready.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Mutex;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::AddressHeaderFlags;
use rtnetlink::packet_route::link::{
    AfSpecInet, AfSpecUnspec, InetDevConf, InfoData, InfoKind, InfoVeth, LinkAttribute,
};
use rtnetlink::packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use rtnetlink::packet_route::route::RouteProtocol;
use rtnetlink::{
    AddressMessageBuilder, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth,
    RouteMessageBuilder,
};

use super::masquerade::masquerade;
use super::{Lab, LabError, LiveNode, Netns, ready, sysctl};
use crate::address::{Family, PerFamily, Prefix};
use crate::netlink::Batch;
use crate::plan::topology::{EndSpec, Forwarding, LabSpec, Namespace, NodeSpec};

/// `lo`'s index in every namespace.
const LOOPBACK: u32 = 1;
/// The first index of a lab's own links. The kernel puts fallback tunnels (`sit0`, …) right behind `lo`.
const FIRST_INDEX: u32 = 16;

/// A link of the specification with what it gets from here.
struct Placed<'a> {
    node: &'a str,
    name: &'a str,
    index: u32,
    mac: [u8; 6],
    addresses: PerFamily<Prefix>,
    master: Option<u32>,
    mtu: Option<u16>,
    /// Addresses and hardware address of the other end of a link that isn't bridged.
    neighbour: Option<(PerFamily<IpAddr>, [u8; 6])>,
}

impl Lab {
    /// Makes the lab. When this returns, every link is up and every bridge port forwards.
    pub fn build(spec: &LabSpec) -> Result<Self, LabError> {
        let (own, aliases) = sort(spec)?;
        let ipv6 = sysctl::Ipv6::of(spec);
        let mut nodes = BTreeMap::new();
        for (node, netns) in own.iter().zip(Netns::create_many(own.len())?) {
            let socket = netns.route_socket(&node.name, &[])?;
            netns.run(|| sysctl::set(node, ipv6))??;
            nodes.insert(
                node.name.clone(),
                LiveNode {
                    netns,
                    socket: Mutex::new(socket),
                    netfilter: Vec::new(),
                },
            );
        }
        let mut lab = Self {
            nodes,
            aliases,
            passing: BTreeSet::new(),
        };
        let placed = place(spec, &own)?;
        lab.create_links(spec, &placed)?;
        for node in &own {
            lab.configure(node, &placed)?;
        }
        for node in &own {
            if let Some(rule) = &node.masquerade {
                let live = lab
                    .nodes
                    .get_mut(&node.name)
                    .ok_or_else(|| unknown(&node.name))?;
                let socket = masquerade(&node.name, &live.netns, rule)?;
                live.netfilter.push(socket);
            }
        }
        for link in &placed {
            let live = lab.live(link.node)?;
            ready::wait(&live.netns, &mut live.socket(), link.index, link.name)?;
        }
        Ok(lab)
    }

    fn create_links(&self, spec: &LabSpec, placed: &[Placed<'_>]) -> Result<(), LabError> {
        let mut batches: BTreeMap<&str, Batch> = BTreeMap::new();
        let (bridges, ends) = placed.split_at(placed.len() - 2 * spec.veths.len());
        for bridge in bridges {
            let message = LinkBridge::new(bridge.name)
                .down()
                .index(bridge.index)
                .address(bridge.mac.to_vec())
                .build();
            let batch = batches.entry(bridge.node).or_default();
            batch.create(
                "create bridge",
                bridge.name,
                RouteNetlinkMessage::NewLink(message),
            );
        }
        for pair in ends.chunks_exact(2) {
            // The peer is made in its own namespace: moving it there later would cost 17 ms.
            let peer = single_queue(LinkMessageBuilder::<LinkUnspec>::new(), &pair[1])
                .setns_by_fd(self.live(pair[1].node)?.netns.as_fd().as_raw_fd())
                .build();
            let veth = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth);
            let message = single_queue(veth, &pair[0])
                .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
                .build();
            let batch = batches.entry(pair[0].node).or_default();
            batch.create(
                "create veth",
                pair[0].name,
                RouteNetlinkMessage::NewLink(message),
            );
        }
        for (node, batch) in batches {
            self.live(node)?.socket().commit(batch)?;
        }
        Ok(())
    }

    fn configure(&self, node: &NodeSpec, placed: &[Placed<'_>]) -> Result<(), LabError> {
        let mut batch = Batch::default();
        let up =
            |index| RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(index).up().build());
        batch.change("set up", "lo", up(LOOPBACK));
        for prefix in &node.own_addresses {
            let what = format!("{prefix} to lo");
            batch.create("add address", what, address(LOOPBACK, *prefix));
        }
        for link in placed.iter().filter(|link| link.node == node.name) {
            let mut message = LinkUnspec::new_with_index(link.index).up();
            if let Some(master) = link.master {
                message = message.controller(master);
            }
            if node.forwarding == Forwarding::OnInterfaces {
                message = message.append_extra_attribute(forwarding());
            }
            batch.change(
                "set up",
                link.name,
                RouteNetlinkMessage::SetLink(message.build()),
            );
            for prefix in link.addresses {
                batch.create(
                    "add address",
                    format!("{prefix} to {}", link.name),
                    address(link.index, prefix),
                );
            }
            let neighbour = link.neighbour.into_iter();
            for (address, mac) in
                neighbour.flat_map(|(all, mac)| all.into_iter().map(move |one| (one, mac)))
            {
                let message = permanent_neighbour(link.index, address, &mac);
                batch.replace(
                    "add neighbour",
                    format!("{address} on {}", link.name),
                    message,
                );
            }
        }
        for route in &node.routes {
            let to = route
                .to
                .map_or_else(|| "default".to_string(), |prefix| prefix.to_string());
            batch.create(
                "add route",
                format!("{to} via {}", route.via),
                self::route(route.to, route.via)?,
            );
        }
        Ok(self.live(&node.name)?.socket().commit(batch)?)
    }
}

/// Switches an interface's IPv4 forwarding on.
fn forwarding() -> LinkAttribute {
    let mut settings = InetDevConf::default();
    settings.forwarding = 1;
    let inet = vec![AfSpecInet::DevConfRequest(settings)];
    LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet(inet)])
}

/// Nodes with a namespace of their own, and the other names that some of them have.
fn sort(spec: &LabSpec) -> Result<(Vec<&NodeSpec>, BTreeMap<String, String>), LabError> {
    let by_name: HashMap<&str, &NodeSpec> = spec
        .nodes
        .iter()
        .map(|node| (node.name.as_str(), node))
        .collect();
    if by_name.len() != spec.nodes.len() {
        return Err(LabError::Specification(
            "two nodes have the same name".into(),
        ));
    }
    let mut own = Vec::new();
    let mut aliases = BTreeMap::new();
    for node in &spec.nodes {
        let mut target = node;
        let mut steps = 0;
        while let Namespace::Of(other) = &target.namespace {
            target = by_name.get(other.as_str()).ok_or_else(|| unknown(other))?;
            steps += 1;
            if steps > spec.nodes.len() {
                let name = &node.name;
                return Err(LabError::Specification(format!(
                    "the namespace of node '{name}' refers to itself"
                )));
            }
        }
        if steps == 0 {
            own.push(node);
        } else {
            aliases.insert(node.name.clone(), target.name.clone());
        }
    }
    Ok((own, aliases))
}

fn unknown(node: &str) -> LabError {
    LabError::Specification(format!("there is no node '{node}'"))
}

/// Gives every bridge and veth end an index that is unique in the lab, so that a pair is known by its two indices alone.
fn place<'a>(spec: &'a LabSpec, own: &[&'a NodeSpec]) -> Result<Vec<Placed<'a>>, LabError> {
    let mut indices = FIRST_INDEX..;
    let mut next = || indices.next().unwrap_or(u32::MAX);
    let mut placed: Vec<Placed<'a>> = Vec::new();
    for node in own {
        for bridge in &node.bridges {
            let mac = mac(&node.name, &bridge.name);
            let (node, name) = (node.name.as_str(), bridge.name.as_str());
            placed.push(Placed {
                node,
                name,
                index: next(),
                mac,
                addresses: bridge.addresses,
                master: None,
                mtu: None,
                neighbour: None,
            });
        }
    }
    let bridges = placed.len();
    for veth in &spec.veths {
        for (end, other) in [
            (&veth.ends[0], &veth.ends[1]),
            (&veth.ends[1], &veth.ends[0]),
        ] {
            let master = match &end.bridge {
                Some(name) => Some(
                    placed[..bridges]
                        .iter()
                        .find(|bridge| bridge.node == end.node && bridge.name == name)
                        .map(|bridge| bridge.index)
                        .ok_or_else(|| {
                            LabError::Specification(format!("{} has no bridge '{name}'", end.node))
                        })?,
                ),
                None => None,
            };
            placed.push(Placed {
                node: &end.node,
                name: &end.interface,
                index: next(),
                mac: mac(&end.node, &end.interface),
                addresses: end.addresses,
                master,
                mtu: veth.mtu,
                neighbour: neighbour(end, other),
            });
        }
    }
    Ok(placed)
}

/// On a link of two nodes nothing is learned, so ARP would only cross the first probe. On a bridge the ports are
/// learned from real traffic ([`Lab::prepare_neighbours`]): entries put there by hand would change what is tested.
fn neighbour(end: &EndSpec, other: &EndSpec) -> Option<(PerFamily<IpAddr>, [u8; 6])> {
    let known = !end.addresses.is_empty() && !other.addresses.is_empty();
    let addresses = other.addresses.map(|prefix| prefix.address);
    known.then(|| (addresses, mac(&other.node, &other.interface)))
}

/// A hardware address that is the same in every run: `02:42`, locally administered, then a hash (FNV-1a) of the names.
pub(super) fn mac(node: &str, interface: &str) -> [u8; 6] {
    let hash = node
        .bytes()
        .chain([0])
        .chain(interface.bytes())
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    let [a, b, c, d] = hash.to_be_bytes();
    [0x02, 0x42, a, b, c, d]
}

fn single_queue<T>(builder: LinkMessageBuilder<T>, link: &Placed<'_>) -> LinkMessageBuilder<T> {
    let builder = match link.mtu {
        Some(mtu) => builder.mtu(mtu.into()),
        None => builder,
    };
    builder
        .name(link.name)
        .index(link.index)
        .address(link.mac.to_vec())
        // One queue each way: a queue per core costs 300 to 600 µs for a pair.
        .append_extra_attribute(LinkAttribute::NumTxQueues(1))
        .append_extra_attribute(LinkAttribute::NumRxQueues(1))
}

pub(super) fn address(index: u32, prefix: Prefix) -> RouteNetlinkMessage {
    RouteNetlinkMessage::NewAddress(match prefix.address {
        IpAddr::V4(address) => AddressMessageBuilder::<Ipv4Addr>::new()
            .index(index)
            .address(address, prefix.length)
            .build(),
        IpAddr::V6(address) => {
            let mut message = AddressMessageBuilder::<Ipv6Addr>::new()
                .index(index)
                .address(address, prefix.length)
                .build();
            // Nobody else is there to have it: without duplicate address detection it can be used at once (RFC 4862 5.4).
            message.header.flags |= AddressHeaderFlags::Nodad;
            message
        }
    })
}

pub(super) fn route(to: Option<Prefix>, via: IpAddr) -> Result<RouteNetlinkMessage, LabError> {
    let wrong =
        |e: &dyn std::fmt::Display| LabError::Specification(format!("route via {via}: {e}"));
    let mut builder = RouteMessageBuilder::<IpAddr>::new();
    builder.get_mut().header.address_family = Family::of(via).number().into();
    if let Some(prefix) = to {
        builder = builder
            .destination_prefix(prefix.address, prefix.length)
            .map_err(|e| wrong(&e))?;
    }
    Ok(RouteNetlinkMessage::NewRoute(
        builder.gateway(via).map_err(|e| wrong(&e))?.build(),
    ))
}

/// Who made a neighbour entry of ours (`NDA_PROTOCOL`, `man 8 ip-neighbour`: "protocol"): a number that no routing daemon
/// has in `rtnetlink.h`. What the harness enters for its probes is no leftover of an implementation.
pub(crate) const NEIGHBOUR_MAKER: RouteProtocol = RouteProtocol::Other(103);

/// A neighbour that is never asked for and never forgotten.
pub(super) fn permanent_neighbour(index: u32, address: IpAddr, mac: &[u8]) -> RouteNetlinkMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = Family::of(address).number().into();
    message.header.ifindex = index;
    message.header.state = NeighbourState::Permanent;
    message
        .attributes
        .push(NeighbourAttribute::Destination(address.into()));
    message
        .attributes
        .push(NeighbourAttribute::LinkLayerAddress(mac.to_vec()));
    message
        .attributes
        .push(NeighbourAttribute::Protocol(NEIGHBOUR_MAKER));
    RouteNetlinkMessage::NewNeighbour(message)
}
