//! Entries as reports show them, what makes two of them the same thing, and where their order matters.

use std::fmt;
use std::net::IpAddr;

use nix::libc::S_IFMT;

use super::entry::{
    Address, Chain, Entry, EntryKind, File, Link, PolicyRule, Rest, Route, Rule, Table,
};

/// The tables of routing that have a name (`rtnetlink.h`, `RT_TABLE_*`).
const MAIN: u32 = 254;
const LOCAL: u32 = 255;
/// Where the trace of iptables-legacy is sent to.
const TRACE_SETTING: &str = "netfilter/nf_log/2";

impl Entry {
    /// What it is about.
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Link(_) => EntryKind::Link,
            Self::Address(_) => EntryKind::Address,
            Self::Route(_) => EntryKind::Route,
            Self::PolicyRule(_) => EntryKind::PolicyRule,
            Self::Neighbour(_) => EntryKind::Neighbour,
            Self::Qdisc(_) => EntryKind::Qdisc,
            Self::Table(_) => EntryKind::Table,
            Self::Chain(_) => EntryKind::Chain,
            Self::Rule(_) => EntryKind::Rule,
            Self::Set(_) => EntryKind::Set,
            Self::Sysctl(_) => EntryKind::Sysctl,
            Self::Socket(_) => EntryKind::Socket,
            Self::File(_) => EntryKind::File,
            Self::Mount(_) => EntryKind::Mount,
            Self::Connection(_) => EntryKind::Connection,
        }
    }

    /// What makes it the same thing when its properties have changed.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Link(link) => link.name.clone(),
            Self::Address(one) => format!("{} {}", one.link, one.address),
            Self::Neighbour(one) => format!("{} {:?}", one.link, one.address),
            Self::Qdisc(one) => format!("{} {}", one.link, one.parent),
            Self::Chain(chain) => format!("{} {}", chain.table, chain.name),
            Self::Set(set) => format!("{} {} {}", set.table, set.kind, set.name),
            Self::Sysctl(setting) => setting.name.clone(),
            Self::File(file) => file.path.clone(),
            Self::Mount(mount) => mount.point.clone(),
            // Another one of these is another thing.
            Self::Route(_)
            | Self::PolicyRule(_)
            | Self::Table(_)
            | Self::Rule(_)
            | Self::Socket(_)
            | Self::Connection(_) => self.to_string(),
        }
    }

    /// Among which others its order matters; none if it does not.
    pub(super) fn order(&self) -> Option<String> {
        match self {
            Self::PolicyRule(rule) => Some(format!("policy rules {}", rule.family)),
            Self::Table(_) => Some(String::from("tables")),
            Self::Chain(chain) => Some(format!("chains of {}", chain.table)),
            Self::Rule(rule) => Some(format!("rules of {} {}", rule.table, rule.chain)),
            _ => None,
        }
    }

    /// The link that it hangs on and goes with.
    pub fn hangs_on(&self) -> Option<&str> {
        match self {
            Self::Address(one) => Some(&one.link),
            Self::Route(route) => route.link.as_deref(),
            Self::Neighbour(one) => Some(&one.link),
            Self::Qdisc(one) => Some(&one.link),
            // `ipv4/conf/eth0/forwarding`: those of `all` and `default` hang on none.
            Self::Sysctl(setting) => {
                let mut parts = setting.name.split('/').skip(1);
                let is_of_links = matches!(parts.next(), Some("conf" | "neigh"));
                let link = parts
                    .next()
                    .filter(|name| !matches!(*name, "all" | "default"));
                link.filter(|_| is_of_links)
            }
            _ => None,
        }
    }

    /// Whether it is the observer's own: its table is the only one of that name in the family `inet`, and it sets where the
    /// trace of iptables-legacy is sent to.
    pub(super) fn is_of_the_trace(&self) -> bool {
        if let Self::Sysctl(setting) = self {
            return setting.name == TRACE_SETTING;
        }
        self.table()
            .is_some_and(|table| table.family == "inet" && table.name == "goldpath")
    }

    /// The table of the firewall that it is, or is in.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Chain(chain) => Some(&chain.table),
            Self::Rule(rule) => Some(&rule.table),
            Self::Set(set) => Some(&set.table),
            _ => None,
        }
    }
}

/// Without its kind: `kept.toml` has patterns for this text.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(link) => link.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Route(route) => route.fmt(f),
            Self::PolicyRule(rule) => rule.fmt(f),
            Self::Neighbour(one) => {
                let address = one.address.map(|address| address.to_string());
                let address = address.as_deref().unwrap_or("an address of no IP");
                write!(f, "{address} on {} is {}", one.link, one.mac)
            }
            Self::Qdisc(one) => {
                let (kind, parent) = (&one.kind, &one.parent);
                write!(
                    f,
                    "{kind} at {parent} of {}{}",
                    one.link,
                    unnamed(&one.rest)
                )
            }
            Self::Table(table) => table.fmt(f),
            Self::Chain(chain) => chain.fmt(f),
            Self::Rule(rule) => rule.fmt(f),
            Self::Set(set) => write!(
                f,
                "{} {} {}: {}",
                set.table, set.kind, set.name, set.content
            ),
            Self::Sysctl(setting) => write!(f, "{} = {}", setting.name, setting.value),
            Self::Socket(socket) => match socket.address {
                IpAddr::V4(address) => write!(f, "{} {address}:{}", socket.protocol, socket.port),
                IpAddr::V6(address) => write!(f, "{} [{address}]:{}", socket.protocol, socket.port),
            },
            Self::File(file) => f.write_str(&printable(&file.path)),
            Self::Mount(mount) => write!(f, "{} ({})", printable(&mount.point), mount.kind),
            Self::Connection(connection) => f.write_str(&connection.text),
        }
    }
}

/// A path on one line, whatever is in it.
pub(super) fn printable(path: &str) -> String {
    let escaped = |c: char| -> String {
        match c.is_control() {
            true => c.escape_default().collect(),
            false => c.into(),
        }
    };
    path.chars().map(escaped).collect()
}

/// What has become of a file that was there before.
pub(super) fn what_changed(before: &File, now: &File) -> String {
    let kind_of = |file: &File| file.mode & S_IFMT;
    if kind_of(before) != kind_of(now) {
        return String::from("another kind of file");
    }
    let permissions = |file: &File| file.mode & !S_IFMT;
    let mut words = Vec::new();
    if before.length != now.length {
        words.push(format!("{} bytes, was {}", now.length, before.length));
    }
    if permissions(before) != permissions(now) {
        words.push(format!(
            "mode {:o}, was {:o}",
            permissions(now),
            permissions(before)
        ));
    }
    if before.owner != now.owner {
        let words_of = |(user, group): (u32, u32)| format!("{user}:{group}");
        words.push(format!(
            "owner {}, was {}",
            words_of(now.owner),
            words_of(before.owner)
        ));
    }
    if words.is_empty() {
        words.push(String::from("other content"));
    }
    words.join("; ")
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend((!self.kind.is_empty()).then(|| self.kind.clone()));
        words.extend(self.flags.iter().map(|flag| (*flag).to_owned()));
        words.extend(self.master.iter().map(|master| format!("port of {master}")));
        words.push(format!("mtu {}", self.mtu));
        words.extend((self.group != 0).then(|| format!("group {}", self.group)));
        words.push(format!("queue {}", self.queue));
        words.extend((!self.mac.is_empty()).then(|| self.mac.clone()));
        words.extend(self.alias.iter().map(|alias| format!("alias {alias}")));
        words.extend(self.other_names.iter().map(|name| format!("also {name}")));
        words.push(format!("index {}", self.index));
        if let (Some(index), namespace) = self.peer {
            let elsewhere = namespace.map(|number| format!(" of namespace {number}"));
            let elsewhere = elsewhere.unwrap_or_default();
            words.push(format!("on index {index}{elsewhere}"));
        }
        write!(f, "{}: {}", self.name, words.join(", "))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            link,
            address,
            prefix,
            rest,
        } = self;
        write!(f, "{address}/{prefix} on {link}{}", unnamed(rest))
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "{} {to}/{}", self.kind, self.prefix)?,
            None => write!(f, "{} default of {}", self.kind, self.family)?,
        }
        if let Some(via) = self.via {
            write!(f, " via {via}")?;
        }
        if let Some(link) = &self.link {
            write!(f, " on {link}")?;
        }
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        match self.table {
            MAIN => {}
            LOCAL => f.write_str(" in table local")?,
            other => write!(f, " in table {other}")?,
        }
        if self.metric != 0 {
            write!(f, " metric {}", self.metric)?;
        }
        if self.by_kernel {
            f.write_str(", by the kernel")?;
        }
        f.write_str(&unnamed(&self.rest))
    }
}

impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:", self.family, self.priority)?;
        for word in &self.matches {
            write!(f, " {word}")?;
        }
        write!(f, " {}{}", self.action, unnamed(&self.rest))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.name)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.name)?;
        match &self.base {
            Some(base) if base.hook.is_empty() => write!(f, ": policy {}", base.policy),
            Some(base) => write!(f, ": {}, policy {}", base.hook, base.policy),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.table, self.chain, self.text)
    }
}

/// What the kernel says and has no word here: ` attribute 8 = 0a0b`.
fn unnamed(rest: &Rest) -> String {
    let word = |(number, bytes): &(u16, Vec<u8>)| {
        let bytes: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(", attribute {number} = {bytes}")
    };
    rest.iter().map(word).collect()
}
