//! A case's expectations held against the path that was seen.

use std::net::IpAddr;

use crate::case::{Chain, Endpoint, Exchange, Expect, FateWord, Sighting};
use crate::packet::Headers;
use crate::path::{Answer, Direction, Fate, Hop, LegKind, PacketPath, Step};

/// Turns an endpoint of a case into the address that it has in the lab.
pub(super) trait Resolve {
    /// The endpoint's address, `None` if the lab has none for it.
    fn resolve(&self, endpoint: &Endpoint) -> Option<IpAddr>;

    /// Whether a blocked packet to `to` must not get to `node`: to no container, and not to its destination.
    fn keeps_out(&self, node: &str, to: &Endpoint) -> bool;
}

/// Every expectation of the step that does not hold, as sentences that name what was expected and what was seen.
pub(super) fn judge(
    exchange: &Exchange,
    path: &PacketPath,
    answer: Option<&Answer>,
    lab: &impl Resolve,
) -> Vec<String> {
    let from = exchange.probe.from.as_str();
    let mut wrong = judge_fate(&exchange.expect, path, from, answer, lab);
    for sighting in &exchange.seen {
        if !path_hops(path, sighting).any(|hop| fits(hop, sighting, lab)) {
            wrong.push(not_seen(sighting, path));
        }
    }
    for sighting in &exchange.unseen {
        if let Some(hop) = path_hops(path, sighting).find(|hop| fits(hop, sighting, lab)) {
            wrong.push(format!(
                "{} must not see {}; seen there: {}",
                sighting.at,
                describe(sighting),
                headers_text(hop, sighting)
            ));
        }
    }
    for chain in &exchange.meets {
        if !speaks(path, chain) {
            wrong.push(format!("{chain} must speak about the probe and did not"));
        }
    }
    for chain in &exchange.avoids {
        if speaks(path, chain) {
            wrong.push(format!("{chain} must not speak about the probe and did"));
        }
    }
    if exchange.expect.fate == FateWord::Blocked {
        wrong.extend(judge_blocked(exchange, path, lab));
    }
    wrong
}

/// What the path lacks between two of its hops, if anything.
pub(super) fn gap(path: &PacketPath) -> Option<String> {
    path.legs.iter().flat_map(|leg| &leg.steps).find_map(hole)
}

/// A place where one packet was seen twice in the same shape, if there is one. Of a path without a proven end nothing is
/// said: a SYN that nobody answers is sent again.
pub(super) fn doubled(path: &PacketPath) -> Option<String> {
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
        Some(format!("{node}:{interface} saw the {} twice", leg.kind))
    })
}

/// Whatever an implementation does to keep a packet away, nobody may get it who must not.
fn judge_blocked(exchange: &Exchange, path: &PacketPath, lab: &impl Resolve) -> Vec<String> {
    let mut wrong = Vec::new();
    if path.fate == Fate::Answered {
        wrong.push(format!("fate: expected blocked, seen {}", path.fate));
    }
    let mut reached: Vec<&str> = path
        .hops(LegKind::Request)
        .filter(|hop| hop.direction == Direction::In && hop.node != exchange.probe.from.as_str())
        .filter(|hop| lab.keeps_out(&hop.node, &exchange.probe.to))
        .map(|hop| hop.node.as_str())
        .collect();
    reached.dedup();
    for node in reached {
        wrong.push(format!("{node} must not get the request and got it"));
    }
    wrong
}

fn judge_fate(
    expect: &Expect,
    path: &PacketPath,
    from: &str,
    answer: Option<&Answer>,
    lab: &impl Resolve,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if expect.fate == FateWord::Blocked {
        return Vec::new();
    }
    let mut differs = |what: &str, expected: &dyn std::fmt::Display, seen: &str| {
        wrong.push(format!("{what}: expected {expected}, seen {seen}"));
    };
    let fate = told(path, from);
    if word(&path.fate) != expect.fate {
        differs("fate", &expect.fate, &fate);
        return wrong;
    }
    if let Some(ending) = &expect.at {
        let seen = match &path.fate {
            Fate::Dropped { node, place, .. } => (node.as_str(), place.as_str()),
            Fate::Lost { after, .. } => after.split_once(':').unwrap_or((after, "")),
            _ => ("", ""),
        };
        if seen != (ending.node.as_str(), ending.place.as_str()) {
            differs("place", &format!("{} {}", ending.node, ending.place), &fate);
        }
    }
    if let Some(leg) = expect.leg {
        let seen = match &path.fate {
            Fate::Dropped { leg, .. } | Fate::Lost { leg, .. } => Some(*leg),
            _ => None,
        };
        if seen != Some(leg.into()) {
            differs("leg", &leg, &fate);
        }
    }
    if let Some(reason) = &expect.reason {
        let seen = match &path.fate {
            Fate::Unreachable { reason } => reason,
            Fate::Rejected { by } => by,
            _ => "",
        };
        if seen != reason {
            differs("reason", reason, &fate);
        }
    }
    if let Some(ttl) = expect.ttl {
        let seen = path.hops(LegKind::Reply).last().map(|hop| hop.headers.ttl);
        if seen != Some(ttl) {
            let seen = seen.map_or_else(|| String::from("no reply"), |ttl| ttl.to_string());
            differs("ttl of the reply", &ttl, &seen);
        }
    }
    if let Some(peer) = &expect.peer {
        let seen = match answer {
            Some(Answer::Reply { peer_seen, .. }) => peer_seen.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let address = seen
            .rsplit_once(':')
            .map(|(address, _)| address.trim_matches(['[', ']']));
        if address.and_then(|a| a.parse().ok()) != lab.resolve(peer) {
            differs("client as the service saw it", peer, &seen);
        }
    }
    wrong
}

/// How a path ended, in words that name a place: an errno comes from the probing node itself.
fn told(path: &PacketPath, from: &str) -> String {
    let fate = &path.fate;
    let (Fate::Unreachable { reason } | Fate::Rejected { by: reason }) = fate else {
        return fate.to_string();
    };
    if !reason.starts_with('E') || !reason.chars().all(|c| c.is_ascii_uppercase()) {
        return fate.to_string();
    }
    let text = format!("{fate}, as {from} itself says");
    // The route that it took the packet for: `8.8.8.8 via 10.55.66.1 dev eth0`.
    let route = path.lookups.iter().find(|lookup| lookup.table == "route");
    let mut words = route
        .into_iter()
        .flat_map(|route| route.answer.split(' '))
        .skip_while(|word| *word != "via");
    match words.nth(1).filter(|_| reason == "EHOSTUNREACH") {
        Some(next) => format!("{text}: nobody answers its ARP for {next}"),
        None => text,
    }
}

/// The case file's word for a fate.
pub(super) fn word(fate: &Fate) -> FateWord {
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

fn fits(hop: &Hop, sighting: &Sighting, lab: &impl Resolve) -> bool {
    let address = |wanted: &Option<Endpoint>, is: IpAddr| {
        wanted
            .as_ref()
            .is_none_or(|endpoint| lab.resolve(endpoint) == Some(is))
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

fn not_seen(sighting: &Sighting, path: &PacketPath) -> String {
    let there: Vec<String> = path_hops(path, sighting)
        .map(|hop| headers_text(hop, sighting))
        .collect();
    let there = if there.is_empty() {
        String::from("nothing of the probe")
    } else {
        there.join(", ")
    };
    format!(
        "{} must see {}; seen there: {there}",
        sighting.at,
        describe(sighting)
    )
}

fn describe(sighting: &Sighting) -> String {
    let mut words = vec![
        sighting
            .leg
            .map_or("a packet of the probe", |leg| leg.as_str())
            .to_owned(),
    ];
    if let Some(source) = &sighting.source {
        words.push(format!("from {source}"));
    }
    if let Some(destination) = &sighting.destination {
        words.push(format!("to {destination}"));
    }
    if let Some(ttl) = sighting.ttl {
        words.push(format!("with ttl {ttl}"));
    }
    if let Some(port) = sighting.source_port {
        words.push(format!("with source port {port}"));
    }
    if let Some(tos) = sighting.tos {
        words.push(format!("with tos {tos:#04x}"));
    }
    match sighting.dont_fragment {
        Some(true) => words.push(String::from("with df")),
        Some(false) => words.push(String::from("without df")),
        None => {}
    }
    if let Some(sender) = &sighting.sender {
        words.push(format!("in a frame of {sender}"));
    }
    if let Some(source) = &sighting.quoted_source {
        words.push(format!("quoting a packet from {source}"));
    }
    if let Some(destination) = &sighting.quoted_destination {
        words.push(format!("quoting a packet to {destination}"));
    }
    words.join(" ")
}

/// What was seen, with what the sighting asks for.
fn headers_text(hop: &Hop, asked: &Sighting) -> String {
    let headers = &hop.headers;
    let ends = |headers: &Headers| {
        let (source, destination) = (headers.source_text(), headers.destination_text());
        format!("{source} → {destination}")
    };
    let mut text = format!(
        "{} {} ttl {}",
        ends(headers),
        headers.transport,
        headers.ttl
    );
    if asked.tos.is_some() {
        text.push_str(&format!(" tos {:#04x}", headers.tos));
    }
    if asked.dont_fragment.is_some() && headers.dont_fragment {
        text.push_str(" df");
    }
    if let Some(quoted) = headers.quoted() {
        text.push_str(&format!(" quoting {}", ends(quoted)));
    }
    if let (Some(_), Some(sender)) = (&asked.sender, &hop.sender) {
        text.push_str(&format!(" in a frame of {sender}"));
    }
    text
}

fn speaks(path: &PacketPath, chain: &Chain) -> bool {
    let name = chain.to_string();
    path.legs.iter().flat_map(|leg| &leg.steps).any(
        |step| matches!(step, Step::Verdict(verdict) if verdict.chain == name && verdict.node == "host"),
    )
}

fn hole(step: &Step) -> Option<String> {
    match step {
        Step::Missing {
            node, interface, ..
        } => Some(format!(
            "the path has a gap: {node}:{interface} must have seen the packet and did not"
        )),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::case::{Leg, NodeName, Place};
    use crate::packet::{IcmpError, Transport};
    use crate::path::Lookup;

    fn headers(source: u8, transport: Transport) -> Headers {
        Headers {
            source: [10, 0, 0, source].into(),
            destination: [8, 8, 8, 8].into(),
            ttl: 63,
            tos: 0xb8,
            dont_fragment: true,
            fragment_offset: 0,
            more_fragments: false,
            length: 84,
            transport,
        }
    }

    #[test]
    fn an_errno_is_the_probing_nodes_own() {
        let told_of = |reason: &str| {
            let lookup = Lookup {
                node: "c1".into(),
                table: "route".into(),
                answer: "8.8.8.8 via 10.55.66.1 dev eth0".into(),
            };
            let path = PacketPath {
                legs: Vec::new(),
                fate: Fate::Unreachable {
                    reason: reason.to_owned(),
                },
                settled: true,
                bindings: Vec::new(),
                lookups: vec![lookup],
                fragments: Vec::new(),
            };
            told(&path, "c1")
        };
        insta::assert_snapshot!(told_of("ENETUNREACH"), @"unreachable: ENETUNREACH, as c1 itself says");
        insta::assert_snapshot!(told_of("EHOSTUNREACH"), @"unreachable: EHOSTUNREACH, as c1 itself says: nobody answers its ARP for 10.55.66.1");
        insta::assert_snapshot!(told_of("net unreachable"), @"unreachable: net unreachable");
    }

    #[test]
    fn what_must_be_seen_is_told_with_all_that_is_asked_and_what_is_there_with_the_same() {
        let node = |name| NodeName::new(name).unwrap();
        let sighting = Sighting {
            at: Place {
                node: node("c1"),
                interface: None,
            },
            leg: Some(Leg::Error),
            source: Some(Endpoint::HostUplink),
            destination: None,
            ttl: Some(63),
            source_port: None,
            tos: Some(0),
            dont_fragment: Some(false),
            sender: Some(node("host")),
            quoted_source: Some(Endpoint::Node(node("c1"))),
            quoted_destination: None,
        };
        let asked = Transport::EchoRequest { id: 1, sequence: 1 };
        let hop = Hop {
            node: "c1".into(),
            interface: "eth0".into(),
            direction: Direction::In,
            headers: headers(
                1,
                Transport::Error {
                    error: IcmpError::TtlExceeded,
                    quoted: Box::new(headers(2, asked)),
                },
            ),
            sender: Some("gateway".into()),
        };
        insta::assert_snapshot!(describe(&sighting), @"error from host.uplink with ttl 63 with tos 0x00 without df in a frame of host quoting a packet from c1");
        insta::assert_snapshot!(headers_text(&hop, &sighting), @"10.0.0.1 → 8.8.8.8 ttl exceeded ttl 63 tos 0xb8 df quoting 10.0.0.2 → 8.8.8.8 in a frame of gateway");
    }
}
