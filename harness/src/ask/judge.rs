//! A row of the table held against what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::change::{Field, announced, changed};
use super::ending::{Ending, arrivals};
use super::numbers::payload;
use super::seen::{Heard, Leg, Seen};
use crate::intent::{Answer, Ask, Question, Refuser, Routing, Row, Sees, Size};
use crate::packet::Checksums;

/// Who is who in the lab, as the judgement needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ground {
    /// Addresses of the host.
    pub hosts: BTreeSet<IpAddr>,
    /// Containers with a namespace of their own.
    pub containers: BTreeSet<String>,
    /// Names of nodes that share another one's namespace, with that one.
    pub aliases: BTreeMap<String, String>,
    /// The node that has an address, other than the host.
    pub owners: BTreeMap<IpAddr, String>,
    /// Containers that know, or have known at an earlier table, a gateway by a hardware address that is not its own.
    pub misled: BTreeSet<String>,
    /// Containers whose announcement nobody heard when they came ([`crate::lab::Lab::is_unheard`]).
    pub unheard: BTreeSet<String>,
    /// The smallest MTU of all networks and links, in bytes.
    pub smallest_mtu: u16,
}

/// A row that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerDifference {
    /// The row.
    pub row: Row,
    /// How it ended.
    pub ending: Ending,
    /// What is wrong, never empty.
    pub wrong: Vec<Wrong>,
}

/// One thing that is not as the row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It ended otherwise.
    Ending,
    /// A node has not got the request that every one of its kind must get.
    Missed(String),
    /// A node got the request that must not get it.
    Reached(String),
    /// Services got it this often, and must get it once.
    Copies(usize),
    /// The asking node got this many answers, and must get one.
    Answers(usize),
    /// A service got so many bytes of it.
    Cut(usize),
    /// The service saw this address.
    Saw(IpAddr),
    /// The request arrived with this TTL.
    Ttl {
        /// What arrived.
        is: u8,
        /// What must.
        must: u8,
    },
    /// The answer came with this TTL.
    ReplyTtl {
        /// What came.
        is: u8,
        /// What must.
        must: u8,
    },
    /// This container has said that it takes segments of no more than so many bytes, though each link carries more.
    Announced {
        /// The container.
        node: String,
        /// What it has said.
        bytes: u16,
    },
    /// A container that the answer is not for got a frame of it.
    Overheard(String),
    /// A packet came in at this node with a wrong checksum.
    Checksum(String),
    /// A packet came in at this node with something else than its sender wrote, which no router may change.
    Changed(String, Field),
    /// What this node sent first in an open flow has not come.
    Unheard(String),
    /// The lab's router saw this address of it.
    Left(IpAddr),
    /// It left from this number, which the host publishes.
    Shadows(u16),
    /// It came from another port than it was sent from, though no container has sent it.
    SourcePort {
        /// The port.
        is: u16,
        /// The port that it was sent from.
        must: u16,
    },
    /// The refusal came from this address.
    RefusedFrom(IpAddr),
}

impl Ground {
    fn node<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, String::as_str)
    }
}

impl AnswerDifference {
    /// What two questions have in common that differ in one way: the words of the ending without names and addresses.
    pub fn kind(&self) -> String {
        let ending = std::mem::discriminant(&self.ending);
        let wrong: Vec<_> = self.wrong.iter().map(std::mem::discriminant).collect();
        format!("{ending:?} {wrong:?}")
    }
}

/// What is not as the row says; none if all is.
pub fn judge(row: &Row, seen: &Seen, ground: &Ground) -> Option<AnswerDifference> {
    let ending = Ending::of(seen);
    let wrong = match &row.answer {
        Answer::Answered { by, sees, routers } => {
            let by = ground.node(by);
            match &ending {
                Ending::Answered { by: nodes, .. } if nodes.iter().any(|node| node == by) => {
                    answered(row, seen, by, (sees, *routers), ground)
                }
                _ => {
                    let unheard = unheard(seen, by).into_iter();
                    std::iter::once(Wrong::Ending).chain(unheard).collect()
                }
            }
        }
        Answer::Refused { by } => refused(row, seen, &ending, by, ground),
        Answer::Unreachable => match &ending {
            Ending::Unreachable(_) => reached(seen, ground, None),
            _ => vec![Wrong::Ending],
        },
        Answer::TooLarge { mtu } => match &ending {
            Ending::TooLarge { mtu: told } if told.is_none_or(|told| told == *mtu) => {
                reached(seen, ground, None)
            }
            _ => vec![Wrong::Ending],
        },
        Answer::Blocked => {
            let served = !seen.got.is_empty();
            let got = matches!(ending, Ending::Answered { .. } | Ending::Unanswered { .. });
            let mut wrong = reached(seen, ground, Some(row.question.to.address));
            if served || got {
                wrong.insert(0, Wrong::Ending);
            }
            wrong
        }
        Answer::NoAnswer => match &ending {
            Ending::Answered { .. } | Ending::Refused { .. } => vec![Wrong::Ending],
            // A datagram is served without an answer that arrives; a connection is not.
            _ if matches!(row.question.ask, Ask::Tcp(_)) && !seen.got.is_empty() => {
                vec![Wrong::Ending]
            }
            _ => Vec::new(),
        },
        Answer::NoContainer => reached(seen, ground, None),
        Answer::Spread { to } => spread(seen, to, ground),
        Answer::Unspecified { .. } => Vec::new(),
    };
    (!wrong.is_empty()).then(|| AnswerDifference {
        row: row.clone(),
        ending,
        wrong,
    })
}

fn answered(
    row: &Row,
    seen: &Seen,
    by: &str,
    (sees, routers): (&Sees, Option<u8>),
    ground: &Ground,
) -> Vec<Wrong> {
    let whole = payload(&row.question);
    let mut got = seen.got.iter().map(|one| one.bytes);
    let cut = got.find(|bytes| *bytes != whole).map(Wrong::Cut);
    let mut wrong: Vec<Wrong> = unheard(seen, by).into_iter().chain(cut).collect();
    if seen.got.len() > 1 {
        wrong.push(Wrong::Copies(seen.got.len()));
    }
    let answers = seen
        .heard
        .iter()
        .filter(|one| matches!(one, Heard::Answer(_)));
    let answers = answers.count();
    if answers > 1 {
        wrong.push(Wrong::Answers(answers));
    }
    let arrived = arrivals(seen, by).last();
    let peer = seen.got.first().map(|one| one.peer.ip());
    if let Some(peer) = peer.or(arrived.map(|sight| sight.source))
        && !fits(sees, peer, ground)
    {
        wrong.push(Wrong::Saw(peer));
    }
    if let Ask::FromPublished(_, published) = row.question.ask {
        let peers = seen.got.iter().map(|one| one.peer.port());
        let hides = ground.containers.contains(&*row.question.from.0);
        wrong.extend(peers.filter_map(|is| from_published(is, published, hides)));
    }
    if let Some(routers) = routers {
        let must = left_by(seen, Leg::Request, &seen.from).map(|sent| sent.saturating_sub(routers));
        if let (Some(arrived), Some(must)) = (arrived, must)
            && arrived.ttl != must
        {
            let is = arrived.ttl;
            wrong.push(Wrong::Ttl { is, must });
        }
        if comes_back_that_way(&row.question) {
            wrong.extend(reply_ttl(seen, by, routers));
        }
    }
    if let Sees::Behind(_, left) = sees
        && let Some(at_router) = arrivals(seen, ROUTER).next()
        && at_router.source != *left
    {
        wrong.push(Wrong::Left(at_router.source));
    }
    wrong.extend(summed_wrong(seen, by));
    wrong.extend(overheard(seen, by, ground));
    if row.question.size == Size::Small {
        let by_proxy = routers.is_none();
        let ends = [
            (Leg::Request, &*seen.from, by),
            (Leg::Reply, by, &*seen.from),
        ];
        wrong.extend(ends.into_iter().filter_map(|(leg, from, to)| {
            changed(seen, leg, (from, to), by_proxy, ground.smallest_mtu)
        }));
        wrong.extend(announced(seen, ground));
    }
    wrong
}

/// What is wrong about the source port of what was sent from a published number: a container, which the host hides, gets another;
/// everybody else keeps it.
fn from_published(is: u16, published: u16, hides: bool) -> Option<Wrong> {
    if hides {
        return (is == published).then_some(Wrong::Shadows(published));
    }
    let must = published;
    (is != published).then_some(Wrong::SourcePort { is, must })
}

/// That the node which answered an open flow has sent by itself, in vain.
fn unheard(seen: &Seen, by: &str) -> Option<Wrong> {
    (seen.spoken_to == Some(false)).then(|| Wrong::Unheard(by.to_owned()))
}

/// The TTL with which a node has sent its own packet of a leg.
fn left_by(seen: &Seen, leg: Leg, node: &str) -> Option<u8> {
    let mut sights = seen.sights.iter();
    let own = sights.find(|sight| sight.leg == leg && sight.outgoing && *sight.node == *node)?;
    Some(own.ttl)
}

/// Whether the answer passes the routers that the request passed: what lan sends to outside through the host comes back past it.
fn comes_back_that_way(question: &Question) -> bool {
    let to_outside = question.to.role.starts_with("outside");
    question.way == Routing::OwnRoutes || question.from.0 != "lan" || !to_outside
}

/// That the answer came with another TTL than the one with which it was sent, less the routers.
fn reply_ttl(seen: &Seen, by: &str, routers: u8) -> Option<Wrong> {
    let must = left_by(seen, Leg::Reply, by)?.saturating_sub(routers);
    let mut came = seen.sights.iter();
    let came =
        came.find(|sight| sight.leg == Leg::Reply && sight.arrives() && *sight.node == *seen.from)?;
    (came.ttl != must).then_some(Wrong::ReplyTtl { is: came.ttl, must })
}

/// The lab's router behind which `outside` is.
const ROUTER: &str = "gateway";
/// A container to whose port a bridge has sent an answer that is another's: it has just heard where that one is.
fn overheard(seen: &Seen, by: &str, ground: &Ground) -> Option<Wrong> {
    let others = seen.sights.iter().find(|sight| {
        let third = *sight.node != *by && *sight.node != *seen.from;
        third
            && sight.for_another
            && sight.leg == Leg::Reply
            && ground.containers.contains(&*sight.node)
    })?;
    Some(Wrong::Overheard(others.node.to_string()))
}

/// Ends of the way at which a packet came in with a wrong checksum.
fn summed_wrong(seen: &Seen, by: &str) -> Option<Wrong> {
    let bad = seen.sights.iter().find(|sight| {
        let at_end = *sight.node == *by || *sight.node == *seen.from;
        at_end && sight.arrives() && sight.checksums == Checksums::Wrong
    })?;
    Some(Wrong::Checksum(bad.node.to_string()))
}

fn fits(sees: &Sees, peer: IpAddr, ground: &Ground) -> bool {
    let hosts = || peer.is_loopback() || ground.hosts.contains(&peer);
    match sees {
        Sees::Own(own) => peer == *own,
        Sees::Exactly(address) | Sees::Behind(address, _) => peer == *address,
        Sees::Hosts => hosts(),
        Sees::OwnOrHosts => hosts() || ground.owners.contains_key(&peer),
        Sees::Anything => true,
    }
}

fn refused(row: &Row, seen: &Seen, ending: &Ending, by: &Refuser, ground: &Ground) -> Vec<Wrong> {
    let (Refuser::Node(name) | Refuser::Published(name)) = by;
    let Ending::Refused { by: node } = ending else {
        return vec![Wrong::Ending];
    };
    if node
        .as_deref()
        .is_some_and(|node| node != ground.node(name))
    {
        return vec![Wrong::Ending];
    }
    let from = seen
        .sights
        .iter()
        .find(|sight| sight.leg.refuses() && sight.arrives() && *sight.node == *seen.from);
    let from = from.map(|sight| sight.source);
    let mut wrong: Vec<Wrong> = from
        // To the host it comes as the container sent it, and is translated behind the capture.
        .filter(|from| *from != row.question.to.address && seen.from != "host")
        .map(Wrong::RefusedFrom)
        .into_iter()
        .collect();
    wrong.extend(summed_wrong(seen, ground.node(name)));
    wrong
}

/// Containers that got the request, and the node of `address` if it got it.
fn reached(seen: &Seen, ground: &Ground, address: Option<IpAddr>) -> Vec<Wrong> {
    let destination = address.and_then(|address| ground.owners.get(&address));
    let mut nodes: Vec<&str> = seen
        .sights
        .iter()
        .filter(|sight| sight.leg == Leg::Request && sight.arrives())
        .map(|sight| &*sight.node)
        .chain(seen.got.iter().map(|one| one.node.as_str()))
        .filter(|node| *node != seen.from)
        .filter(|node| {
            ground.containers.contains(*node) || destination.is_some_and(|one| one == node)
        })
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
        .into_iter()
        .map(|node| Wrong::Reached(node.to_owned()))
        .collect()
}

/// Nodes that must get it and have not, and containers that got it and must not.
fn spread(seen: &Seen, to: &[String], ground: &Ground) -> Vec<Wrong> {
    let must: BTreeSet<&str> = to.iter().map(|node| ground.node(node)).collect();
    let mut got: BTreeSet<String> = BTreeSet::new();
    let mut wrong = reached(seen, ground, None);
    wrong.retain(|one| match one {
        Wrong::Reached(node) if must.contains(node.as_str()) => {
            got.insert(node.clone());
            false
        }
        _ => true,
    });
    let missed = must.into_iter().filter(|node| !got.contains(*node));
    wrong.extend(missed.map(|node| Wrong::Missed(node.to_owned())));
    wrong
}
