//! Who reaches a published port.

use super::super::answer::{Answer, Sees, Why};
use super::super::cell::{Cell, From, To};
use super::super::moment::{Member, Port};
use super::super::rule::{Group, Rank, Rule, RuleId};
use super::host::stays_the_hosts;
use crate::case::{Family, Feature, Level};

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
                "docs.docker.com: port publishing and mapping",
                "containernetworking/plugins: portmap",
                "cases publish/tcp-, udp-from-a-neighbour, -from-outside, on-every-address",
            ],
            fits: |cell| {
                let routers = match (cell.from, cell.to) {
                    (From::Lan, To::Uplink(_)) => 1,
                    (From::Outside, To::Uplink(_)) => 3,
                    _ => return None,
                };
                Some(cell.is_led(led(cell)?, cell.own(), Some(routers)))
            },
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
            fits: |cell| match (cell.from, cell.to) {
                (From::Host, To::Uplink(_) | To::Gateway(_)) => {
                    Some(cell.is_led(led(cell)?, Sees::Hosts, None))
                }
                _ => None,
            },
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
            fits: |cell| match (cell.from, cell.to) {
                (From::Host, To::Loopback) if cell.moment.family == Family::Ipv4 => {
                    let answer = cell.is_led(led(cell)?, Sees::Hosts, None);
                    (!is_refused(&answer)).then_some(answer)
                }
                _ => None,
            },
        },
        Rule {
            id: RuleId("published-by-ipv6-loopback"),
            rank: Rank::Usual,
            sentence: "Whether the host reaches a published port by ::1 is open.",
            level: Level::May,
            features: &[],
            source: &["containernetworking/plugins: portmap"],
            fits: |cell| match (cell.from, cell.to) {
                (From::Host, To::Loopback) if cell.moment.family == Family::Ipv6 => {
                    led(cell)?;
                    let why = Why::NoPromise(
                        "a proxy answers by ::1, and a translation can't: IPv6 has no route_localnet",
                    );
                    Some(Answer::Unspecified { why })
                }
                _ => None,
            },
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
            fits: |cell| {
                let led = led(cell).filter(|(to, _)| on_its_side(cell) && are_near(cell, to))?;
                let answer = cell.is_led(led, Sees::OwnOrHosts, None);
                (!is_refused(&answer)).then_some(answer)
            },
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
                "docs.docker.com: port publishing and mapping",
                "containers/netavark#709",
                "cases publish/tcp-, udp-from-another-network",
            ],
            fits: |cell| {
                let led = led(cell).filter(|(to, _)| on_its_side(cell) && !are_near(cell, to))?;
                let answer = cell.is_led(led, Sees::OwnOrHosts, None);
                (!is_refused(&answer)).then_some(answer)
            },
        },
        Rule {
            id: RuleId("published-by-another-gateway"),
            rank: Rank::Usual,
            sentence: "Whether a published port is reached by the gateway address of a network that the asking node is not on is open.",
            level: Level::May,
            features: &[],
            source: &["docs.docker.com: port publishing and mapping"],
            fits: |cell| {
                led(cell)?;
                let other = matches!(cell.to, To::Gateway(_)) && cell.shared().is_none();
                let why = Why::NoPromise(
                    "Docker's page said that a port is reached by its own interface only, and says that forwarding opens it",
                );
                let asks = cell.from != From::Host && !cell.internal_asks();
                (other && asks).then_some(Answer::Unspecified { why })
            },
        },
        Rule {
            id: RuleId("published-without-listener"),
            rank: Rank::Usual,
            sentence: "Whether a published port without a listener refuses is open where a proxy of the implementation may stand between.",
            level: Level::May,
            features: &[],
            source: &["dockerd --userland-proxy"],
            fits: |cell| {
                let led = led(cell)?;
                let proxied = on_its_side(cell)
                    || (cell.from == From::Host
                        && cell.to == To::Loopback
                        && cell.moment.family == Family::Ipv4);
                let refused = is_refused(&cell.is_led(led, Sees::Anything, None));
                let why = Why::NoPromise(
                    "a translation refuses, and a proxy accepts before it knows that nobody listens",
                );
                (proxied && refused).then_some(Answer::Unspecified { why })
            },
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
                "docs.docker.com: port publishing and mapping",
                "cases publish/not-on-another-address, not-for-other-addresses",
            ],
            fits: |cell| {
                let elsewhere = cell.published().is_none() && cell.on_this_port().next().is_some();
                elsewhere.then(|| stays_the_hosts(cell))?
            },
        },
        Rule {
            id: RuleId("published-elsewhere-by-another-gateway"),
            rank: Rank::Usual,
            sentence: "A port that is published on one address leads nobody to its container by the gateway address of another network.",
            level: Level::Must,
            features: &[
                Feature::PublishTcp,
                Feature::PublishUdp,
                Feature::PublishAddress,
            ],
            source: &["docs.docker.com: port publishing and mapping"],
            fits: |cell| {
                let elsewhere = cell.published().is_none() && cell.on_this_port().next().is_some();
                let other = matches!(cell.to, To::Gateway(_)) && cell.shared().is_none();
                let asks = cell.from != From::Host && !cell.internal_asks();
                (elsewhere && other && asks).then_some(Answer::NoContainer)
            },
        },
        Rule {
            id: RuleId("internal-published"),
            rank: Rank::Usual,
            sentence: "A container of an internal network is not reached by a port that it asked to publish.",
            level: Level::Must,
            features: &[Feature::Internal],
            source: &["docker network create --internal"],
            fits: |cell| {
                let (member, _) = cell.published()?;
                let internal = cell.moment.is_internal(member) && !cell.internal_asks();
                let far = matches!(cell.from, From::Lan | From::Outside);
                (internal && far && cell.to != To::WiredLoopback).then_some(Answer::Blocked)
            },
        },
        Rule {
            id: RuleId("internal-published-near"),
            rank: Rank::Usual,
            sentence: "Whether the host or a container reaches a port that a container of an internal network asked to publish is open.",
            level: Level::May,
            features: &[],
            source: &["docker network create --internal"],
            fits: |cell| {
                let (member, _) = cell.published()?;
                let near = match cell.from {
                    From::Host => true,
                    From::Member(..) => !cell.internal_asks(),
                    _ => false,
                };
                let why =
                    Why::NoPromise("no manual says what publishing means on an internal network");
                (near && cell.moment.is_internal(member) && cell.to != To::WiredLoopback)
                    .then_some(Answer::Unspecified { why })
            },
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
            fits: |cell| {
                let own = matches!(cell.to, To::Gateway(_)) && cell.shared().is_some();
                let why = Why::NoPromise(
                    "it is no service of the host, and it is a way out: nobody says which counts",
                );
                cell.published()?;
                (cell.internal_asks() && own).then_some(Answer::Unspecified { why })
            },
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
