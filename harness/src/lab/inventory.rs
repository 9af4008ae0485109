//! Nodes read back from the kernel, as a path needs them: never what the specification meant, always what is there.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use rtnetlink::packet_route::nsid::{NsidAttribute, NsidMessage};

use super::lookup::name;
use super::neighbours::addresses;
use super::{Lab, LabError, LiveNode, Netns, sysctl};
use crate::path::{Interface, Node};

/// A link with what leads to the other end of a veth pair.
struct Found {
    interface: Interface,
    name: String,
    /// The other end's index, in the namespace that `namespace` names here; its own where that is none.
    link: Option<u32>,
    namespace: Option<i32>,
    /// Whether `link` is no other end but what it stands on.
    is_stacked: bool,
}

impl Lab {
    /// All nodes that have a namespace of their own, as the kernel holds them now.
    pub fn read_nodes(&self) -> Result<BTreeMap<String, Node>, LabError> {
        let mut found: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
        for (node, live) in &self.nodes {
            found.insert(node, read_links(live)?);
        }
        let mut nodes = BTreeMap::new();
        for (node, live) in &self.nodes {
            let mut interfaces = BTreeMap::new();
            for link in &found[node.as_str()] {
                let mut interface = link.interface.clone();
                if link.is_stacked {
                    interface.lower = self.lower(node, live, link, &found)?;
                } else {
                    interface.peer = self.peer(node, live, link, &found)?;
                }
                interfaces.insert(link.name.clone(), interface);
            }
            let own = addresses(&mut live.socket())?
                .into_iter()
                .map(|(_, address)| address);
            let addresses = own
                .filter(|address| !address.is_loopback())
                .collect::<Vec<IpAddr>>();
            let bridge_netfilter = live.netns.run(sysctl::bridge_netfilter)?;
            nodes.insert(
                node.clone(),
                Node {
                    interfaces,
                    addresses,
                    bridge_netfilter,
                },
            );
        }
        Ok(nodes)
    }

    /// The other end of a veth pair. Two ends name each other's index; only where several links in the lab could be meant
    /// is the kernel asked which namespace it is.
    fn peer(
        &self,
        node: &str,
        live: &LiveNode,
        link: &Found,
        all: &BTreeMap<&str, Vec<Found>>,
    ) -> Result<Option<(String, String)>, LabError> {
        let Some(index) = link.link else {
            return Ok(None);
        };
        let other_end = |candidate: &&Found| {
            candidate.interface.index == index && candidate.link == Some(link.interface.index)
        };
        let Some(namespace) = link.namespace else {
            let same = all[node].iter().find(other_end);
            return Ok(same.map(|other| (node.to_string(), other.name.clone())));
        };
        let mut candidates: Vec<(&str, &Found)> = all
            .iter()
            .filter(|(other, _)| **other != node)
            .filter_map(|(other, links)| Some((*other, links.iter().find(other_end)?)))
            .collect();
        if candidates.len() > 1 {
            let mut named = Vec::new();
            for (other, found) in candidates {
                if self.namespace_number(live, &self.live(other)?.netns)? == Some(namespace) {
                    named.push((other, found));
                }
            }
            candidates = named;
        }
        Ok(candidates
            .first()
            .map(|(other, found)| ((*other).to_string(), found.name.clone())))
    }

    /// What an interface stands on: the link of that index in the namespace that it names.
    fn lower(
        &self,
        node: &str,
        live: &LiveNode,
        link: &Found,
        all: &BTreeMap<&str, Vec<Found>>,
    ) -> Result<Option<(String, String)>, LabError> {
        let Some(index) = link.link else {
            return Ok(None);
        };
        for (other, links) in all {
            let is_there = match link.namespace {
                None => *other == node,
                Some(number) => {
                    *other != node
                        && self.namespace_number(live, &self.live(other)?.netns)? == Some(number)
                }
            };
            let mut links = links.iter().filter(|one| one.interface.index == index);
            if let (true, Some(found)) = (is_there, links.next()) {
                return Ok(Some(((*other).to_string(), found.name.clone())));
            }
        }
        Ok(None)
    }

    /// What a node's kernel calls another namespace.
    fn namespace_number(&self, live: &LiveNode, other: &Netns) -> Result<Option<i32>, LabError> {
        let mut question = NsidMessage::default();
        let fd = u32::try_from(other.as_fd().as_raw_fd()).unwrap_or_default();
        question.attributes.push(NsidAttribute::Fd(fd));
        let answer = live.socket().get(
            "name namespace",
            "peer",
            RouteNetlinkMessage::GetNsId(question),
        )?;
        let RouteNetlinkMessage::NewNsId(message) = answer else {
            return Ok(None);
        };
        Ok(message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                NsidAttribute::Id(number) => Some(*number),
                _ => None,
            }))
    }
}

fn read_links(live: &LiveNode) -> Result<Vec<Found>, LabError> {
    let links = live.socket().links()?;
    let names: BTreeMap<u32, String> = links
        .iter()
        .map(|link| (link.header.index, name(link)))
        .collect();
    Ok(links.iter().map(|link| read_link(link, &names)).collect())
}

fn read_link(link: &LinkMessage, names: &BTreeMap<u32, String>) -> Found {
    let interface = Interface {
        index: link.header.index,
        ..Interface::default()
    };
    let mut found = Found {
        interface,
        name: name(link),
        link: None,
        namespace: None,
        is_stacked: false,
    };
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::Link(index) => found.link = Some(*index),
            LinkAttribute::LinkNetNsId(number) => found.namespace = Some(*number),
            LinkAttribute::LinkInfo(about) => {
                found.is_stacked = about.iter().any(|one| {
                    matches!(
                        one,
                        LinkInfo::Kind(
                            InfoKind::MacVlan
                                | InfoKind::MacVtap
                                | InfoKind::IpVlan
                                | InfoKind::IpVtap
                                | InfoKind::Vlan
                        )
                    )
                });
            }
            LinkAttribute::Controller(index) => found.interface.bridge = names.get(index).cloned(),
            LinkAttribute::Address(bytes) if bytes.iter().any(|byte| *byte != 0) => {
                let octets: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                found.interface.mac = octets.join(":");
            }
            _ => {}
        }
    }
    found
}
