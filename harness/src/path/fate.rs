//! How a path ended, from positive evidence only.

use super::evidence::{Answer, Evidence, Sent};
use super::{Action, Direction, Fate, Hop, Leg, LegKind, Rule, Step, Verdict};
use crate::packet::{Headers, Transport};

/// The fate that the evidence proves, or `None` while it proves none.
pub(super) fn decide(evidence: &Evidence, legs: &[Leg]) -> Option<Fate> {
    let dropped = first_drop(legs);
    if let Sent::Refused(errno) = &evidence.sent {
        return Some(match dropped {
            // The kernel tells a local sender of a drop in OUTPUT by EPERM.
            Some((leg, verdict)) => drop_at(leg, verdict),
            None => Fate::Unreachable {
                reason: errno.clone(),
            },
        });
    }
    match &evidence.answer {
        Some(Answer::Reply { .. }) => return answered(evidence, legs),
        Some(Answer::Refused(errno)) => return Some(refused(evidence, legs, errno)),
        None => {}
    }
    if let Some(fate) = told_by_error(evidence, legs) {
        return Some(fate);
    }
    let (leg, verdict) = dropped?;
    // A rejecting rule drops the packet and sends an error, which is still on its way.
    let rejects =
        matches!(&verdict.rule, Rule::Text(text) if text.to_lowercase().contains("reject"));
    (!rejects).then(|| drop_at(leg, verdict))
}

fn answered(evidence: &Evidence, legs: &[Leg]) -> Option<Fate> {
    // The socket may have the reply before the capture shows its last frame.
    let arrived = last_hop(legs, LegKind::Reply)
        .is_some_and(|hop| hop.node == evidence.from && hop.direction == Direction::In);
    arrived.then_some(Fate::Answered)
}

fn refused(evidence: &Evidence, legs: &[Leg], errno: &str) -> Fate {
    told_by_error(evidence, legs).unwrap_or_else(|| {
        // No packet told it: the node's own kernel did, as when no neighbour answers ARP.
        if ["EHOSTUNREACH", "ENETUNREACH"].contains(&errno) {
            return Fate::Unreachable {
                reason: errno.to_owned(),
            };
        }
        let reset = last_hop(legs, LegKind::Reply).is_some();
        let by = if reset { "tcp reset" } else { errno };
        Fate::Rejected { by: by.to_owned() }
    })
}

/// What an ICMP error says once it has reached the node that it was sent to.
fn told_by_error(evidence: &Evidence, legs: &[Leg]) -> Option<Fate> {
    let errors = || hops(legs, LegKind::Error).filter(|hop| !hop.is_redirect());
    let first = errors().next()?;
    let last = errors().next_back()?;
    let owner = evidence.nodes.get(&last.node)?;
    let arrived =
        last.direction == Direction::In && owner.addresses.contains(&last.headers.destination);
    let Transport::Error { error, quoted } = &last.headers.transport else {
        return None;
    };
    if !arrived {
        return None;
    }
    if last.node != evidence.from {
        // An error about the request is for who sent that. Here it has only come to whoever had lent the address.
        if hops(legs, LegKind::Request).any(|hop| has_ends(hop, quoted)) {
            return None;
        }
        // The error went to the other side: it is about the reply.
        return Some(Fate::Dropped {
            leg: LegKind::Reply,
            node: first.node.clone(),
            place: error.to_string(),
        });
    }
    Some(if Fate::is_rejection(*error) {
        Fate::Rejected {
            by: error.to_string(),
        }
    } else {
        Fate::Unreachable {
            reason: error.to_string(),
        }
    })
}

fn has_ends(hop: &Hop, packet: &Headers) -> bool {
    let ends = |headers: &Headers| (headers.source_text(), headers.destination_text());
    ends(&hop.headers) == ends(packet)
}

fn first_drop(legs: &[Leg]) -> Option<(LegKind, &Verdict)> {
    legs.iter().find_map(|leg| {
        let verdict = leg.steps.iter().find_map(|step| match step {
            Step::Verdict(verdict) if verdict.action == Action::Drop => Some(verdict),
            _ => None,
        });
        verdict.map(|verdict| (leg.kind, verdict))
    })
}

pub(super) fn drop_at(leg: LegKind, verdict: &Verdict) -> Fate {
    Fate::Dropped {
        leg,
        node: verdict.node.clone(),
        place: match &verdict.rule {
            Rule::Text(text) => format!("{} {text}", verdict.chain),
            Rule::Policy => format!("{} policy DROP", verdict.chain),
        },
    }
}

fn hops(legs: &[Leg], kind: LegKind) -> impl DoubleEndedIterator<Item = &Hop> {
    legs.iter()
        .filter(move |leg| leg.kind == kind)
        .flat_map(|leg| &leg.steps)
        .filter_map(|step| match step {
            Step::Hop(hop) => Some(hop),
            _ => None,
        })
}

fn last_hop(legs: &[Leg], kind: LegKind) -> Option<&Hop> {
    hops(legs, kind).next_back()
}
