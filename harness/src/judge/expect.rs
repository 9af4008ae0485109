//! A case's expectations held against the path that was seen.

use std::net::IpAddr;

use super::Known;
use crate::case::{Chain, Endpoint, Exchange, Expect, FateWord, Sighting};
use crate::finding::{Ending, Wanted, What};
use crate::packet::{Headers, IcmpError};
use crate::path::{Answer, Direction, Fate, Hop, LegKind, PacketPath, Step};

/// Every expectation of the step that does not hold.
pub(super) fn judge(
    exchange: &Exchange,
    path: &PacketPath,
    answer: Option<&Answer>,
    known: &Known,
) -> Vec<What> {
    let from = exchange.probe.from.as_str();
    let mut wrong = judge_fate(&exchange.expect, path, from, answer, known);
    for sighting in &exchange.seen {
        if !path_hops(path, sighting).any(|hop| fits(hop, sighting, known)) {
            wrong.push(What::Unseen {
                at: sighting.at.to_string(),
                wanted: wanted(sighting),
                seen: path_hops(path, sighting).cloned().collect(),
            });
        }
    }
    for sighting in &exchange.unseen {
        if let Some(hop) = path_hops(path, sighting).find(|hop| fits(hop, sighting, known)) {
            wrong.push(What::Seen {
                at: sighting.at.to_string(),
                unwanted: wanted(sighting),
                seen: Box::new(hop.clone()),
            });
        }
    }
    for chain in &exchange.meets {
        if !speaks(path, chain) {
            wrong.push(What::Silent {
                chain: chain.to_string(),
            });
        }
    }
    for chain in &exchange.avoids {
        if speaks(path, chain) {
            wrong.push(What::Spoke {
                chain: chain.to_string(),
            });
        }
    }
    if exchange.expect.fate == FateWord::Blocked {
        wrong.extend(judge_blocked(exchange, path, known));
    }
    wrong
}

/// What the path lacks between two of its hops, if anything.
pub(super) fn gap(path: &PacketPath) -> Option<What> {
    let mut steps = path.legs.iter().flat_map(|leg| &leg.steps);
    steps.find_map(|step| match step {
        Step::Missing {
            node, interface, ..
        } => Some(What::Gap {
            node: node.clone(),
            interface: interface.clone(),
        }),
        _ => None,
    })
}

/// A place where one packet was seen twice in the same shape, if there is one. Of a path without a proven end nothing is
/// said: a SYN that nobody answers is sent again.
pub(super) fn doubled(path: &PacketPath) -> Option<What> {
    if !path.is_settled() {
        return None;
    }
    path.legs.iter().find_map(|leg| {
        let hops: Vec<&Hop> = path.hops(leg.kind).collect();
        let (first, _) = hops
            .iter()
            .enumerate()
            .find(|(at, hop)| hops[at + 1..].contains(hop))?;
        let Hop {
            node, interface, ..
        } = hops[first];
        Some(What::Doubled {
            node: node.clone(),
            interface: interface.clone(),
            leg: leg.kind,
        })
    })
}

/// Whatever an implementation does to keep a packet away, nobody may get it who must not.
fn judge_blocked(exchange: &Exchange, path: &PacketPath, known: &Known) -> Vec<What> {
    let mut wrong = Vec::new();
    if path.fate == Fate::Answered {
        wrong.push(What::Fate {
            expected: FateWord::Blocked.to_string(),
            seen: ending(path, exchange.probe.from.as_str()),
        });
    }
    let mut reached: Vec<&str> = path
        .hops(LegKind::Request)
        .filter(|hop| hop.direction == Direction::In && hop.node != exchange.probe.from.as_str())
        .filter(|hop| known.kept_out.contains(&hop.node))
        .map(|hop| hop.node.as_str())
        .collect();
    reached.dedup();
    wrong.extend(reached.into_iter().map(|node| What::Reached {
        node: node.to_owned(),
    }));
    wrong
}

fn judge_fate(
    expect: &Expect,
    path: &PacketPath,
    from: &str,
    answer: Option<&Answer>,
    known: &Known,
) -> Vec<What> {
    let mut wrong = Vec::new();
    if expect.fate == FateWord::Blocked {
        return wrong;
    }
    let seen = || ending(path, from);
    if word(&path.fate) != expect.fate {
        let expected = expect.fate.to_string();
        return vec![What::Fate {
            expected,
            seen: seen(),
        }];
    }
    if let Some(at) = &expect.at {
        let place = match &path.fate {
            Fate::Dropped { node, place, .. } => (node.as_str(), place.as_str()),
            Fate::Lost { after, .. } => after.split_once(':').unwrap_or((after, "")),
            _ => ("", ""),
        };
        if place != (at.node.as_str(), at.place.as_str()) {
            wrong.push(What::Place {
                expected: format!("{} {}", at.node, at.place),
                seen: seen(),
            });
        }
    }
    if let Some(leg) = expect.leg {
        let ended = match &path.fate {
            Fate::Dropped { leg, .. } | Fate::Lost { leg, .. } => Some(*leg),
            _ => None,
        };
        if ended != Some(leg.into()) {
            wrong.push(What::Leg {
                expected: leg.into(),
                seen: seen(),
            });
        }
    }
    if let Some(reason) = &expect.reason {
        let told = match &path.fate {
            Fate::Unreachable { reason } => reason,
            Fate::Rejected { by } => by,
            _ => "",
        };
        if told != reason {
            wrong.push(What::Reason {
                expected: reason.clone(),
                seen: seen(),
            });
        }
    }
    if let Some(ttl) = expect.ttl {
        let arrived = path.hops(LegKind::Reply).last().map(|hop| hop.headers.ttl);
        if arrived != Some(ttl) {
            wrong.push(What::Ttl {
                expected: ttl,
                seen: arrived,
            });
        }
    }
    if let Some(peer) = &expect.peer {
        let client = match answer {
            Some(Answer::Reply { peer_seen, .. }) => peer_seen.clone(),
            _ => None,
        };
        let address = client.as_deref().and_then(|seen| {
            let (address, _) = seen.rsplit_once(':')?;
            address.trim_matches(['[', ']']).parse().ok()
        });
        if address.is_none() || address != known.resolve(peer) {
            wrong.push(What::Peer {
                expected: peer.to_string(),
                seen: client,
            });
        }
    }
    wrong
}

/// How a path ended, and whose word it is: an errno comes from the probing node itself.
fn ending(path: &PacketPath, from: &str) -> Ending {
    let fate = path.fate.clone();
    let errno = match &fate {
        Fate::Unreachable { reason } | Fate::Rejected { by: reason } => Some(reason.as_str()),
        _ => None,
    };
    // ICMP errors have names in small letters.
    let is_errno =
        |name: &&str| name.starts_with('E') && name.bytes().all(|b| b.is_ascii_uppercase());
    let errno = errno.filter(is_errno);
    // An error that nobody saw before it came in has an unknown sender.
    let error = path.hops(LegKind::Error).next();
    let error = error.filter(|hop| errno.is_none() && hop.direction == Direction::Out);
    let told_by = error.map(|hop| hop.node.clone());
    let no_neighbour = match errno {
        Some(errno) => errno == "EHOSTUNREACH",
        None => {
            told_by.as_deref() == Some(from)
                && matches!(&fate, Fate::Unreachable { reason } if *reason == IcmpError::HostUnreachable.to_string())
        }
    };
    // The route that it took the packet for: `8.8.8.8 via 10.55.66.1 dev eth0`.
    let route = path.lookups.iter().find(|lookup| lookup.table == "route");
    let mut words = route
        .into_iter()
        .flat_map(|route| route.answer.split(' '))
        .skip_while(|word| *word != "via");
    let next = words.nth(1).filter(|_| no_neighbour);
    Ending {
        silent: next.map(str::to_owned),
        said_by: errno.map(|_| from.to_owned()),
        told_by,
        fate,
    }
}

/// The case file's word for a fate.
fn word(fate: &Fate) -> FateWord {
    match fate {
        Fate::Answered => FateWord::Answered,
        Fate::Rejected { .. } => FateWord::Rejected,
        Fate::Unreachable { .. } => FateWord::Unreachable,
        Fate::Dropped { .. } => FateWord::Dropped,
        Fate::Lost { .. } => FateWord::Lost,
    }
}

fn path_hops<'a>(path: &'a PacketPath, sighting: &'a Sighting) -> impl Iterator<Item = &'a Hop> {
    let wanted: Option<LegKind> = sighting.leg.map(Into::into);
    path.legs
        .iter()
        .filter(move |leg| wanted.is_none_or(|kind| kind == leg.kind))
        .flat_map(|leg| &leg.steps)
        .filter_map(|step| match step {
            Step::Hop(hop) => Some(hop),
            _ => None,
        })
        .chain(
            path.fragments
                .iter()
                .filter(move |later| wanted.is_none_or(|kind| kind == later.leg))
                .map(|later| &later.hop),
        )
        .filter(|hop| {
            hop.node == sighting.at.node.as_str()
                && sighting
                    .at
                    .interface
                    .as_ref()
                    .is_none_or(|name| *name == hop.interface)
        })
}

fn fits(hop: &Hop, sighting: &Sighting, known: &Known) -> bool {
    let address = |wanted: &Option<Endpoint>, is: IpAddr| {
        wanted
            .as_ref()
            .is_none_or(|endpoint| known.resolve(endpoint) == Some(is))
    };
    let quoted = |wanted: &Option<Endpoint>, end: fn(&Headers) -> IpAddr| match hop.headers.quoted()
    {
        Some(packet) => address(wanted, end(packet)),
        None => wanted.is_none(),
    };
    address(&sighting.source, hop.headers.source)
        && address(&sighting.destination, hop.headers.destination)
        && sighting.ttl.is_none_or(|ttl| ttl == hop.headers.ttl)
        && sighting
            .source_port
            .is_none_or(|port| hop.headers.source_port() == Some(port))
        && sighting.tos.is_none_or(|tos| tos == hop.headers.tos)
        && sighting
            .dont_fragment
            .is_none_or(|df| df == hop.headers.dont_fragment)
        && sighting
            .sender
            .as_ref()
            .is_none_or(|sender| hop.sender.as_deref() == Some(sender.as_str()))
        && quoted(&sighting.quoted_source, |packet| packet.source)
        && quoted(&sighting.quoted_destination, |packet| packet.destination)
}

/// What a case says about a packet, in the case's words.
fn wanted(sighting: &Sighting) -> Wanted {
    let words = |endpoint: &Option<Endpoint>| endpoint.as_ref().map(ToString::to_string);
    Wanted {
        leg: sighting.leg.map(Into::into),
        source: words(&sighting.source),
        destination: words(&sighting.destination),
        ttl: sighting.ttl,
        source_port: sighting.source_port,
        tos: sighting.tos,
        dont_fragment: sighting.dont_fragment,
        sender: sighting.sender.as_ref().map(ToString::to_string),
        quoted_source: words(&sighting.quoted_source),
        quoted_destination: words(&sighting.quoted_destination),
    }
}

fn speaks(path: &PacketPath, chain: &Chain) -> bool {
    let name = chain.to_string();
    path.legs.iter().flat_map(|leg| &leg.steps).any(
        |step| matches!(step, Step::Verdict(verdict) if verdict.chain == name && verdict.node == "host"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Lookup;

    fn ended(fate: Fate) -> Ending {
        let lookup = Lookup {
            node: "c1".into(),
            table: "route".into(),
            answer: "8.8.8.8 via 10.55.66.1 dev eth0".into(),
        };
        let path = PacketPath {
            legs: Vec::new(),
            fate,
            settled: true,
            bindings: Vec::new(),
            lookups: vec![lookup],
            fragments: Vec::new(),
        };
        ending(&path, "c1")
    }

    #[test]
    fn an_errno_is_the_probing_nodes_own() {
        let unreachable = |reason: &str| {
            let reason = reason.to_owned();
            let Ending {
                said_by, silent, ..
            } = ended(Fate::Unreachable { reason });
            (said_by, silent)
        };
        let c1 = || Some(String::from("c1"));
        assert_eq!(unreachable("ENETUNREACH"), (c1(), None));
        let next = Some(String::from("10.55.66.1"));
        assert_eq!(unreachable("EHOSTUNREACH"), (c1(), next));
        assert_eq!(unreachable("net unreachable"), (None, None));
        assert_eq!(ended(Fate::Answered).said_by, None);
    }
}
