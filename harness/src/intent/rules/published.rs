//! Who reaches a published port.

use super::super::answer::{Answer, Sees};
use super::super::cell::{Cell, From, To};
use super::super::moment::{Member, Port};
use super::super::rule::{Group, Rank, Rule, RuleId, Says};
use super::host::stays_the_hosts;
use crate::address::Family;
use crate::case::{Feature, Level, Policy};

const FOR_BOTH: &[Feature] = &[Feature::PublishTcp, Feature::PublishUdp];

pub(super) const GROUP: Group = Group {
    title: "Who reaches a published port",
    rules: &[
        Rule {
            id: RuleId("published"),
            rank: Rank::Usual,
            sentence: "A published port leads neighbours of the host, and clients behind routers, to its container, who sees their own address.",
            level: Level::Must,
            features: FOR_BOTH,
            source: &[
                "docs.docker.com, Port publishing: a port on any address of the Docker host",
                "containernetworking/plugins: portmap",
                "cases publish/tcp-, udp-from-a-neighbour, -from-outside, on-every-address",
            ],
            says: Says::Is(|cell| {
                let routers = match (cell.from, cell.to) {
                    (From::Lan | From::Lan2, To::Uplink(_)) => 1,
                    (From::Outside, To::Uplink(_)) => 3,
                    _ => return None,
                };
                Some(cell.is_led(led(cell)?, cell.own(), Some(routers)))
            }),
        },
        Rule {
            id: RuleId("published-from-host"),
            rank: Rank::Usual,
            sentence: "The host reaches a published port by each address of it that the port is published on.",
            level: Level::Must,
            features: &[
                Feature::PublishTcp,
                Feature::PublishUdp,
                Feature::PublishLocal,
            ],
            source: &["cases publish/from-the-host, udp-from-the-host"],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Host, To::Uplink(_) | To::Gateway(_)) => {
                    Some(cell.is_led(led(cell)?, Sees::Hosts, None))
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("published-by-loopback"),
            rank: Rank::Usual,
            sentence: "The host reaches a port that is published on all addresses, or on 127.0.0.1, by 127.0.0.1.",
            level: Level::Should,
            features: &[
                Feature::PublishTcp,
                Feature::PublishUdp,
                Feature::PublishLocal,
            ],
            source: &[
                "containernetworking/plugins: portmap, localhost hostports",
                "cases publish/from-the-hosts-loopback, udp-from-the-hosts-loopback",
            ],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Host, To::Loopback) if cell.moment.family == Family::Ipv4 => {
                    let answer = cell.is_led(led(cell)?, Sees::Hosts, None);
                    (!is_refused(&answer)).then_some(answer)
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("published-by-ipv6-loopback"),
            rank: Rank::Usual,
            sentence: "Whether the host reaches a published port by ::1 is open.",
            level: Level::May,
            features: &[],
            source: &["containernetworking/plugins: portmap"],
            says: Says::Open(
                "a proxy answers by ::1, and a translation cannot: IPv6 has no route_localnet",
                |cell| {
                    let loopback = (cell.from, cell.to) == (From::Host, To::Loopback);
                    loopback && cell.moment.family == Family::Ipv6 && led(cell).is_some()
                },
            ),
        },
        Rule {
            id: RuleId("hairpin"),
            rank: Rank::Usual,
            sentence: "A container reaches itself and its neighbours by their published ports, at the host's addresses and its gateway's.",
            level: Level::Must,
            features: &[Feature::PublishTcp, Feature::PublishUdp, Feature::Hairpin],
            source: &[
                "containernetworking/plugins: portmap, bridge hairpinMode",
                "RFC 5382 7.2",
                "RFC 4787 6",
                "cases publish/hairpin-itself, hairpin-neighbour, udp-hairpin-itself, udp-hairpin-neighbour",
            ],
            says: Says::Is(|cell| {
                let led = led(cell).filter(|(to, _)| on_its_side(cell) && are_near(cell, to))?;
                let answer = cell.is_led(led, Sees::OwnOrHosts, None);
                (!is_refused(&answer)).then_some(answer)
            }),
        },
        Rule {
            id: RuleId("published-to-other-networks"),
            rank: Rank::Usual,
            sentence: "A container of another network reaches a published port at the host's addresses and at its own gateway's.",
            level: Level::Must,
            features: &[
                Feature::PublishTcp,
                Feature::PublishUdp,
                Feature::Isolation,
                Feature::Hairpin,
            ],
            source: &[
                "docs.docker.com, Port publishing: -p makes a port available to containers in other bridge networks",
                "containers/netavark#709",
                "cases publish/tcp-, udp-from-another-network",
            ],
            says: Says::Is(|cell| {
                let led = led(cell).filter(|(to, _)| on_its_side(cell) && !are_near(cell, to))?;
                let answer = cell.is_led(led, Sees::OwnOrHosts, None);
                (!is_refused(&answer)).then_some(answer)
            }),
        },
        Rule {
            id: RuleId("published-past-input"),
            rank: Rank::Special,
            sentence: "Whether a container reaches published ports by addresses of a host whose INPUT lets nobody in is open.",
            level: Level::May,
            features: &[],
            source: &["dockerd --userland-proxy"],
            says: Says::Open(
                "a translation takes the packet to FORWARD, and a proxy of the implementation is a service of the host, which the person has closed",
                |cell| {
                    let closed = cell.moment.found.input == Some(Policy::Drop);
                    closed && on_its_side(cell) && led(cell).is_some()
                },
            ),
        },
        Rule {
            id: RuleId("published-by-another-gateway"),
            rank: Rank::Usual,
            sentence: "Whether a published port is reached by the gateway address of a network that the asking node is not on is open.",
            level: Level::May,
            features: &[],
            source: &[
                "docs.docker.com, Port publishing, Gateway modes: containers of other networks reach ports by the host addresses that they are published to",
            ],
            says: Says::Open(
                "Docker's page names every host address that the port is published to, and no manual lets a container reach the gateway address of another network",
                |cell| {
                    let other = matches!(cell.to, To::Gateway(_)) && cell.shared().is_none();
                    let asks = cell.from != From::Host && !cell.internal_asks();
                    other && asks && led(cell).is_some()
                },
            ),
        },
        Rule {
            id: RuleId("published-without-listener"),
            rank: Rank::Usual,
            sentence: "Whether a published port without a listener refuses is open where a proxy of the implementation may stand between.",
            level: Level::May,
            features: &[],
            source: &["dockerd --userland-proxy"],
            says: Says::Open(
                "a translation refuses, and a proxy accepts before it knows that nobody listens",
                |cell| {
                    let by_loopback = (cell.from, cell.to) == (From::Host, To::Loopback);
                    let proxied =
                        on_its_side(cell) || (by_loopback && cell.moment.family == Family::Ipv4);
                    let answer = led(cell).map(|led| cell.is_led(led, Sees::Anything, None));
                    proxied && answer.as_ref().is_some_and(is_refused)
                },
            ),
        },
        Rule {
            id: RuleId("published-elsewhere"),
            rank: Rank::Usual,
            sentence: "A port that is published on one address of the host stays the host's by its other addresses.",
            level: Level::Must,
            features: &[
                Feature::PublishTcp,
                Feature::PublishUdp,
                Feature::PublishAddress,
            ],
            source: &[
                "docs.docker.com, Bridge network driver: a port that is bound to one address is reached by that address only",
                "cases publish/not-on-another-address, not-for-other-addresses",
            ],
            says: Says::Is(|cell| {
                let elsewhere = cell.published().is_none() && cell.on_this_port().next().is_some();
                elsewhere.then(|| stays_the_hosts(cell))?
            }),
        },
        Rule {
            id: RuleId("published-elsewhere-by-another-gateway"),
            rank: Rank::Usual,
            sentence: "A port that is published on one address does not lead to its container by the gateway address of another network.",
            level: Level::Must,
            features: &[
                Feature::PublishTcp,
                Feature::PublishUdp,
                Feature::PublishAddress,
            ],
            source: &[
                "docs.docker.com, Bridge network driver: a port that is bound to one address is reached by that address only",
            ],
            says: Says::Is(|cell| {
                let elsewhere = cell.published().is_none() && cell.on_this_port().next().is_some();
                let other = matches!(cell.to, To::Gateway(_)) && cell.shared().is_none();
                let asks = cell.from != From::Host && !cell.internal_asks();
                (elsewhere && other && asks).then_some(Answer::NoContainer)
            }),
        },
        Rule {
            id: RuleId("internal-published"),
            rank: Rank::Usual,
            sentence: "A container of an internal network is not reached by a port that it asked to publish.",
            level: Level::Must,
            features: &[Feature::Internal],
            source: &["docker network create --internal"],
            says: Says::Is(|cell| {
                let (member, _) = cell.published()?;
                let internal = cell.moment.is_internal(member) && !cell.internal_asks();
                let far = matches!(cell.from, From::Lan | From::Lan2 | From::Outside);
                (internal && far && cell.to != To::WiredLoopback).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("internal-published-near"),
            rank: Rank::Usual,
            sentence: "Whether the host or a container reaches a port that a container of an internal network asked to publish is open.",
            level: Level::May,
            features: &[],
            source: &["docker network create --internal"],
            says: Says::Open(
                "no manual says what publishing means on an internal network",
                |cell| {
                    let near = match cell.from {
                        From::Host => true,
                        From::Member(..) => !cell.internal_asks(),
                        _ => false,
                    };
                    let internal = |(member, _): (&Member, _)| cell.moment.is_internal(member);
                    near && cell.to != To::WiredLoopback && cell.published().is_some_and(internal)
                },
            ),
        },
        Rule {
            id: RuleId("internal-to-published"),
            rank: Rank::Usual,
            sentence: "Whether a container of an internal network reaches published ports of other networks by its gateway's address is open.",
            level: Level::May,
            features: &[],
            source: &[
                "docker network create --internal",
                "podman-network-create --internal",
            ],
            says: Says::Open(
                "it is no service of the host, and it is a way out: nobody says which counts",
                |cell| {
                    let own = matches!(cell.to, To::Gateway(_)) && cell.shared().is_some();
                    cell.internal_asks() && own && cell.published().is_some()
                },
            ),
        },
    ],
};

/// Who publishes the asked port on the asked address, if that is reached from other networks at all.
fn led<'a>(cell: &Cell<'a>) -> Option<(&'a Member, &'a Port)> {
    let published = cell.published();
    published.filter(|(member, _)| !cell.moment.is_internal(member) && cell.to != To::WiredLoopback)
}

/// Whether a container of an open network asks by the host's address of its own network, or by one towards the outside.
fn on_its_side(cell: &Cell<'_>) -> bool {
    let open = matches!(cell.from, From::Member(..)) && !cell.internal_asks();
    open && (matches!(cell.to, To::Uplink(_)) || cell.shared().is_some())
}

/// Whether the asking container is this one or shares a network with it.
fn are_near(cell: &Cell<'_>, other: &Member) -> bool {
    let From::Member(_, nets) = cell.from else {
        return false;
    };
    let shares = |(name, _): &(String, _)| other.nets().iter().any(|(net, _)| net == name);
    nets.iter().any(shares)
}

fn is_refused(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused { .. })
}
