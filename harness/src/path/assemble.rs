//! From evidence to path: each leg's hops, the verdicts between them, and the rewrites that both show.

use super::evidence::{Direction, Evidence, Frame, Hook, LegKind, VerdictEvent};
use super::fate::decide;
use super::model::{End, Fate, Hop, Leg, PacketPath, Rewrite, Step, Verdict};
use super::walk::{Gap, Transit, bridge, walk};
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
        fate: fate.unwrap_or_else(|| lost(&legs)),
        settled,
        legs,
        bindings: evidence.bindings.clone(),
        lookups: evidence.lookups.clone(),
    }
}

fn is_missing(step: &Step) -> bool {
    matches!(step, Step::Missing { .. })
}

fn lost(legs: &[Leg]) -> Fate {
    let last = legs.last();
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
            observation.push(transit.node, &mut seen, &mut steps);
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
    fn push(&self, node: &str, seen: &mut Option<Headers>, steps: &mut Vec<Step>) {
        let (headers, step) = match self {
            Self::Frame(frame) => (&frame.headers, hop(frame)),
            Self::Verdict(verdict) => (&verdict.headers, said(verdict)),
        };
        if let Some(before) = seen {
            steps.extend(rewrites(node, before, headers));
        }
        steps.push(step);
        *seen = Some(headers.clone());
    }
}

/// Orders what one passage showed. With `bridge-nf-call-iptables`, prerouting runs on the bridge
/// port, before the bridge hands the packet up to its own device (`br_netfilter_hooks.c`).
fn observations<'a>(evidence: &Evidence, transit: &Transit<'a>) -> Vec<Observation<'a>> {
    let on_port = evidence
        .nodes
        .get(transit.node)
        .is_some_and(|node| node.bridge_netfilter)
        && transit
            .entered
            .first()
            .is_some_and(|frame| bridge(evidence, frame).is_some());
    let (early, late): (Vec<_>, Vec<_>) = transit
        .verdicts
        .iter()
        .partition(|verdict| on_port && verdict.hook == Hook::Prerouting);
    let mut entered = transit.entered.iter().map(|f| Observation::Frame(f));
    let mut all = Vec::new();
    all.extend(entered.next());
    all.extend(early.into_iter().map(Observation::Verdict));
    all.extend(entered);
    all.extend(late.into_iter().map(Observation::Verdict));
    all.extend(transit.left.iter().map(|f| Observation::Frame(f)));
    all
}

fn hop(frame: &Frame) -> Step {
    Step::Hop(Hop {
        node: frame.node.clone(),
        interface: frame.interface.clone(),
        direction: frame.direction,
        headers: frame.headers.clone(),
    })
}

fn said(verdict: &VerdictEvent) -> Step {
    Step::Verdict(Verdict {
        node: verdict.node.clone(),
        hook: verdict.hook,
        chain: format!("{}/{}", verdict.table, verdict.chain),
        rule: verdict.rule.clone(),
        action: verdict.action.clone(),
    })
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

impl Hook {
    /// How far along a node's IP stack the hook is, from 0.
    pub(super) fn depth(self) -> u8 {
        match self {
            Self::Prerouting | Self::Output => 0,
            Self::Input | Self::Forward => 1,
            Self::Postrouting => 2,
        }
    }
}

impl PacketPath {
    /// The steps of one leg, empty if it does not exist.
    pub fn steps(&self, kind: LegKind) -> &[Step] {
        self.legs
            .iter()
            .find(|leg| leg.kind == kind)
            .map_or(&[], |leg| &leg.steps)
    }

    /// All hops of a leg, in order.
    pub fn hops(&self, kind: LegKind) -> impl Iterator<Item = &Hop> {
        self.steps(kind).iter().filter_map(|step| match step {
            Step::Hop(hop) => Some(hop),
            _ => None,
        })
    }

    /// All verdicts of a leg, in order.
    pub fn verdicts(&self, kind: LegKind) -> impl Iterator<Item = &Verdict> {
        self.steps(kind).iter().filter_map(|step| match step {
            Step::Verdict(verdict) => Some(verdict),
            _ => None,
        })
    }

    /// Whether nothing more is to come: the fate is proven and no frame is missing.
    pub fn is_settled(&self) -> bool {
        self.settled
    }
}

impl Direction {
    /// `>` for out, `<` for in.
    pub fn arrow(self) -> char {
        match self {
            Self::Out => '>',
            Self::In => '<',
        }
    }
}
