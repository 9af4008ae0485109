//! What a case calls its own, and which of it an entry names.

use std::fmt;
use std::net::IpAddr;

use super::entry::{Entry, EntryKind};

use crate::address::Subnet;

/// Hexadecimal digits in a row that are an id, as netavark's `nv_2f259bab_…`: no word has so many with a digit in them.
const ID_DIGITS: usize = 8;
/// Digits of an id that engines put into other names, as Docker's `br-0123456789ab`.
const SHORT_ID: usize = 12;

/// What a case calls its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseNames {
    containers: Vec<OfContainer>,
    networks: Vec<OfNetwork>,
}

/// What belongs to a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfContainer {
    /// Its name.
    pub name: String,
    /// Its ids, of at least 12 digits each.
    pub ids: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Ports of the host that lead to it.
    pub ports: Vec<u16>,
}

/// What belongs to a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfNetwork {
    /// Its name.
    pub name: String,
    /// Its ids, of at least 12 digits each.
    pub ids: Vec<String>,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Its bridges on the host.
    pub bridges: Vec<String>,
    /// The host's ends of its containers' links.
    pub ports: Vec<String>,
}

/// Something of a case that an entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Whose it is: a container's, or a network's.
    pub of: Owner,
    /// What it is, as `address 10.77.1.2`.
    pub what: String,
}

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The container of that name.
    Container(String),
    /// The network of that name.
    Network(String),
    /// One container's or one network's: the entry's name has an id in it.
    Somebody,
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match &self.of {
            Owner::Container(name) => write!(f, "it names {what} of {name}"),
            Owner::Network(name) => write!(f, "it names {what} of the network {name}"),
            Owner::Somebody => write!(f, "it was made for one container or network: {what}"),
        }
    }
}

impl CaseNames {
    /// The container of that name, to be added to.
    pub fn container(&mut self, name: &str) -> &mut OfContainer {
        let place = self.containers.iter().position(|one| one.name == name);
        let place = place.unwrap_or_else(|| {
            self.containers.push(OfContainer {
                name: name.to_owned(),
                ..OfContainer::default()
            });
            self.containers.len() - 1
        });
        &mut self.containers[place]
    }

    /// The network of that name, to be added to.
    pub fn network(&mut self, name: &str) -> &mut OfNetwork {
        let place = self.networks.iter().position(|one| one.name == name);
        let place = place.unwrap_or_else(|| {
            self.networks.push(OfNetwork {
                name: name.to_owned(),
                ..OfNetwork::default()
            });
            self.networks.len() - 1
        });
        &mut self.networks[place]
    }

    /// The containers that are meant, and no networks.
    pub fn containers_that(&self, are_meant: impl Fn(&str) -> bool) -> Self {
        let containers = self.containers.iter();
        Self {
            containers: containers
                .filter(|one| are_meant(&one.name))
                .cloned()
                .collect(),
            networks: Vec::new(),
        }
    }

    /// Whether there is a container of that name.
    pub fn has_container(&self, name: &str) -> bool {
        self.containers.iter().any(|one| one.name == name)
    }

    /// The names of all containers.
    pub fn container_names(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(|one| one.name.as_str())
    }

    /// All networks.
    pub fn networks(&self) -> &[OfNetwork] {
        &self.networks
    }

    /// Learns which links are a network's and which a container's: those that came since `before`, by the addresses that
    /// they have and the bridge that they are ports of.
    pub fn learn_links(&mut self, before: &[Entry], now: &[Entry]) {
        let links = |of: &[Entry]| -> Vec<super::Link> {
            let links = of.iter().filter_map(|entry| match entry {
                Entry::Link(link) => Some(link.clone()),
                _ => None,
            });
            links.collect()
        };
        let (old, new) = (links(before), links(now));
        let came = new
            .iter()
            .filter(|link| old.iter().all(|other| other.index != link.index));
        let came: Vec<&super::Link> = came.collect();
        for network in &mut self.networks {
            let has_address = |link: &&super::Link| {
                now.iter().any(|entry| match entry {
                    Entry::Address(one) => {
                        let inside = network.subnets.iter().any(|s| s.contains(one.address));
                        one.link == link.name && inside
                    }
                    _ => false,
                })
            };
            let (bridges, others): (Vec<&super::Link>, _) =
                came.iter().copied().partition(|link| link.kind == "bridge");
            let bridges = bridges.into_iter().filter(has_address);
            add(&mut network.bridges, bridges.map(|link| &link.name));
            let is_port = |link: &&super::Link| {
                let master = link.master.as_ref();
                master.is_some_and(|master| network.bridges.contains(master)) || has_address(link)
            };
            let ports: Vec<&String> = others
                .into_iter()
                .filter(is_port)
                .map(|link| &link.name)
                .collect();
            add(&mut network.ports, ports);
        }
    }

    /// The first thing of the case that an entry names: a container's before a network's.
    pub fn named_by(&self, entry: &Entry, content: &str) -> Option<Mention> {
        let text = format!("{entry} {content}");
        let words = Words { entry, text: &text };
        let of_container = self
            .containers
            .iter()
            .find_map(|one| words.of_container(one));
        let of_network = || self.networks.iter().find_map(|one| words.of_network(one));
        of_container
            .or_else(of_network)
            .or_else(|| words.of_somebody())
    }
}

fn add<'a>(known: &mut Vec<String>, more: impl IntoIterator<Item = &'a String>) {
    for name in more {
        if !known.contains(name) {
            known.push(name.clone());
        }
    }
}

/// An entry's text, in which names are looked for.
struct Words<'a> {
    entry: &'a Entry,
    text: &'a str,
}

impl Words<'_> {
    fn of_container(&self, one: &OfContainer) -> Option<Mention> {
        let address = one
            .addresses
            .iter()
            .find(|address| self.has_address(**address));
        let address = address.map(|address| format!("the address {address}"));
        let id = one
            .ids
            .iter()
            .find(|id| self.has_id(id))
            .map(|id| format!("the id {id}"));
        let port = one.ports.iter().find(|port| self.has_port(**port));
        let port = port.map(|port| format!("the published port {port}"));
        let name = self.has_name(&one.name).then(|| String::from("the name"));
        let what = address.or(id).or(port).or(name)?;
        Some(Mention {
            of: Owner::Container(one.name.clone()),
            what,
        })
    }

    fn of_network(&self, one: &OfNetwork) -> Option<Mention> {
        let mut links = one.bridges.iter().chain(&one.ports);
        let link = links.find(|link| has_word(self.text, link));
        let link = link.map(|link| format!("the interface {link}"));
        let subnet = one.subnets.iter().find(|subnet| self.is_inside(subnet));
        let subnet = subnet.map(|subnet| format!("the subnet {subnet}"));
        let id = one
            .ids
            .iter()
            .find(|id| self.has_id(id))
            .map(|id| format!("the id {id}"));
        let name = self.has_name(&one.name).then(|| String::from("the name"));
        let what = link.or(subnet).or(id).or(name)?;
        Some(Mention {
            of: Owner::Network(one.name.clone()),
            what,
        })
    }

    /// Chains and sets that are made for one container have its id in their name, if they don't have its own.
    fn of_somebody(&self) -> Option<Mention> {
        let name = match self.entry {
            Entry::Chain(chain) => &chain.name,
            Entry::Rule(rule) => &rule.chain,
            Entry::Set(set) => &set.name,
            _ => return None,
        };
        let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
        let is_id = |part: &&str| {
            let is_hex = part.chars().all(|c| c.is_ascii_hexdigit());
            part.len() >= ID_DIGITS && is_hex && part.chars().any(|c| c.is_ascii_digit())
        };
        let id = parts.find(is_id)?;
        Some(Mention {
            of: Owner::Somebody,
            what: format!("the id {id} in its name"),
        })
    }

    fn has_address(&self, address: IpAddr) -> bool {
        // netavark writes 10_77_1_2 where a name may have no dots.
        let text = address.to_string();
        has_word(self.text, &text) || has_word(self.text, &text.replace(['.', ':'], "_"))
    }

    fn is_inside(&self, subnet: &Subnet) -> bool {
        let apart = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_'));
        let mut words = self.text.split(apart).flat_map(|word| {
            let port = word.rsplit_once(':').map(|(address, _)| address);
            [Some(word.to_owned()), port.map(str::to_owned)]
        });
        let own = subnet.address().to_string().replace(['.', ':'], "_");
        has_word(self.text, &own)
            || words.any(|word| {
                let address = word.as_deref().and_then(|word| word.parse().ok());
                address.is_some_and(|address| subnet.contains(address))
            })
    }

    fn has_id(&self, id: &str) -> bool {
        id.get(..SHORT_ID)
            .is_some_and(|short| self.text.contains(short))
    }

    fn has_port(&self, port: u16) -> bool {
        match self.entry {
            Entry::Socket(socket) => socket.port == port && !socket.protocol.starts_with("raw"),
            Entry::Rule(_) | Entry::Set(_) => {
                let about_ports = ["port", "inet_service"]
                    .iter()
                    .any(|word| self.text.contains(word));
                about_ports && has_word(self.text, &port.to_string())
            }
            _ => false,
        }
    }

    /// Names are ordinary words: they are looked for where somebody writes names.
    fn has_name(&self, name: &str) -> bool {
        // Of a hardware address a part may be a name by chance, as `c6`.
        if let Entry::Link(link) = self.entry {
            let mut texts = std::iter::once(&link.name)
                .chain(&link.alias)
                .chain(&link.other_names);
            return texts.any(|text| has_word(text, name));
        }
        let text = self.entry.to_string();
        let text = match self.entry.kind() {
            EntryKind::Rule => text
                .split_once("comment")
                .map_or("", |(_, comment)| comment),
            EntryKind::Table
            | EntryKind::Chain
            | EntryKind::Set
            | EntryKind::File
            | EntryKind::Mount => &text,
            _ => "",
        };
        has_word(text, name)
    }
}

/// Whether `word` stands in `text` with no letter and no digit beside it.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    !word.is_empty()
        && text.match_indices(word).any(|(at, found)| {
            let (before, after) = (&text[..at], &text[at + found.len()..]);
            !is_part(before.chars().next_back()) && !is_part(after.chars().next())
        })
}
