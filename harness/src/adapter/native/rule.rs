//! A rule as a value, and as `nft` reads it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::adapter::PublishedPort;
use crate::address::Family;
use crate::case::Protocol;

/// One rule: what it matches, what it does, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) about: About,
    pub(super) matches: Vec<Match>,
    pub(super) action: Action,
}

/// Which behaviour a rule makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// 127.0.0.0/8 is not reached from the wire.
    Loopback,
    /// A published port leads to its container.
    Publish(Published),
    /// An internal network, by name, has no way in and out.
    Internal(String),
    /// An internal network, by name, knows only its own gateway of the host.
    InternalHost(String),
    /// What belongs to a connection passes.
    Established,
    /// NAT does not touch what belongs to no connection: it would leave with its private source (moby/moby#18630).
    Invalid,
    /// Two networks, by name, are isolated from each other.
    Isolation { from: String, to: String },
    /// What is not published cannot be reached by a route through the host.
    Unpublished(String),
    /// A reply has to come back through the host, or the asking container would not know its sender.
    Hairpin(String),
    /// A container of this network answers what the host sent from 127.0.0.1.
    LoopbackAnswer(String),
    /// A masqueraded connection from a published port's number would have that port of the host, and whoever it was opened
    /// to would reach its container there (CVE-2021-3773).
    SourcePort { network: String, way: Published },
    /// A network, by name, leaves with the host's address.
    Masquerade(String),
    /// One rule too many.
    Fault,
}

/// A published port of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) container: String,
    pub(super) network: String,
    pub(super) port: PublishedPort,
}

/// What a packet must be. The words are nft(8)'s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Match {
    /// `iifname`.
    In(Is, String),
    /// `oifname`.
    Out(Is, String),
    /// `ip saddr`: an address or a prefix.
    Source(Is, String),
    /// `ip daddr`: an address or a prefix.
    Destination(Is, String),
    /// The destination is an address of the host.
    Local,
    /// Destination ports, the last included.
    To(Protocol, u16, u16),
    /// A source port.
    From(Protocol, u16),
    /// `meta l4proto`.
    Protocol(Is, &'static str),
    /// Whether the connection's destination was translated.
    Translated(bool),
    /// `ct state`.
    State(&'static str),
    /// Anything else, as written.
    Other(String),
}

/// Whether a match is turned round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    Equal,
    Not,
}

/// What becomes of the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Accept,
    Drop,
    Masquerade,
    /// Masquerade with a source port of this range.
    MasqueradeTo(&'static str),
    /// The source becomes this address.
    Source(String),
    /// The destination becomes this address and port.
    Destination(IpAddr, u16),
    /// Anything else, as written.
    Other(String),
}

impl Rule {
    pub(super) fn new(
        about: About,
        matches: impl IntoIterator<Item = Match>,
        action: Action,
    ) -> Self {
        Self {
            about,
            matches: matches.into_iter().collect(),
            action,
        }
    }

    /// A rule in nft's words.
    pub(super) fn written(about: About, text: impl Into<String>) -> Self {
        Self::new(about, [], Action::Other(text.into()))
    }

    /// The family of the addresses that it matches, if it matches any.
    pub(super) fn family(&self) -> Option<Family> {
        self.matches.iter().find_map(|one| match one {
            Match::Source(_, of) | Match::Destination(_, of) => Some(family(of)),
            _ => None,
        })
    }

    /// The published port that it is about, if there is one.
    pub(super) fn way(&self) -> Option<&Published> {
        match &self.about {
            About::Publish(way) | About::SourcePort { way, .. } => Some(way),
            _ => None,
        }
    }
}

/// The family of an address, or of a prefix, in a rule.
fn family(of: &str) -> Family {
    if of.contains(':') {
        Family::Ipv6
    } else {
        Family::Ipv4
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.matches {
            write!(f, "{one} ")?;
        }
        write!(f, "{}", self.action)
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(is, name) => write!(f, "iifname {is}\"{name}\""),
            Self::Out(is, name) => write!(f, "oifname {is}\"{name}\""),
            Self::Source(is, of) => write!(f, "{} saddr {is}{of}", family(of).nft()),
            Self::Destination(is, of) => write!(f, "{} daddr {is}{of}", family(of).nft()),
            Self::Local => f.write_str("fib daddr type local"),
            Self::To(protocol, from, to) if from == to => write!(f, "{protocol} dport {from}"),
            Self::To(protocol, from, to) => write!(f, "{protocol} dport {from}-{to}"),
            Self::From(protocol, port) => write!(f, "{protocol} sport {port}"),
            Self::Protocol(is, name) => write!(f, "meta l4proto {is}{name}"),
            Self::Translated(true) => f.write_str("ct status dnat"),
            Self::Translated(false) => f.write_str("ct status & dnat == 0"),
            Self::State(state) => write!(f, "ct state {state}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "",
            Self::Not => "!= ",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Drop => f.write_str("drop"),
            Self::Masquerade => f.write_str("masquerade"),
            Self::MasqueradeTo(ports) => write!(f, "masquerade to :{ports}"),
            Self::Source(address) => write!(f, "snat to {address}"),
            Self::Destination(address, port) => {
                write!(f, "dnat to {}", SocketAddr::new(*address, *port))
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}
