//! What containers reach beyond the host, and what the host passes on for others.

use super::super::answer::{Answer, Sees};
use super::super::cell::{Cell, From, To};
use super::super::question::Ask;
use super::super::rule::{Group, Rank, Rule, RuleId, Says};
use crate::case::{Feature, Level, Policy, Protocol};
use crate::plan::contract::LAN2_NODE;

pub(super) const GROUP: Group = Group {
    title: "Outwards",
    rules: &[
        Rule {
            id: RuleId("outward"),
            rank: Rank::Usual,
            sentence: "A container reaches the host's neighbours and the outside, which see the address of the host by which it leaves.",
            level: Level::Must,
            features: &[Feature::Masquerade],
            source: &[
                "iptables-extensions: MASQUERADE",
                "RFC 3022 4.1",
                "RFC 5508 4.2",
                "RFC 1812 5.3.1",
                "case egress/source-is-the-hosts",
            ],
            says: Says::Is(|cell| {
                let special = matches!(cell.question.ask, Ask::FromPublished(..) | Ask::IpProtocol);
                (leaves(cell) && !is_late(cell) && !special).then(|| arrives(cell))?
            }),
        },
        Rule {
            id: RuleId("outward-without-ports"),
            rank: Rank::Usual,
            sentence: "What a container sends by a protocol without ports leaves with the host's address, too.",
            level: Level::Should,
            features: &[Feature::Masquerade],
            source: &[
                "RFC 3022 2.1: basic NAT translates addresses, whatever the protocol",
                "RFC 1918 3: private addresses do not leave",
            ],
            says: Says::Is(|cell| {
                let by_it = cell.question.ask == Ask::IpProtocol;
                (leaves(cell) && by_it).then(|| arrives(cell))?
            }),
        },
        Rule {
            id: RuleId("no-shadow"),
            rank: Rank::Usual,
            sentence: "What a container sends from a number that the host publishes leaves from another, so that it does not take that port over.",
            level: Level::Should,
            features: &[
                Feature::Masquerade,
                Feature::PublishTcp,
                Feature::PublishUdp,
            ],
            source: &[
                "CVE-2021-3773: port shadow",
                "case publish/source-port-does-not-shadow",
            ],
            says: Says::Is(|cell| {
                let from_published = matches!(cell.question.ask, Ask::FromPublished(..));
                (leaves(cell) && from_published).then(|| arrives(cell))?
            }),
        },
        Rule {
            id: RuleId("late-segment"),
            rank: Rank::Usual,
            sentence: "A segment of no connection, or an echo reply to nobody, never leaves with the container's address.",
            level: Level::Should,
            features: &[Feature::Masquerade],
            source: &[
                "RFC 1918 3: private addresses do not leave",
                "moby/moby#18630",
                "case egress/invalid-never-leaves-untranslated",
            ],
            says: Says::Is(|cell| (leaves(cell) && is_late(cell)).then_some(Answer::Blocked)),
        },
        Rule {
            id: RuleId("internal-no-way-out"),
            rank: Rank::Usual,
            sentence: "A container of an internal network reaches neither the outside nor another network, also not by a route.",
            level: Level::Must,
            features: &[Feature::Internal],
            source: &[
                "docker network create --internal",
                "podman-network-create --internal",
                "case internal/no-way-out-by-an-added-route",
            ],
            says: Says::Is(|cell| {
                let out = match cell.to {
                    To::Lan | To::Lan2 | To::Outside => true,
                    To::Container(..) => cell.shared().is_none(),
                    _ => false,
                };
                (cell.internal_asks() && out).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("around"),
            rank: Rank::Usual,
            sentence: "The host reaches its neighbours and the outside, and those each other, as before the implementation came.",
            level: Level::Must,
            features: &[],
            source: &["case coexistence/transit-still-passes"],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Host, To::Lan | To::Lan2 | To::Outside) => arrives(cell),
                (From::Lan, To::Outside) if !cell.routed() => arrives(cell),
                _ => None,
            }),
        },
        Rule {
            id: RuleId("transit"),
            rank: Rank::Usual,
            sentence: "What the host forwarded for others before, it still forwards, with their addresses; what its policy dropped is dropped.",
            level: Level::Must,
            features: &[],
            source: &[
                "moby/moby#39439",
                "cases coexistence/transit-still-passes, publish/transit-of-others-is-not-captured",
            ],
            says: Says::Is(|cell| (passes(cell) && !is_half(cell)).then(|| transit(cell))?),
        },
        Rule {
            id: RuleId("transit-one-way"),
            rank: Rank::Usual,
            sentence: "The host also still forwards connections of which it sees one direction only.",
            level: Level::Should,
            features: &[],
            source: &[
                "containers/netavark#1149",
                "kubernetes/kubernetes#94861",
                "case coexistence/transit-of-half-a-connection",
            ],
            says: Says::Is(|cell| (passes(cell) && is_half(cell)).then(|| transit(cell))?),
        },
        Rule {
            id: RuleId("no-router-before"),
            rank: Rank::Usual,
            sentence: "Whether a host that did not forward before now forwards for others is open.",
            level: Level::May,
            features: &[],
            source: &[
                "docs.docker.com, Packet filtering, Docker on a router: where Docker switches forwarding on, it sets FORWARD's policy to DROP",
            ],
            says: Says::Open(
                "Docker drops traffic of others where it has switched forwarding on; netavark and CNI do not",
                |cell| through(cell) && !cell.moment.found.forwards,
            ),
        },
    ],
};

/// Whether a container of an open network asks for somebody beyond the host.
fn leaves(cell: &Cell<'_>) -> bool {
    let open = matches!(cell.from, From::Member(..)) && !cell.internal_asks();
    open && matches!(cell.to, To::Lan | To::Lan2 | To::Outside)
}

/// Whether conntrack knows nothing that the packet could belong to, and begins nothing by it.
fn is_late(cell: &Cell<'_>) -> bool {
    matches!(cell.question.ask, Ask::LateTcp(_) | Ask::LateReply)
}

/// Whether lan asks for the outside, or for the other uplink's neighbour, through the host.
fn through(cell: &Cell<'_>) -> bool {
    cell.from == From::Lan && matches!(cell.to, To::Outside | To::Lan2) && cell.routed()
}

/// Whether the host sees one direction of the connection only: what outside answers to lan does not come back by the host.
fn is_half(cell: &Cell<'_>) -> bool {
    let tcp = |(protocol, _)| protocol == Protocol::Tcp;
    cell.to == To::Outside && cell.port().is_some_and(tcp)
}

fn passes(cell: &Cell<'_>) -> bool {
    through(cell) && cell.moment.found.forwards
}

fn transit(cell: &Cell<'_>) -> Option<Answer> {
    if cell.moment.found.forward == Some(Policy::Drop) {
        return Some(Answer::Blocked);
    }
    arrives(cell)
}

/// The answer of a node beyond the host.
fn arrives(cell: &Cell<'_>) -> Option<Answer> {
    let found = &cell.moment.found;
    let through_host = u8::from(cell.from != From::Host && !cell.direct());
    let left = match cell.from {
        From::Lan => found.lan,
        _ if cell.to == To::Lan2 => found.second?.own,
        _ => *found.addresses.first()?,
    };
    let (node, sees, routers) = match cell.to {
        To::Lan => ("lan", Sees::Exactly(left), 0),
        To::Lan2 => (LAN2_NODE, Sees::Exactly(left), 0),
        // The lab's gateway and its provider.
        To::Outside => ("outside", Sees::Behind(found.beyond, left), 2),
        _ => return None,
    };
    Some(cell.reaches(node, sees, Some(routers + through_host)))
}
