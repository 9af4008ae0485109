//! From evidence to path: each leg's hops, the verdicts between them, and the rewrites that both show.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Frame, VerdictEvent};
use super::fate::{decide, drop_at};
use super::walk::{Gap, Transit, bridge, walk};
use super::{End, Fate, Fragment, Hook, Hop, Leg, LegKind, PacketPath, Rewrite, Step, Verdict};
use crate::packet::Headers;

/// Builds the path that the evidence shows.
///
/// The same evidence gives the same path in whatever order its frames come. A frame that the wiring
/// demands and that was not captured becomes [`Step::Missing`]; nothing is invented. Without
/// evidence for another fate the path is [`Fate::Lost`] after its last hop: ask [`PacketPath::is_settled`]
/// whether more evidence may still arrive.
pub fn assemble(evidence: &Evidence) -> PacketPath {
    let legs: Vec<Leg> = [LegKind::Request, LegKind::Reply, LegKind::Error]
        .into_iter()
        .map(|kind| assemble_leg(evidence, kind))
        .filter(|leg| !leg.steps.is_empty())
        .collect();
    let fate = decide(evidence, &legs);
    let settled = fate.is_some() && !legs.iter().flat_map(|l| &l.steps).any(is_missing);
    PacketPath {
        fate: fate.unwrap_or_else(|| broken_off(evidence).unwrap_or_else(|| lost(&legs))),
        settled,
        legs,
        bindings: evidence.bindings.clone(),
        lookups: evidence.lookups.clone(),
        fragments: fragments(evidence),
    }
}

/// Later fragments, in the order of their nodes; a frame that was recorded twice counts once.
fn fragments(evidence: &Evidence) -> Vec<Fragment> {
    let later = |frame: &&Frame| frame.headers.fragment_offset > 0;
    let by_order: BTreeMap<_, _> = evidence
        .frames
        .iter()
        .filter(later)
        .map(|frame| ((&frame.node, frame.order), frame))
        .collect();
    by_order
        .into_values()
        .map(|frame| Fragment {
            leg: frame.leg,
            hop: hop(evidence, frame),
        })
        .collect()
}

fn is_missing(step: &Step) -> bool {
    matches!(step, Step::Missing { .. })
}

/// Where a TCP connection ended whose handshake was answered: no proof, as the next try might have passed.
fn broken_off(evidence: &Evidence) -> Option<Fate> {
    let kind = LegKind::Stream;
    let last = evidence.frames.iter().rfind(|frame| frame.leg == kind)?;
    let dropped = evidence
        .verdicts
        .iter()
        .rfind(|said| said.leg == Some(kind));
    Some(match dropped {
        Some(said) => drop_at(kind, &verdict(said)),
        None => Fate::Lost {
            leg: kind,
            after: format!("{}:{}", last.node, last.interface),
        },
    })
}

fn lost(legs: &[Leg]) -> Fate {
    // A leg that netfilter has spoken about and no interface has shown says nothing about a place.
    let says = |step: &Step| matches!(step, Step::Hop(hop) if !hop.is_redirect());
    let is_seen = |leg: &&Leg| leg.steps.iter().any(says);
    let last = legs.iter().rev().find(is_seen).or(legs.last());
    let after = last.and_then(|leg| {
        leg.steps.iter().rev().find_map(|step| match step {
            Step::Hop(hop) => Some(format!("{}:{}", hop.node, hop.interface)),
            _ => None,
        })
    });
    Fate::Lost {
        leg: last.map_or(LegKind::Request, |leg| leg.kind),
        after: after.unwrap_or_default(),
    }
}

fn assemble_leg(evidence: &Evidence, kind: LegKind) -> Leg {
    let mut steps = Vec::new();
    let mut seen: Option<Headers> = None;
    for transit in walk(evidence, kind) {
        if let Some(gap) = &transit.missing {
            steps.push(missing(gap));
        }
        for observation in observations(evidence, &transit) {
            observation.push(evidence, transit.node, &mut seen, &mut steps);
        }
    }
    Leg { kind, steps }
}

fn missing(gap: &Gap) -> Step {
    Step::Missing {
        node: gap.node.clone(),
        interface: gap.interface.clone(),
        direction: gap.direction,
    }
}

/// One sight of the packet within a node.
enum Observation<'a> {
    Frame(&'a Frame),
    Verdict(&'a VerdictEvent),
}

impl Observation<'_> {
    fn push(
        &self,
        evidence: &Evidence,
        node: &str,
        seen: &mut Option<Headers>,
        steps: &mut Vec<Step>,
    ) {
        let (headers, step) = match self {
            Self::Frame(frame) => (&frame.headers, Step::Hop(hop(evidence, frame))),
            Self::Verdict(said) => (&said.headers, Step::Verdict(verdict(said))),
        };
        if let Some(before) = seen {
            steps.extend(rewrites(node, before, headers));
        }
        steps.push(step);
        *seen = Some(headers.clone());
    }
}

/// Orders what one passage showed.
///
/// With `bridge-nf-call-iptables`, prerouting runs on the bridge port, before the bridge hands the
/// packet up to its own device. A packet that a DNAT there turns to a neighbour on the same bridge
/// is never handed up: it is sent through the bridge device and then forwarded between ports, so
/// forward and postrouting run behind that device (`br_netfilter_hooks.c`, `bridged_dnat`).
fn observations<'a>(evidence: &Evidence, transit: &Transit<'a>) -> Vec<Observation<'a>> {
    let entered_bridge = transit
        .entered
        .first()
        .and_then(|frame| bridge(evidence, frame));
    let on_port = entered_bridge.is_some()
        && evidence
            .nodes
            .get(transit.node)
            .is_some_and(|node| node.bridge_netfilter);
    let turned_on_bridge = on_port
        && transit.entered.len() == 1
        && transit.left.first().map(|frame| frame.interface.as_str()) == entered_bridge;
    let (early, late): (Vec<_>, Vec<_>) = transit
        .verdicts
        .iter()
        .copied()
        .partition(|verdict| on_port && verdict.hook == Hook::Prerouting);
    let mut entered = transit.entered.iter().map(|f| Observation::Frame(f));
    let mut left = transit.left.iter().map(|f| Observation::Frame(f));
    let mut all = Vec::new();
    all.extend(entered.next());
    all.extend(early.into_iter().map(Observation::Verdict));
    all.extend(entered);
    if turned_on_bridge {
        all.extend(left.next());
    }
    all.extend(late.into_iter().map(Observation::Verdict));
    all.extend(left);
    all.extend(transit.copies.iter().map(|f| Observation::Frame(f)));
    all
}

fn hop(evidence: &Evidence, frame: &Frame) -> Hop {
    let mut nodes = evidence.nodes.iter();
    let sender = nodes.find(|(_, node)| {
        let mut interfaces = node.interfaces.values();
        !frame.source_mac.is_empty() && interfaces.any(|one| one.mac == frame.source_mac)
    });
    Hop {
        node: frame.node.clone(),
        interface: frame.interface.clone(),
        direction: frame.direction,
        headers: frame.headers.clone(),
        sender: sender.map(|(name, _)| name.clone()),
    }
}

fn verdict(said: &VerdictEvent) -> Verdict {
    Verdict {
        node: said.node.clone(),
        hook: said.hook,
        chain: format!("{}/{}", said.table, said.chain),
        rule: said.rule.clone(),
        action: said.action.clone(),
    }
}

fn rewrites(node: &str, before: &Headers, after: &Headers) -> Vec<Step> {
    let ends = [
        (End::Source, before.source_text(), after.source_text()),
        (
            End::Destination,
            before.destination_text(),
            after.destination_text(),
        ),
    ];
    // A later fragment shows no ports: that is no rewrite.
    if before.fragment_offset != after.fragment_offset {
        return Vec::new();
    }
    ends.into_iter()
        .filter(|(_, was, is)| was != is)
        .map(|(end, was, is)| {
            let node = node.to_owned();
            Step::Rewrite(Rewrite { node, end, was, is })
        })
        .collect()
}
