//! Everything that a network namespace holds, to be compared before and after.
//!
//! Counters, ages and what the kernel learns by itself from traffic are left out: they are no one's leftovers.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage};
use rtnetlink::packet_route::rule::RuleMessage;

use super::netlink::RouteSocket;
use super::{LabError, Netns, Room};
use crate::program::Program;

/// Tables of sockets in `/proc/thread-self/net`. Every second line of them begins a socket; the local address and the
/// state are its second and fourth column (proc_net_tcp.rst).
const SOCKETS: [&str; 6] = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"];
/// `TCP_LISTEN` (`include/net/tcp_states.h`).
const LISTEN: &str = "0A";
/// A count, not a setting.
const CONNTRACK_COUNT: &str = "netfilter/nf_conntrack_count";

/// Where the trace of iptables-legacy is sent to: the harness sets it.
const TRACE_SETTING: &str = "netfilter/nf_log/2 ";

/// What a namespace holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Copy)]
#[non_exhaustive]
pub enum Kind {
    /// A link with its type, master and flags.
    Link,
    /// An address on a link.
    Address,
    /// A route of any table.
    Route,
    /// A routing policy rule; order matters.
    Rule,
    /// A neighbour that somebody set.
    Neighbour,
    /// A table, chain, policy, rule or set of the firewall; order matters.
    Firewall,
    /// A file below `/proc/sys/net`.
    Sysctl,
    /// A listening or raw socket.
    Socket,
    /// A file in the folders that an implementation writes its state to.
    File,
    /// A UDP connection whose packets conntrack gives another destination.
    Connection,
}

/// Everything that a network namespace holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    entries: BTreeMap<Kind, Vec<String>>,
}

/// One thing that two ledgers don't share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub kind: Kind,
    /// Which way.
    pub change: Change,
    /// The thing, in the kernel's words.
    pub entry: String,
}

/// Which ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The later one only.
    Added,
    /// The earlier one only.
    Removed,
    /// Both, in another order.
    Moved,
}

impl Kind {
    /// Its name in reports and in `kept.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Address => "address",
            Self::Route => "route",
            Self::Rule => "rule",
            Self::Neighbour => "neighbour",
            Self::Firewall => "firewall",
            Self::Sysctl => "sysctl",
            Self::Socket => "socket",
            Self::File => "file",
            Self::Connection => "connection",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Moved => '~',
        };
        write!(f, "{sign} {:?} {}", self.kind, self.entry)
    }
}

impl Ledger {
    /// Reads a namespace. Nothing in it is changed.
    ///
    /// # Errors
    /// The kernel refuses to list something, or `nft` fails.
    pub fn read(netns: &Netns) -> Result<Self, LabError> {
        let mut socket = RouteSocket::open("ledger", netns, &[])?;
        let mut entries = tables(&mut socket)?;
        let (firewall, sysctls, sockets) = netns.run(|| (firewall(), sysctls(), sockets()))?;
        entries.insert(Kind::Firewall, firewall?);
        entries.insert(Kind::Sysctl, sysctls);
        entries.insert(Kind::Socket, sockets);
        Ok(Self { entries })
    }

    /// Adds the files of a room, and leaves out what the harness itself has put into the namespace.
    ///
    /// # Errors
    /// The room can't be entered.
    pub fn and_files_of(mut self, room: &Room) -> Result<Self, LabError> {
        let files = room.run(|| {
            let mut files = Vec::new();
            for folder in room.state_folders() {
                add_files(Path::new(folder), &mut files);
            }
            files.sort();
            files
        })?;
        self.entries.insert(Kind::File, files);
        if let Some(settings) = self.entries.get_mut(&Kind::Sysctl) {
            settings.retain(|setting| !setting.starts_with(TRACE_SETTING));
        }
        if let Some(rules) = self.entries.get_mut(&Kind::Firewall) {
            rules.retain(|rule| !is_of_the_trace(rule));
        }
        Ok(self)
    }

    /// Adds connections, as somebody who can read them words them.
    #[must_use]
    pub fn and_connections(mut self, mut connections: Vec<String>) -> Self {
        connections.sort();
        self.entries.insert(Kind::Connection, connections);
        self
    }

    /// What `after` has otherwise.
    pub fn diff(&self, after: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (kind, before) in &self.entries {
            let now = after.entries.get(kind).map_or(&[][..], Vec::as_slice);
            differences.extend(differences_of(*kind, before, now));
        }
        differences
    }
}

fn differences_of(kind: Kind, before: &[String], now: &[String]) -> Vec<Difference> {
    let difference = |change, entry: &String| Difference {
        kind,
        change,
        entry: entry.clone(),
    };
    // Two equal entries are two: each one found takes its like away.
    let (mut left, mut added) = (before.to_vec(), Vec::new());
    for entry in now {
        match left.iter().position(|other| other == entry) {
            Some(position) => drop(left.remove(position)),
            None => added.push(difference(Change::Added, entry)),
        }
    }
    let mut all: Vec<Difference> = left
        .iter()
        .map(|entry| difference(Change::Removed, entry))
        .chain(added)
        .collect();
    if all.is_empty() && matches!(kind, Kind::Rule | Kind::Firewall) {
        let moved = before.iter().zip(now).filter(|(old, new)| old != new);
        all.extend(moved.map(|(_, new)| difference(Change::Moved, new)));
    }
    all
}

fn tables(socket: &mut RouteSocket) -> Result<BTreeMap<Kind, Vec<String>>, LabError> {
    let questions = [
        (
            Kind::Link,
            "list links",
            RouteNetlinkMessage::GetLink(LinkMessage::default()),
        ),
        (
            Kind::Address,
            "list addresses",
            RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        ),
        (
            Kind::Route,
            "list routes",
            RouteNetlinkMessage::GetRoute(RouteMessage::default()),
        ),
        (
            Kind::Rule,
            "list rules",
            RouteNetlinkMessage::GetRule(RuleMessage::default()),
        ),
        (
            Kind::Neighbour,
            "list neighbours",
            RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()),
        ),
    ];
    let mut entries = BTreeMap::new();
    for (kind, operation, question) in questions {
        let rows = socket.dump(operation, question)?;
        entries.insert(kind, rows.into_iter().filter_map(words).collect());
    }
    Ok(entries)
}

/// A row in the kernel's words, none if it is not worth an entry.
fn words(row: RouteNetlinkMessage) -> Option<String> {
    match row {
        RouteNetlinkMessage::NewLink(link) => Some(link_words(&link)),
        RouteNetlinkMessage::NewAddress(mut address) => {
            address
                .attributes
                .retain(|attribute| !matches!(attribute, AddressAttribute::CacheInfo(_)));
            Some(format!("{} {:?}", address.header.index, address.attributes))
        }
        RouteNetlinkMessage::NewRoute(mut route) => {
            route
                .attributes
                .retain(|attribute| !matches!(attribute, RouteAttribute::CacheInfo(_)));
            Some(format!("{:?} {:?}", route.header, route.attributes))
        }
        RouteNetlinkMessage::NewRule(rule) => {
            Some(format!("{:?} {:?}", rule.header, rule.attributes))
        }
        RouteNetlinkMessage::NewNeighbour(mut neighbour)
            if neighbour.header.state == NeighbourState::Permanent =>
        {
            neighbour.attributes.retain(|attribute| {
                matches!(
                    attribute,
                    NeighbourAttribute::Destination(_) | NeighbourAttribute::LinkLayerAddress(_)
                )
            });
            Some(format!(
                "{} {:?}",
                neighbour.header.ifindex, neighbour.attributes
            ))
        }
        _ => None,
    }
}

fn link_words(link: &LinkMessage) -> String {
    use rtnetlink::packet_route::link::LinkAttribute as A;
    let kept: Vec<&A> = link
        .attributes
        .iter()
        .filter(|attribute| {
            matches!(
                attribute,
                A::IfName(_)
                    | A::IfAlias(_)
                    | A::Mtu(_)
                    | A::Controller(_)
                    | A::Address(_)
                    | A::Link(_)
                    | A::LinkNetNsId(_)
                    | A::PropList(_)
            )
        })
        .collect();
    format!("{} {:?} {kept:?}", link.header.index, link.header.flags)
}

/// Rules of nftables, and of the legacy tables where there are any: listing those that are not would make them.
fn firewall() -> Result<Vec<String>, LabError> {
    let mut lines = nft()?;
    for (table, program) in [
        ("ip", "iptables-legacy-save"),
        ("ip6", "ip6tables-legacy-save"),
    ] {
        let names = fs::read_to_string(format!("/proc/thread-self/net/{table}_tables_names"));
        if names.is_ok_and(|names| !names.trim().is_empty()) {
            let text = output(&Program::new([program]))?;
            let rules = text.lines().filter(|line| !line.starts_with('#'));
            // Without the counters of a chain, `:INPUT ACCEPT [0:0]`.
            lines.extend(
                rules.map(|line| format!("{table} {}", line.split(" [").next().unwrap_or(line))),
            );
        }
    }
    Ok(lines)
}

fn nft() -> Result<Vec<String>, LabError> {
    // Stateless: without counters.
    let text = output(&Program::new(["nft", "-j", "-s", "list", "ruleset"]))?;
    let wrong = |e: serde_json::Error| LabError::system("read the answer of", "nft", e);
    let listed: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
    let objects = listed["nftables"].as_array().cloned().unwrap_or_default();
    Ok(objects
        .iter()
        .filter(|object| object.get("metainfo").is_none())
        .map(ToString::to_string)
        .collect())
}

fn output(program: &Program) -> Result<String, LabError> {
    let failed = |error| LabError::system("run", program.command_line(), error);
    let ended = program.clone().keeping_all().run();
    let ended = ended.map_err(|error| failed(io::Error::other(error)))?;
    if ended.status.success() {
        Ok(ended.stdout.text())
    } else {
        Err(failed(io::Error::other(ended.said())))
    }
}

fn sysctls() -> Vec<String> {
    let mut found = Vec::new();
    let root = Path::new("/proc/sys/net");
    add_settings(root, root, &mut found);
    found.sort();
    found
}

fn add_settings(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_settings(root, &path, found);
        } else if !path.ends_with(CONNTRACK_COUNT)
            // Some are for writing only.
            && let Ok(value) = fs::read_to_string(&path)
        {
            let name = path.strip_prefix(root).unwrap_or(&path);
            found.push(format!("{} = {}", name.display(), value.trim_end()));
        }
    }
}

/// Whether a rule is the observer's own: its table is the only one of that name in the family `inet`.
fn is_of_the_trace(rule: &str) -> bool {
    let object: serde_json::Value = serde_json::from_str(rule).unwrap_or_default();
    let mut inner = object.as_object().into_iter().flat_map(|map| map.values());
    inner.any(|one| {
        let named = one["table"] == "goldpath" || one["name"] == "goldpath";
        one["family"] == "inet" && named
    })
}

fn add_files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_files(&entry.path(), found);
        } else {
            found.push(entry.path().display().to_string());
        }
    }
}

fn sockets() -> Vec<String> {
    let mut found = Vec::new();
    for table in SOCKETS {
        let path = format!("/proc/thread-self/net/{table}");
        let text = fs::read_to_string(path).unwrap_or_default();
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, ..] = columns[..] else {
                continue;
            };
            if !table.starts_with("tcp") || state == LISTEN {
                found.push(format!("{table} {local}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(before: &[&str], now: &[&str]) -> Vec<String> {
        let owned = |of: &[&str]| of.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let found = differences_of(Kind::Rule, &owned(before), &owned(now));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_entries_are_counted() {
        assert_eq!(changes(&["a", "a"], &["a"]), ["- Rule a"]);
        assert_eq!(changes(&["a"], &["a", "b"]), ["+ Rule b"]);
    }

    #[test]
    fn order_of_rules_matters() {
        assert_eq!(changes(&["a", "b"], &["b", "a"]), ["~ Rule b", "~ Rule a"]);
    }
}
