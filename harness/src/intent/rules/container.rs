//! Who reaches a container by its own address.

use super::super::answer::{Answer, Sees};
use super::super::cell::{Cell, From, To};
use super::super::moment::{Net, Port};
use super::super::rule::{Group, Rank, Rule, RuleId, Says};
use crate::case::{Feature, Level};

pub(super) const GROUP: Group = Group {
    title: "Who reaches a container",
    rules: &[
        Rule {
            id: RuleId("own-address"),
            rank: Rank::Usual,
            sentence: "A container reaches itself by its own addresses and by its loopback, and no frame of that leaves it.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &["RFC 1122 3.2.1.3 (g)"],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Member(member, _), To::Own | To::Loopback) => {
                    Some(cell.reaches(&member.name, cell.own(), Some(0)))
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("without-network"),
            rank: Rank::Usual,
            sentence: "A container without a network reaches itself by its loopback; everything else is unreachable to it.",
            level: Level::Must,
            features: &[Feature::NoneMode],
            source: &["docs.docker.com: none network driver"],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Alone(member), To::Loopback) => {
                    Some(cell.reaches(&member.name, cell.own(), Some(0)))
                }
                (From::Alone(_), _) => Some(Answer::Unreachable),
                _ => None,
            }),
        },
        Rule {
            id: RuleId("neighbours"),
            rank: Rank::Usual,
            sentence: "Containers of one network reach each other on every port, without a router, and see each other's own address.",
            level: Level::Must,
            features: &[Feature::Bridge],
            source: &[
                "docs.docker.com, Bridge network driver: containers of one network expose all their ports to each other",
                "RFC 9293 3.5.2: a closed port answers with a reset",
                "RFC 1122 4.1.3.1: a closed port answers with port unreachable",
                "case bridge/neighbours-reach-each-other",
            ],
            says: Says::Is(|cell| match (cell.to, cell.shared()) {
                (To::Container(member, net), Some(_)) if !net.internal => {
                    Some(cell.reaches(&member.name, cell.own(), Some(0)))
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("internal-neighbours"),
            rank: Rank::Usual,
            sentence: "Containers of one internal network reach each other as those of any network do.",
            level: Level::Must,
            features: &[Feature::Bridge, Feature::Internal],
            source: &["case internal/containers-reach-each-other"],
            says: Says::Is(|cell| match (cell.to, cell.shared()) {
                (To::Container(member, net), Some(_)) if net.internal => {
                    Some(cell.reaches(&member.name, cell.own(), Some(0)))
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("everybody"),
            rank: Rank::Usual,
            sentence: "What a container sends to everybody of its network by broadcast comes to each other container there, and to no container elsewhere.",
            level: Level::Must,
            features: &[Feature::Bridge],
            source: &["RFC 919 7: every host of the network gets it"],
            says: Says::Is(|cell| spread(cell, false)),
        },
        Rule {
            id: RuleId("group"),
            rank: Rank::Usual,
            sentence: "What a container sends to a group of the link, as multicast DNS does, comes to each other container of the network by which it leaves, and to no container elsewhere.",
            level: Level::Must,
            features: &[Feature::Bridge, Feature::Gateway],
            source: &[
                "RFC 4541 2.1.2 (2): a bridge sends what is for 224.0.0.0/24 out of every port",
                "RFC 6762 3: multicast DNS",
            ],
            says: Says::Is(|cell| spread(cell, true)),
        },
        Rule {
            id: RuleId("everybody-past-drops"),
            rank: Rank::Special,
            sentence: "Whether what is for everybody passes a person's own rules, where iptables sees bridged packets, is open.",
            level: Level::May,
            features: &[],
            source: &["Linux, Documentation/networking/ip-sysctl.rst: bridge-nf-call-iptables"],
            says: Says::Open(
                "a person's rule may stop what comes to one of them, and names no broadcast address",
                |cell| {
                    let found = &cell.moment.found;
                    let by_iptables = found.bridge_netfilter && !found.drops.is_empty();
                    matches!(cell.to, To::Everybody(_)) && by_iptables
                },
            ),
        },
        Rule {
            id: RuleId("host-to-container"),
            rank: Rank::Usual,
            sentence: "The host reaches a container on every port, from the gateway address of its network.",
            level: Level::Must,
            features: &[Feature::Gateway],
            source: &[
                "docs.docker.com, Port publishing: the Docker host reaches all ports of containers on bridge networks",
                "case bridge/host-reaches-container",
            ],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Host, To::Container(member, net)) if !net.internal => {
                    let sees = Sees::Exactly(net.gateway);
                    Some(cell.reaches(&member.name, sees, Some(0)))
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("host-to-internal"),
            rank: Rank::Usual,
            sentence: "The host reaches a container of an internal network on every port.",
            level: Level::Should,
            features: &[Feature::Gateway, Feature::Internal],
            source: &[
                "docs.docker.com, Port publishing, Gateway modes: processes of the host can access an internal network, but for mode isolated; Podman's manual does not say",
            ],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Host, To::Container(member, net)) if net.internal => {
                    Some(cell.reaches(&member.name, Sees::Hosts, Some(0)))
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("isolation"),
            rank: Rank::Usual,
            sentence: "A container does not reach one of another network by its address, by any protocol and on any port, published or not.",
            level: Level::Must,
            features: &[Feature::Isolation],
            source: &[
                "docs.docker.com, Bridge network driver: containers on different bridge networks do not reach each other directly",
                "podman-network-create, isolate: traffic is blocked between networks that both have it",
                "cases isolation/icmp-, tcp-, udp-between-networks, published-port-opens-no-other-way",
            ],
            says: Says::Is(|cell| match (cell.from, cell.to) {
                (From::Member(..), To::Container(_, net))
                    if cell.shared().is_none() && !net.internal && !cell.internal_asks() =>
                {
                    Some(Answer::Blocked)
                }
                _ => None,
            }),
        },
        Rule {
            id: RuleId("internal-no-way-in"),
            rank: Rank::Usual,
            sentence: "Nobody but the host and its own containers reaches a container of an internal network, also not by a route.",
            level: Level::Must,
            features: &[Feature::Internal],
            source: &[
                "docker network create --internal",
                "podman-network-create --internal",
                "case internal/no-way-in",
            ],
            says: Says::Is(|cell| {
                let hides = cell.lists(Feature::HiddenPorts);
                (hides && comes_to_internal(cell)).then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("internal-no-answer"),
            rank: Rank::Usual,
            sentence: "Where unpublished ports are not hidden from routes, nobody else gets an answer from a container of an internal network.",
            level: Level::Must,
            features: &[Feature::Internal],
            source: &[
                "podman-network-create --internal: restrict external access",
                "containers/netavark#126: the bridge does not forward, which stops what leaves it and not what comes to it",
            ],
            says: Says::Is(|cell| {
                // What comes from an internal network does not leave that one.
                let hides = cell.lists(Feature::HiddenPorts) || cell.internal_asks();
                (!hides && comes_to_internal(cell)).then_some(Answer::NoAnswer)
            }),
        },
        Rule {
            id: RuleId("hidden-ports"),
            rank: Rank::Usual,
            sentence: "A route through the host to a container's address leads nothing to it: no ping, nothing to an unpublished port, no other protocol.",
            level: Level::Must,
            features: &[Feature::HiddenPorts],
            source: &[
                "docs.docker.com, Port publishing: ports that are not published are not reached from outside the host; Direct routing: remote hosts have no access to container addresses",
                "moby/moby#48724",
                "cases publish/unpublished-, udp-unpublished-, ping-by-direct-routing",
            ],
            says: Says::Is(|cell| {
                direct_route(cell)
                    .is_some_and(|ports| ports.is_empty())
                    .then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("loopback-published-by-route"),
            rank: Rank::Usual,
            sentence: "A route through the host does not lead to a container's port that is published on a loopback address only.",
            level: Level::Must,
            features: &[Feature::PublishAddress, Feature::HiddenPorts],
            source: &[
                "docs.docker.com, Port publishing: with 127.0.0.1 only the Docker host has access",
                "moby/moby#45610",
                "case publish/loopback-by-direct-routing",
            ],
            says: Says::Is(|cell| {
                let ports = direct_route(cell)?;
                let all = !ports.is_empty() && ports.iter().all(|port| on_loopback(port));
                all.then_some(Answer::Blocked)
            }),
        },
        Rule {
            id: RuleId("published-by-route"),
            rank: Rank::Usual,
            sentence: "Whether a route through the host leads to the container's port of a published port is open.",
            level: Level::May,
            features: &[],
            source: &["docs.docker.com, Port publishing, Direct routing and Gateway modes"],
            says: Says::Open(
                "Docker's page says that remote hosts have no direct access by default, and that published ports are always reached so",
                |cell| {
                    direct_route(cell)
                        .is_some_and(|ports| ports.iter().any(|port| !on_loopback(port)))
                },
            ),
        },
    ],
};

/// That what is for everybody, by broadcast or to a group, comes to the asking container's neighbours.
fn spread(cell: &Cell<'_>, to_group: bool) -> Option<Answer> {
    let To::Everybody(net) = cell.to else {
        return None;
    };
    let is_meant = cell.question.to.address.is_multicast() == to_group;
    (is_meant && cell.shared().is_some()).then(|| cell.spread(net))
}

/// Whether somebody other than the host asks for a container of an internal network that is not his own.
fn comes_to_internal(cell: &Cell<'_>) -> bool {
    let internal = matches!(cell.to, To::Container(_, net) if net.internal);
    let foreign = !matches!(cell.from, From::Host | From::Alone(_));
    internal && foreign && cell.shared().is_none()
}

/// For a packet from lan or outside straight to a container's address: by which published ports its port is led to.
fn direct_route<'a>(cell: &Cell<'a>) -> Option<Vec<&'a Port>> {
    let (
        From::Lan | From::Lan2 | From::Outside,
        To::Container(
            member,
            Net {
                internal: false, ..
            },
        ),
    ) = (cell.from, cell.to)
    else {
        return None;
    };
    let asked = cell.port();
    let leads = |port: &&Port| asked == Some((port.protocol, port.container_port));
    Some(member.publish.iter().filter(leads).collect())
}

fn on_loopback(port: &Port) -> bool {
    port.address.is_some_and(|address| address.is_loopback())
}
