//! The path by roles: what every implementation must share, whatever it is made of.
//!
//! A leg is what its two ends and the host's uplink saw of it. Interfaces, rules, bridges and hardware addresses are an
//! implementation's own and stay out; so do the lab's routers, which are none of its business.

use std::fmt::Write as _;

use super::drawn::BETWEEN;
use super::render::fate_line;
use super::{Direction, Fate, Hop, Is, LegKind, Line, PacketPath};
use crate::packet::Headers;
use crate::plan::Roles;

/// Width of a node's name.
const NODE_WIDTH: usize = 14;

/// What a case says about the way of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// One packet goes all the way.
    Through,
    /// It must not arrive; where and how it ends is the implementation's choice.
    Blocked,
    /// From the host or a container to a published port: the host may pass the packet on, or answer itself and ask the
    /// container on a connection of its own.
    ByHost,
}

/// Draws the path by roles.
pub fn draw_neutral(path: &PacketPath, way: Passage, roles: &Roles) -> Vec<Line> {
    if way == Passage::Blocked && path.fate != Fate::Answered {
        return vec![fate_line(&"blocked")];
    }
    let mut drawn = vec![fate_line(&fate(&path.fate, roles))];
    for leg in &path.legs {
        // Whether the kernel also tells of a shorter way depends on the rules that an implementation has.
        let told = path.hops(leg.kind).filter(|hop| !hop.is_redirect());
        let hops: Vec<&Hop> = told.collect();
        let mut shown = None;
        let mut lines = Vec::new();
        for hop in ends(&hops, roles) {
            if way == Passage::ByHost && !is_client(hop, leg.kind, &hops, path) {
                continue;
            }
            // A proxy's answer has passed no router, a translated one has passed the host.
            let aged = way != Passage::ByHost || leg.kind == LegKind::Request;
            let mut text = hop_text(hop, shown, aged, roles);
            text.push_str(&fragments(path, leg.kind, hop));
            let node = hop.node.clone();
            lines.push(Line::new(text, Is::Hop { node }));
            shown = Some(&hop.headers);
        }
        if !lines.is_empty() {
            drawn.push(Line::new(format!(" {}", leg.kind), Is::Leg));
            drawn.append(&mut lines);
        }
    }
    if way == Passage::ByHost && path.fate == Fate::Answered {
        drawn.push(Line::new(BETWEEN, Is::Between));
    }
    drawn
}

/// The hops at which a leg enters or leaves an end.
fn ends<'a>(hops: &[&'a Hop], roles: &Roles) -> Vec<&'a Hop> {
    let mut chosen = Vec::new();
    let last_passage = hops.last().map(|hop| hop.node.as_str());
    for (nth, passage) in hops.chunk_by(|one, two| one.node == two.node).enumerate() {
        let Some(first) = passage.first() else {
            continue;
        };
        if !roles.ends.contains(&first.node) {
            continue;
        }
        let entered: Vec<&&Hop> = passage
            .iter()
            .filter(|hop| hop.direction == Direction::In)
            .collect();
        let left: Vec<&&Hop> = passage
            .iter()
            .filter(|hop| hop.direction == Direction::Out)
            .collect();
        let at_wire = |hop: &&&&Hop| first.node != "host" || hop.interface == roles.uplink;
        let is_end = last_passage == Some(first.node.as_str()) && left.is_empty();
        // An end that is the host's own stack has no wire: the last thing seen of the packet stands for it.
        let entering = entered.iter().find(at_wire).or_else(|| {
            let own = is_end && first.node == "host";
            own.then(|| entered.last()).flatten()
        });
        let leaving = left.iter().rev().find(at_wire).or_else(|| {
            let own = nth == 0 && first.node == "host";
            own.then(|| left.first()).flatten()
        });
        let mut both: Vec<&Hop> = entering
            .into_iter()
            .chain(leaving)
            .map(|hop| **hop)
            .collect();
        both.sort_by_key(|hop| passage.iter().position(|other| other == hop));
        chosen.extend(both);
    }
    chosen
}

/// Whether a hop is the asking node's own: the request as it leaves, the reply as it arrives.
fn is_client(hop: &Hop, kind: LegKind, hops: &[&Hop], path: &PacketPath) -> bool {
    let asking = path.hops(LegKind::Request).next().map(|hop| &hop.node);
    let own = asking == Some(&hop.node) && hop.node != "host";
    match kind {
        LegKind::Request => own && hops.first().is_some_and(|first| *first == hop),
        LegKind::Reply | LegKind::Error | LegKind::Stream => own && hop.direction == Direction::In,
    }
}

/// A hop repeats only what changed since the hop before.
fn hop_text(hop: &Hop, shown: Option<&Headers>, aged: bool, roles: &Roles) -> String {
    let now = &hop.headers;
    let ends = |headers: &Headers| {
        let source = roles.end(headers.source, headers.source_port());
        let destination = roles.end(headers.destination, headers.destination_port());
        format!("{source} → {destination}")
    };
    let about = |headers: &Headers| headers.quoted().map(ends);
    let mut text = format!("  {:NODE_WIDTH$}{}", hop.node, hop.direction.arrow());
    match shown {
        None => {
            let _ = write!(text, "  {}  {}", ends(now), now.transport);
            if let Some(about) = about(now) {
                let _ = write!(text, "  quoted {about}");
            }
            if aged {
                let _ = write!(text, "  ttl {}", now.ttl);
            }
        }
        Some(before) => {
            if ends(before) != ends(now) {
                let _ = write!(text, "  {}", ends(now));
            }
            if about(before) != about(now)
                && let Some(about) = about(now)
            {
                let _ = write!(text, "  quoted {about}");
            }
            if aged && before.ttl != now.ttl {
                let _ = write!(text, "  ttl {}", now.ttl);
            }
        }
    }
    text
}

/// Says beside a first fragment how many there are of the packet.
fn fragments(path: &PacketPath, kind: LegKind, hop: &Hop) -> String {
    let same_place = |other: &Hop| {
        (&other.node, &other.interface, other.direction)
            == (&hop.node, &hop.interface, hop.direction)
    };
    let later = path
        .fragments
        .iter()
        .filter(|fragment| fragment.leg == kind && same_place(&fragment.hop))
        .count();
    match later {
        0 => String::new(),
        later => format!("  first of {} fragments", later + 1),
    }
}

fn fate(fate: &Fate, roles: &Roles) -> String {
    match fate {
        // The last hop's interface is the implementation's.
        Fate::Lost { leg, after } => {
            let node = after
                .split_once(':')
                .map_or(after.as_str(), |(node, _)| node);
            format!("{leg} lost after {node}, no verdict")
        }
        Fate::Dropped { leg, node, .. } if roles.ends.contains(node) => {
            format!("{leg} dropped at {node}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    use super::*;
    use crate::packet::Transport;
    use crate::path::{Drawing, Leg, Step};

    fn render_neutral(path: &PacketPath, way: Passage, roles: &Roles) -> String {
        let lines = draw_neutral(path, way, roles);
        Drawing { lines }.to_string()
    }

    fn hop(node: &str, interface: &str, direction: Direction, source: u8, ttl: u8) -> Step {
        Step::Hop(Hop {
            node: node.into(),
            interface: interface.into(),
            direction,
            headers: Headers {
                source: IpAddr::from([10, 0, 0, source]),
                destination: IpAddr::from([8, 8, 8, 8]),
                ttl,
                tos: 0,
                dont_fragment: true,
                fragment_offset: 0,
                more_fragments: false,
                length: 84,
                transport: Transport::EchoRequest { id: 1, sequence: 1 },
            },
            sender: None,
        })
    }

    fn path(bridge: &str) -> PacketPath {
        let steps = vec![
            hop("c1", "eth0", Direction::Out, 1, 64),
            hop("host", "veth0", Direction::In, 1, 64),
            hop("host", bridge, Direction::In, 1, 64),
            hop("host", "eth0", Direction::Out, 2, 63),
            hop("gateway", "eth0", Direction::In, 2, 63),
            hop("outside", "eth0", Direction::In, 3, 61),
        ];
        let kind = LegKind::Request;
        PacketPath {
            legs: vec![Leg { kind, steps }],
            fate: Fate::Answered,
            settled: true,
            bindings: Vec::new(),
            lookups: Vec::new(),
            fragments: Vec::new(),
        }
    }

    fn roles() -> Roles {
        let called = [(1, "c1"), (2, "host.uplink"), (3, "gateway")];
        let mut addresses: BTreeMap<IpAddr, String> = called
            .map(|(last, name)| (IpAddr::from([10, 0, 0, last]), name.to_owned()))
            .into();
        addresses.insert(IpAddr::from([8, 8, 8, 8]), "outside".into());
        Roles {
            addresses,
            ends: ["c1", "host", "outside"].map(String::from).to_vec(),
            uplink: "eth0".into(),
            ports: Vec::new(),
        }
    }

    #[test]
    fn what_an_implementation_is_made_of_stays_out() {
        let drawn = render_neutral(&path("docker0"), Passage::Through, &roles());
        assert_eq!(
            drawn,
            render_neutral(&path("cni0"), Passage::Through, &roles())
        );
        insta::assert_snapshot!(drawn, @r"
        fate: answered
         request
          c1            >  c1 → outside  echo request  ttl 64
          host          >  host.uplink → outside  ttl 63
          outside       <  gateway → outside  ttl 61
        ");
    }

    #[test]
    fn an_error_shows_what_it_quotes_and_a_fragment_that_others_follow() {
        let mut path = path("docker0");
        let leg = &mut path.legs[0];
        let quoted = match &leg.steps[0] {
            Step::Hop(hop) => Box::new(hop.headers.clone()),
            other => panic!("{other:?}"),
        };
        let Some(Step::Hop(last)) = leg.steps.last_mut() else {
            panic!("no hop");
        };
        let error = crate::packet::IcmpError::TtlExceeded;
        last.headers.transport = Transport::Error { error, quoted };
        let last = last.clone();
        path.fragments.push(crate::path::Fragment {
            leg: LegKind::Request,
            hop: last,
        });
        let drawn = render_neutral(&path, Passage::Through, &roles());
        assert!(
            drawn.ends_with(
                "  outside       <  gateway → outside  quoted c1 → outside  ttl 61  first of 2 fragments\n"
            ),
            "{drawn}"
        );
    }

    #[test]
    fn a_blocked_packet_that_is_answered_is_not_drawn_as_blocked() {
        let drawn = render_neutral(&path("docker0"), Passage::Blocked, &roles());
        assert!(drawn.starts_with("fate: answered"), "{drawn}");
    }
}
