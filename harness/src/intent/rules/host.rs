//! Who reaches the host by its addresses, beside published ports.

use super::super::answer::Answer;
use super::super::cell::{Cell, From, To};
use super::super::moment::Port;
use super::super::rule::{Group, Rank, Rule, RuleId, Says};
use crate::case::{Feature, Level};

/// What no implementation has anything to do with.
pub(crate) const AS_FOUND: RuleId = RuleId("as-found");

pub(super) const GROUP: Group = Group {
    title: "Who reaches the host",
    rules: &[
        Rule {
            id: AS_FOUND,
            rank: Rank::Usual,
            sentence: "What the host, its neighbours and the outside say to each other is answered as before the implementation came.",
            level: Level::Must,
            features: &[],
            source: &["case publish/ends-of-a-range"],
            says: Says::Is(|cell| match cell.from {
                From::Host | From::Lan | From::Lan2 | From::Outside if is_free(cell) => {
                    match (cell.from, cell.to) {
                        (From::Lan | From::Lan2 | From::Outside, To::Gateway(_)) => None,
                        (_, To::Gateway(net)) if net.internal => None,
                        _ => Some(cell.hosts_own()),
                    }
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("beside-published"),
            rank: Rank::Special,
            sentence: "The ports beside a published one, and its number of the other protocol, stay the host's.",
            level: Level::Must,
            features: &[],
            source: &["cases publish/ends-of-a-range, not-for-the-other-protocol"],
            says: Says::Is(|cell| {
                let (protocol, number) = cell.port().filter(|_| is_free(cell))?;
                let near = cell.moment.published().any(|(_, port)| {
                    let beside = port.protocol == protocol && port.host_port.abs_diff(number) == 1;
                    beside || (port.protocol != protocol && port.host_port == number)
                });
                near.then(|| stays_the_hosts(cell))?
            }),
        },
        Rule {
            id: RuleId("gateway"),
            rank: Rank::Usual,
            sentence: "A container reaches the host's services and its ping by its gateway's address; the host sees the container's.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &["case bridge/gateway-answers"],
            says: Says::Is(|cell| {
                let to_gateway = matches!(cell.to, To::Gateway(_)) && own_side(cell);
                (to_gateway && !is_refused(cell)).then(|| cell.hosts_own())
            }),
        },
        Rule {
            id: RuleId("hosts-address"),
            rank: Rank::Usual,
            sentence: "A container reaches the host's services and its ping by the host's own addresses; the host sees the container's.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &[
                "RFC 1122 3.3.4.2: the weak end system model",
                "case egress/the-hosts-own-address",
            ],
            says: Says::Is(|cell| {
                let to_uplink = matches!(cell.to, To::Uplink(_)) && own_side(cell);
                (to_uplink && !is_refused(cell)).then(|| cell.hosts_own())
            }),
        },
        Rule {
            id: RuleId("host-refuses"),
            rank: Rank::Usual,
            sentence: "The host refuses what its containers send to a port of it that nobody listens on.",
            level: Level::Should,
            features: &[Feature::Gateway],
            source: &[
                "RFC 9293 3.5.2: a closed port answers with a reset",
                "RFC 1122 4.1.3.1: a closed port answers with port unreachable",
                "case bridge/gateway-refuses-tcp",
            ],
            says: Says::Is(|cell| (own_side(cell) && is_refused(cell)).then(|| cell.hosts_own())),
        },
        Rule {
            id: RuleId("other-gateway"),
            rank: Rank::Usual,
            sentence: "The host may answer a container by the gateway address of another network; no container of it gets a frame.",
            level: Level::May,
            features: &[Feature::Isolation],
            source: &[
                "RFC 1122 3.3.4.2: the weak end system model",
                "case isolation/gateway-of-the-other-network",
            ],
            says: Says::Is(|cell| {
                let to_other = matches!(cell.to, To::Gateway(_)) && cell.shared().is_none();
                let from_open = matches!(cell.from, From::Member(..)) && !cell.internal_asks();
                (from_open && to_other && is_free(cell)).then_some(Answer::NoContainer)
            }),
        },
        Rule {
            id: RuleId("gateway-from-elsewhere"),
            rank: Rank::Usual,
            sentence: "The host may answer its neighbours by a network's gateway address; no container gets a frame.",
            level: Level::May,
            features: &[],
            source: &["RFC 1122 3.3.4.2: the weak end system model"],
            says: Says::Is(|cell| {
                let from = matches!(cell.from, From::Lan | From::Lan2 | From::Outside);
                let to = matches!(cell.to, To::Gateway(_)) && is_free(cell);
                (from && to).then_some(Answer::NoContainer)
            }),
        },
        Rule {
            id: RuleId("internal-gateway"),
            rank: Rank::Usual,
            sentence: "A container of an internal network reaches the host by its gateway's address, and so does the host itself.",
            level: Level::Should,
            features: &[Feature::Gateway, Feature::Internal],
            source: &[
                "docs.docker.com, Port publishing, Gateway modes: containers of an internal network reach services of the host by the bridge's address, but for mode isolated",
            ],
            says: Says::Is(|cell| {
                let own = match (cell.from, cell.to) {
                    (From::Host, To::Gateway(net)) => net.internal,
                    (_, To::Gateway(_)) => cell.internal_asks() && cell.shared().is_some(),
                    _ => false,
                };
                (own && is_free(cell)).then(|| cell.hosts_own())
            }),
        },
        Rule {
            id: RuleId("internal-host"),
            rank: Rank::Usual,
            sentence: "A container of an internal network does not reach the host by any other of its addresses, also not by a route.",
            level: Level::Should,
            features: &[Feature::Internal, Feature::InternalHost],
            source: &[
                "moby/libnetwork#1151",
                "case internal/host-has-no-other-address",
            ],
            says: Says::Is(|cell| {
                let to_other = match cell.to {
                    To::Gateway(_) => cell.shared().is_none(),
                    To::Uplink(_) => true,
                    _ => false,
                };
                (cell.internal_asks() && to_other).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("loopback-on-the-wire"),
            rank: Rank::Usual,
            sentence: "A packet that arrives on a wire for the host's loopback addresses reaches neither a socket of the host nor a container.",
            level: Level::Must,
            features: &[Feature::PublishLocal],
            source: &[
                "RFC 1122 3.2.1.3 (g)",
                "RFC 1812 5.3.7",
                "CVE-2020-8558",
                "case publish/loopback-by-a-routed-loopback",
            ],
            says: Says::Is(|cell| {
                let asks = !matches!(cell.from, From::Host | From::Alone(_));
                let wired = cell.to == To::WiredLoopback && !is_published_everywhere(cell);
                (asks && wired).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("published-on-the-wire"),
            rank: Rank::Usual,
            sentence: "Whether a packet that arrives on a wire for 127.0.0.1 is led to a port that is published on every address is open.",
            level: Level::May,
            features: &[],
            source: &[
                "moby/moby#45610: Docker 28 guards the ports that are published on a loopback address only",
                "RFC 1812 5.3.7: a router drops it",
                "Linux net/ipv4/netfilter: PREROUTING translates before ip_route_input looks for martian addresses",
            ],
            says: Says::Open(
                "the translation of any local address takes it before routing would drop it, and the asker reaches the same port by the host's other addresses",
                |cell| cell.to == To::WiredLoopback && is_published_everywhere(cell),
            ),
        },
    ],
};

/// Whether the port that it asks for is open to it by every other address of the host.
fn is_published_everywhere(cell: &Cell<'_>) -> bool {
    let everywhere = |port: &Port| port.address.is_none_or(|on| on.is_unspecified());
    let published = cell.published();
    !cell.internal_asks()
        && published
            .is_some_and(|(member, port)| everywhere(port) && !cell.moment.is_internal(member))
}

/// Whether it asks for an address of the host, and for no port that is or was published on any.
fn is_free(cell: &Cell<'_>) -> bool {
    cell.asks_host()
        && cell.to != To::WiredLoopback
        && cell.on_this_port().next().is_none()
        && cell.published_before().is_none()
}

/// Whether a container of an open network asks by the host's address of its own network, or by one towards the outside, for
/// what was never published.
fn own_side(cell: &Cell<'_>) -> bool {
    let open = matches!(cell.from, From::Member(..)) && !cell.internal_asks();
    open && is_free(cell) && (matches!(cell.to, To::Uplink(_)) || cell.shared().is_some())
}

fn is_refused(cell: &Cell<'_>) -> bool {
    matches!(cell.hosts_own(), Answer::Refused { .. })
}

/// What the host answers by an address on which it answers this node at all.
pub(super) fn stays_the_hosts(cell: &Cell<'_>) -> Option<Answer> {
    let answers = match (cell.from, cell.to) {
        (From::Host, _) => true,
        (From::Lan | From::Lan2 | From::Outside, To::Uplink(_)) => true,
        (From::Member(..), To::Uplink(_)) => !cell.internal_asks(),
        (From::Member(..), To::Gateway(_)) => cell.shared().is_some(),
        _ => false,
    };
    answers.then(|| cell.hosts_own())
}
