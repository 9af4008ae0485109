//! One thing that a host holds, in words of this project's own: no other library's, which may change with its version.

use std::net::IpAddr;

use serde::Deserialize;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EntryKind {
    /// A link with its type, master, MTU and flags.
    Link,
    /// An address on a link.
    Address,
    /// A route of any table.
    Route,
    /// A rule of policy routing; order matters.
    PolicyRule,
    /// A neighbour that somebody set.
    Neighbour,
    /// A queueing discipline of a link.
    Qdisc,
    /// A table of the firewall.
    Table,
    /// A chain of the firewall; order matters.
    Chain,
    /// A rule of the firewall; order matters.
    Rule,
    /// A set, a map or another object of the firewall.
    Set,
    /// A file below `/proc/sys/net`.
    Sysctl,
    /// A listening or raw socket.
    Socket,
    /// A file that an implementation could have written, or an empty folder.
    File,
    /// A file system, or a file of one, that is mounted.
    Mount,
    /// A UDP connection whose packets conntrack gives another destination.
    Connection,
}

impl EntryKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Link,
        Self::Address,
        Self::Route,
        Self::PolicyRule,
        Self::Neighbour,
        Self::Qdisc,
        Self::Table,
        Self::Chain,
        Self::Rule,
        Self::Set,
        Self::Sysctl,
        Self::Socket,
        Self::File,
        Self::Mount,
        Self::Connection,
    ];

    /// Its word in reports and in `kept.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Address => "address",
            Self::Route => "route",
            Self::PolicyRule => "policy-rule",
            Self::Neighbour => "neighbour",
            Self::Qdisc => "qdisc",
            Self::Table => "table",
            Self::Chain => "chain",
            Self::Rule => "rule",
            Self::Set => "set",
            Self::Sysctl => "sysctl",
            Self::Socket => "socket",
            Self::File => "file",
            Self::Mount => "mount",
            Self::Connection => "connection",
        }
    }
}

/// What the kernel says of an object and has no word here: the number of each attribute, and its bytes.
pub type Rest = Vec<(u16, Vec<u8>)>;

/// One thing that a host holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's type says what it is")]
pub enum Entry {
    Link(Link),
    Address(Address),
    Route(Route),
    PolicyRule(PolicyRule),
    Neighbour(Neighbour),
    Qdisc(Qdisc),
    Table(Table),
    Chain(Chain),
    Rule(Rule),
    Set(Set),
    Sysctl(Sysctl),
    Socket(Socket),
    File(File),
    Mount(Mount),
    Connection(Connection),
}

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its index: a link that was made anew has another one.
    pub index: u32,
    /// `bridge`, `veth` and so on; empty for a physical one and `lo`.
    pub kind: String,
    /// The bridge or bond that it is a port of.
    pub master: Option<String>,
    /// In bytes.
    pub mtu: u32,
    /// Hardware address.
    pub mac: String,
    /// What somebody set: `up`, `promisc`, `allmulti`, `noarp`.
    pub flags: Vec<&'static str>,
    /// The group that it is in; 0 is that of all.
    pub group: u32,
    /// Packets that may wait in its queue.
    pub queue: u32,
    /// A person's text.
    pub alias: Option<String>,
    /// Its other names.
    pub other_names: Vec<String>,
    /// The index of its other end or of what it is on top of, and the namespace's number of that.
    pub peer: (Option<u32>, Option<i32>),
}

/// An address on a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The link's name.
    pub link: String,
    /// The address.
    pub address: IpAddr,
    /// Bits of the prefix.
    pub prefix: u8,
    /// What else the kernel says of it.
    pub rest: Rest,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The destination's address; none for the default route.
    pub to: Option<IpAddr>,
    /// Bits of the destination's prefix.
    pub prefix: u8,
    /// `IPv4`, `IPv6`, or the kernel's number of another family.
    pub family: String,
    /// `unicast`, `local`, `blackhole` and so on.
    pub kind: &'static str,
    /// The next hop.
    pub via: Option<IpAddr>,
    /// The link's name.
    pub link: Option<String>,
    /// The source address that it prefers.
    pub source: Option<IpAddr>,
    /// The table's number; 254 is `main`, 255 `local`.
    pub table: u32,
    /// The lower, the better.
    pub metric: u32,
    /// Whether the kernel made it, for an address of the link.
    pub by_kernel: bool,
    /// What else the kernel says of it.
    pub rest: Rest,
}

/// A rule of policy routing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyRule {
    /// `IPv4`, `IPv6`, or the kernel's number of another family.
    pub family: String,
    /// The lower, the earlier.
    pub priority: u32,
    /// What it matches, as `from 10.0.0.0/8`.
    pub matches: Vec<String>,
    /// What it does, as `lookup 254`.
    pub action: String,
    /// What else the kernel says of it.
    pub rest: Rest,
}

/// A neighbour that somebody set: a permanent entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Neighbour {
    /// The link's name.
    pub link: String,
    /// The address, as far as it is one of IP.
    pub address: Option<IpAddr>,
    /// Its hardware address.
    pub mac: String,
}

/// A queueing discipline of a link (tc(8)): what waits, in which order, and what is dropped or changed instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Qdisc {
    /// The link's name.
    pub link: String,
    /// `fq_codel`, `tbf`, `clsact` and so on.
    pub kind: String,
    /// `root`, `ingress`, or the class that it is below.
    pub parent: String,
    /// What else the kernel says of it.
    pub rest: Rest,
}

/// A table of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`; `legacy ip` and `legacy ip6` for those of iptables-legacy.
    pub family: String,
    /// Its name.
    pub name: String,
}

/// A chain of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain {
    /// Its table.
    pub table: Table,
    /// Its name.
    pub name: String,
    /// Where it is hooked to; none for one that only rules jump to.
    pub base: Option<Base>,
}

/// Where a base chain is hooked to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Base {
    /// `filter hook forward priority 0`; of iptables-legacy nothing, its chains have names that say it.
    pub hook: String,
    /// `accept` or `drop`.
    pub policy: String,
}

/// A rule of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Its chain's table.
    pub table: Table,
    /// Its chain's name.
    pub chain: String,
    /// As `iptables-save` writes it where iptables made it, else as `nft` does.
    pub text: String,
    /// The chain that it jumps or goes to.
    pub target: Option<String>,
}

/// A set, a map, a flow table or another object of nf_tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Set {
    /// Its table.
    pub table: Table,
    /// `set`, `map` and so on.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub content: String,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sysctl {
    /// Its path below `/proc/sys/net`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A listening or raw socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Socket {
    /// `tcp`, `udp6` and so on.
    pub protocol: &'static str,
    /// Where it is bound to.
    pub address: IpAddr,
    /// Its port; the protocol's number of a raw socket.
    pub port: u16,
}

/// A file, or an empty folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Its path; an empty folder's ends with `/`.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// When its content or its attributes changed last, in seconds and nanoseconds since 1970.
    pub written: (i64, i64),
    /// Its type and permissions, as stat(2) has them.
    pub mode: u32,
    /// The numbers of its user and of its group.
    pub owner: (u32, u32),
}

/// A mount, as the programs of the host see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    /// Where it is.
    pub point: String,
    /// The type of its file system: `tmpfs`, `nsfs` of a namespace that is held, and so on.
    pub kind: String,
}

/// A UDP connection whose packets conntrack gives another destination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// Its ends, and where it leads.
    pub text: String,
}
