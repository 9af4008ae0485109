//! What events change, and a person's own rules.

use std::net::IpAddr;

use super::super::answer::Answer;
use super::super::cell::{Cell, From, To};
use super::super::moment::{Gone, Member};
use super::super::question::{Flow, Question};
use super::super::rule::{Group, Rank, Rule, RuleId, Says, decide, decide_unchanged};
use super::super::table::services;
use super::host::stays_the_hosts;
use crate::case::{Feature, Level};

pub(super) const GROUP: Group = Group {
    title: "Moments",
    rules: &[
        Rule {
            id: RuleId("gone-address"),
            rank: Rank::Usual,
            sentence: "Nobody answers for a container that is gone, and nobody gets what is sent to it.",
            level: Level::Must,
            features: &[Feature::Replace],
            source: &[
                "RFC 826: only the target answers",
                "case lifecycle/nobody-answers-for-a-removed-container",
            ],
            says: Says::Is(|cell| {
                // A node that knows its hardware address sends there for some seconds more; others say that it is unreachable.
                let gone = matches!(cell.to, To::Gone(_)) && !cell.moment.ended;
                (gone && !matches!(cell.from, From::Alone(_))).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("after-teardown"),
            rank: Rank::Usual,
            sentence: "After teardown no container's address answers, and no packet is led there.",
            level: Level::Must,
            features: &[],
            source: &["case lifecycle/teardown-leaves-nothing"],
            says: Says::Is(|cell| {
                let gone = matches!(cell.to, To::Gone(_)) && cell.moment.ended;
                gone.then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("gone-port"),
            rank: Rank::Usual,
            sentence: "A port whose container is gone, and that nobody else publishes, is the host's own again.",
            level: Level::Must,
            features: &[],
            source: &["cases lifecycle/removed-container-does-not-shadow, teardown-leaves-nothing"],
            says: Says::Is(|cell| {
                cell.published_before()?;
                let nobody = cell.on_this_port().next().is_none();
                nobody.then(|| stays_the_hosts(cell))?
            }),
        },
        Rule {
            id: RuleId("gone-port-elsewhere"),
            rank: Rank::Usual,
            sentence: "A port whose container is gone does not lead to a container by the gateway address of another network.",
            level: Level::Must,
            features: &[],
            source: &["case lifecycle/removed-container-does-not-shadow"],
            says: Says::Is(|cell| {
                cell.published_before()?;
                let nobody = cell.on_this_port().next().is_none();
                let other = stays_the_hosts(cell).is_none() && !cell.internal_asks();
                (nobody && other && cell.to != To::WiredLoopback).then_some(Answer::NoContainer)
            }),
        },
        Rule {
            id: RuleId("came-back"),
            rank: Rank::Changed,
            sentence: "A container that has come with the address of one that was there before is reached by the first packet.",
            level: Level::Should,
            features: &[Feature::Bridge, Feature::Replace, Feature::StaticAddress],
            source: &["moby/moby#36069", "RFC 5227 3: announcing an address"],
            says: Says::Is(|cell| {
                let before = cell.moment.before.as_ref()?;
                let led = cell.published().and_then(|(member, _)| member.address());
                let address = match cell.to {
                    To::Container(..) => Some(cell.question.to.address),
                    _ => led,
                };
                let mut gone = before.gone.iter().flat_map(|gone| &gone.addresses);
                gone.find(|(_, had)| Some(*had) == address)?;
                let mut ends = cell.forwarded().into_iter();
                if ends.any(|(from, to)| drops(cell, from, to) || drops(cell, to, from)) {
                    return None;
                }
                let (answer, _) = decide_unchanged(cell);
                let told = match answer {
                    Answer::Answered { .. } => true,
                    Answer::Refused { .. } => cell.question.flow == Flow::New,
                    _ => false,
                };
                told.then_some(answer)
            }),
        },
        Rule {
            id: RuleId("flow-goes-on"),
            rank: Rank::Changed,
            sentence: "A flow whose ends an event does not touch goes on as it was, whichever end sends first.",
            level: Level::Must,
            features: &[Feature::Replace],
            source: &[
                "cases lifecycle/others-flows-go-on, flows-of-another-address-go-on, open-flows-go-on",
                "RFC 5382 REQ-5: how long a NAT keeps a connection",
                "RFC 4787 REQ-5: how long a NAT keeps a UDP mapping",
            ],
            says: Says::Is(|cell| {
                let now = open_flow(cell)?;
                let untouched = !was_elsewhere(cell, by(&now)?) && !moved(cell, by(&now)?);
                untouched.then_some(now)
            }),
        },
        Rule {
            id: RuleId("flow-follows"),
            rank: Rank::Changed,
            sentence: "A flow to a published port goes on with the container that publishes the port now.",
            level: Level::Must,
            features: &[Feature::Replace],
            source: &["case lifecycle/udp-flow-follows-the-port"],
            says: Says::Is(|cell| {
                let now = open_flow(cell)?;
                let touched = was_elsewhere(cell, by(&now)?) || moved(cell, by(&now)?);
                touched.then_some(now)
            }),
        },
        Rule {
            id: RuleId("flow-ends"),
            rank: Rank::Changed,
            sentence: "No packet of a flow to a container that is gone reaches another container.",
            level: Level::Must,
            features: &[],
            source: &["case lifecycle/teardown-ends-udp-flows"],
            says: Says::Is(|cell| {
                // Whose address it is now refuses the flow of the one before, as any other.
                if matches!(cell.to, To::Container(..)) {
                    return None;
                }
                let now = open_flow(cell)?;
                let open = matches!(now, Answer::Answered { .. } | Answer::Unspecified { .. });
                (!open).then_some(Answer::NoContainer)
            }),
        },
        Rule {
            id: RuleId("earlier-drop"),
            rank: Rank::Changed,
            sentence: "What a person's rule of FORWARD drops stays dropped, though the rule is older than the network.",
            level: Level::Should,
            features: &[Feature::EarlierRules],
            source: &[
                "moby/moby#49518",
                "moby/moby#29184",
                "case coexistence/earlier-drop-wins",
            ],
            says: Says::Is(|cell| {
                let (source, destination) = cell.forwarded()?;
                drops(cell, source, destination).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("earlier-drop-of-answers"),
            rank: Rank::Changed,
            sentence: "Whether a person's rule of FORWARD drops the answers to what a container has asked is open.",
            level: Level::May,
            features: &[],
            source: &["moby/moby#49518"],
            says: Says::Open(
                "an implementation may let answers of every connection pass before it comes to a person's rules",
                |cell| {
                    let Some((source, destination)) = cell.forwarded() else {
                        return false;
                    };
                    let back =
                        drops(cell, destination, source) && !drops(cell, source, destination);
                    let told = matches!(
                        decide_unchanged(cell).0,
                        Answer::Answered { .. } | Answer::Refused { .. }
                    );
                    back && told
                },
            ),
        },
        Rule {
            id: RuleId("earlier-drop-of-neighbours"),
            rank: Rank::Changed,
            sentence: "Whether a person's rule of FORWARD applies between containers of one network is open.",
            level: Level::May,
            features: &[],
            source: &["kernel: net.bridge.bridge-nf-call-iptables"],
            says: Says::Open(
                "it depends on whether an implementation has iptables see bridged packets",
                |cell| {
                    let near = matches!(cell.to, To::Container(..)) && cell.shared().is_some();
                    let Some(own) = cell.own_address().filter(|_| near) else {
                        return false;
                    };
                    let other = cell.question.to.address;
                    drops(cell, own, other) || drops(cell, other, own)
                },
            ),
        },
    ],
};

/// Whether a person's rule of FORWARD drops what goes from the one to the other.
fn drops(cell: &Cell<'_>, source: IpAddr, destination: IpAddr) -> bool {
    let mut drops = cell.moment.found.drops.iter();
    drops.any(|(from, to)| {
        from.is_none_or(|from| from == source) && to.is_none_or(|to| to == destination)
    })
}

/// Of a flow that was answered in an earlier moment the answer of a new one now.
fn open_flow(cell: &Cell<'_>) -> Option<Answer> {
    let is_open = cell.question.flow == Flow::Open && answered_before(cell, |_| true);
    is_open.then(|| decide(&cell.asking(&new(cell))).0)
}

/// Whether somebody else than `now` answered such a flow in an earlier moment. It may have been open since then, however many events
/// came after.
fn was_elsewhere(cell: &Cell<'_>, now: &str) -> bool {
    answered_before(cell, |by| by != now)
}

fn answered_before(cell: &Cell<'_>, is_meant: impl Fn(&str) -> bool) -> bool {
    let new = new(cell);
    cell.moment.earlier().any(|before| {
        let services = services(before);
        let then = Cell::of(before, &new, &services);
        then.is_some_and(|then| by(&decide(&then).0).is_some_and(&is_meant))
    })
}

/// The same question by a new flow.
fn new(cell: &Cell<'_>) -> Question {
    Question {
        flow: Flow::New,
        ..cell.question.clone()
    }
}

/// Whether a port leads to a container of this name that was away meanwhile and has another address since.
fn moved(cell: &Cell<'_>, name: &str) -> bool {
    let now = cell.moment.member(name).map(Member::nets);
    let had_another = |gone: &Gone| gone.name == name && now != Some(gone.addresses.as_slice());
    let mut earlier = cell.moment.earlier();
    !matches!(cell.to, To::Container(..)) && earlier.any(|one| one.gone.iter().any(had_another))
}

fn by(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Answered { by, .. } => Some(by),
        _ => None,
    }
}
