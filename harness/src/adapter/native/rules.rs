//! The native implementation's rules: one function for each behaviour, so that each can be broken by itself.

use std::net::IpAddr;

use super::extra::{self, Place};
use super::filter::{forward, keep_from_host};
use super::names::{TABLE, bridge};
use super::{Fault, Faults};
use crate::adapter::{PublishedPort, Scenario, ScenarioContainer, ScenarioNetwork};
use crate::case::Protocol;

/// Ports of the host that connections get in place of their own: dynamic ones (RFC 6335 6).
const DRAWN_PORTS: &str = "49152-65535";

/// Containers of a network with the addresses that they get.
pub(super) fn members<'a>(
    scenario: &'a Scenario,
    network: &'a str,
    faults: &Faults,
) -> Vec<(&'a ScenarioContainer, IpAddr)> {
    let mut members = scenario.members(network);
    if faults.has(Fault::StaticAddressIgnored)
        && let Some(of) = scenario.network(network)
    {
        for (offset, (_, address)) in (100_u8..).zip(&mut members) {
            if let (IpAddr::V4(own), IpAddr::V4(gateway)) = (address, of.gateway) {
                let [a, b, c, _] = gateway.octets();
                *own = [a, b, c, offset].into();
            }
        }
    }
    if faults.has(Fault::AddressTwice)
        && let Some((_, first)) = members.first().copied()
    {
        members.iter_mut().for_each(|(_, address)| *address = first);
    }
    members
}

/// A published port with where it leads.
pub(super) struct Way<'a> {
    pub(super) port: &'a PublishedPort,
    pub(super) to: IpAddr,
}

fn ways<'a>(scenario: &'a Scenario, faults: &Faults) -> Vec<Way<'a>> {
    let published = |way: &Way<'_>| match way.port.protocol {
        Protocol::Tcp => !faults.has(Fault::NoPublishTcp),
        Protocol::Udp => !faults.has(Fault::NoPublishUdp),
    };
    let networks = scenario.networks.iter().filter(|network| !network.internal);
    let mut ways: Vec<Way<'_>> = networks
        .flat_map(|network| {
            let members = members(scenario, &network.name, faults);
            members.into_iter().map(move |member| (member, network))
        })
        .flat_map(|((container, to), network)| {
            let to = if faults.has(Fault::PublishToGateway) {
                network.gateway
            } else {
                to
            };
            container.publish.iter().map(move |port| Way { port, to })
        })
        .filter(published)
        .collect();
    if faults.has(Fault::PublishFirstPortOnly) {
        ways.truncate(1);
    }
    let mut taken: Vec<(u16, Protocol)> = Vec::new();
    ways.retain(|way| {
        let (number, protocol) = (way.port.host_port, way.port.protocol);
        let same = taken.contains(&(number, protocol));
        let other = taken.iter().any(|one| one.0 == number && one.1 != protocol);
        taken.push((number, protocol));
        let once = same && faults.has(Fault::PublishOncePerPort);
        let one_protocol = other && faults.has(Fault::PublishOneProtocolPerPort);
        !once && !one_protocol
    });
    if faults.has(Fault::PublishToLastContainer)
        && let Some(last) = ways.last().map(|way| way.to)
    {
        ways.iter_mut().for_each(|way| way.to = last);
    }
    ways
}

/// All rules as `nft -f` reads them.
pub(super) fn ruleset(scenario: &Scenario, faults: &Faults) -> String {
    let ways = ways(scenario, faults);
    let mut chains = vec![
        chain(
            "raw",
            "filter",
            "prerouting",
            "raw",
            &[
                extra::rules(Place::Raw, faults),
                stateless(&ways, faults),
                guard_loopback(faults),
            ]
            .concat(),
        ),
        chain(
            "prerouting",
            "nat",
            "prerouting",
            "dstnat",
            &publish_to_others(&ways, faults),
        ),
        chain(
            "output",
            "nat",
            "output",
            "-100",
            &publish_from_host(&ways, faults),
        ),
        chain(
            "forward",
            "filter",
            "forward",
            "filter",
            &forward(scenario, &ways, faults),
        ),
        chain(
            "postrouting",
            "nat",
            "postrouting",
            "srcnat",
            &leave(scenario, &ways, faults),
        ),
    ];
    let kept = keep_from_host(scenario, faults);
    for (place, name, hook, priority) in [
        (Place::Early, "early", "prerouting", "-450"),
        (Place::Input, "input", "input", "filter"),
        (Place::Output, "own", "output", "filter"),
    ] {
        let mut rules = extra::rules(place, faults);
        if place == Place::Input {
            rules.extend(kept.iter().cloned());
        }
        if !rules.is_empty() {
            chains.push(chain(name, "filter", hook, priority, &rules));
        }
    }
    let before = if faults.has(Fault::ForeignRulesFlushed) {
        "flush ruleset\n"
    } else {
        ""
    };
    format!("{before}table ip {TABLE} {{\n{}}}\n", chains.concat())
}

fn chain(name: &str, kind: &str, hook: &str, priority: &str, rules: &[String]) -> String {
    let rules: String = rules.iter().map(|rule| format!("    {rule}\n")).collect();
    format!(
        "  chain {name} {{\n    type {kind} hook {hook} priority {priority}; policy accept;\n{rules}  }}\n"
    )
}

/// With `route_localnet`, 127.0.0.0/8 would be reachable from the wire.
fn guard_loopback(faults: &Faults) -> Vec<String> {
    if faults.has(Fault::LoopbackOpenToNeighbours) {
        return Vec::new();
    }
    vec![String::from("iifname != \"lo\" ip daddr 127.0.0.0/8 drop")]
}

fn publish(ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    ways.iter().map(|way| translate(way, faults)).collect()
}

fn publish_to_others(ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    if faults.has(Fault::PublishFromHostOnly) {
        return Vec::new();
    }
    publish(ways, faults)
}

/// A translation that no connection remembers, so that nothing turns the answers back.
fn stateless(ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    if !faults.has(Fault::PublishReplyUntranslated) {
        return Vec::new();
    }
    let rule = |way: &Way<'_>| {
        let PublishedPort {
            host_port,
            container_port,
            protocol,
            ..
        } = way.port;
        let to = way.to;
        format!(
            "fib daddr type local {protocol} dport {host_port} ip daddr set {to} {protocol} dport set {container_port} notrack"
        )
    };
    ways.iter().map(rule).collect()
}

fn publish_from_host(ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    if faults.has(Fault::NoPublishFromHost) {
        return Vec::new();
    }
    let loopback = faults.has(Fault::NoLoopbackPublish);
    let guard = loopback.then(|| String::from("ip daddr 127.0.0.0/8 accept"));
    guard.into_iter().chain(publish(ways, faults)).collect()
}

fn translate(way: &Way<'_>, faults: &Faults) -> String {
    let PublishedPort {
        host_address,
        host_port,
        container_port,
        protocol,
    } = way.port;
    let address = match host_address.filter(|address| !address.is_unspecified()) {
        Some(address) if !faults.has(Fault::PublishOnEveryAddress) => {
            format!("ip daddr {address} ")
        }
        // Not every packet to that port: those that only pass through are not for the host (CVE-2025-67499).
        None if faults.has(Fault::PublishOnLoopbackOnly) => String::from("ip daddr 127.0.0.1 "),
        Some(_) | None if !faults.has(Fault::PublishTakesTransit) => {
            String::from("fib daddr type local ")
        }
        Some(_) | None => String::new(),
    };
    let to = way.to;
    let matched = match protocol {
        _ if faults.has(Fault::PublishBothProtocols) => {
            String::from("meta l4proto { tcp, udp } th")
        }
        Protocol::Tcp if faults.has(Fault::PublishWrongProtocol) => String::from("udp"),
        Protocol::Udp if faults.has(Fault::PublishWrongProtocol) => String::from("tcp"),
        Protocol::Tcp | Protocol::Udp => protocol.to_string(),
    };
    let host_ports = if faults.has(Fault::PublishWrongHostPort) {
        host_port.saturating_add(1).to_string()
    } else if faults.has(Fault::PublishRangeTooWide) {
        format!("{host_port}-{}", host_port.saturating_add(9))
    } else {
        host_port.to_string()
    };
    let off = u16::from(faults.has(Fault::PublishWrongContainerPort));
    let container_port = container_port.saturating_add(off);
    format!("{address}{matched} dport {host_ports} dnat to {to}:{container_port}")
}

fn leave(scenario: &Scenario, ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    let mut rules = extra::rules(Place::Leave, faults);
    if faults.has(Fault::HostSourceHidden) {
        let uplink = crate::lab::contract::UPLINK.address;
        rules.push(format!(
            "oifname \"gp-*\" fib saddr type local snat to {uplink}"
        ));
    }
    for (number, network) in scenario.networks.iter().enumerate() {
        rules.extend(hairpin(network, ways, faults));
        rules.extend(answer_loopback(network));
        if number == 0 || !faults.has(Fault::MasqueradeFirstNetworkOnly) {
            rules.extend(leave_published_ports(network, ways, faults));
            rules.extend(masquerade(network, faults));
        }
    }
    if faults.has(Fault::PublishHidesClient) && !ways.is_empty() {
        rules.push(String::from("oifname \"gp-*\" ct status dnat masquerade"));
    }
    rules
}

/// A reply has to come back through the host, or the asking container would not know its sender.
fn hairpin(network: &ScenarioNetwork, ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    if faults.has(Fault::NoHairpin) {
        return Vec::new();
    }
    let subnet = &network.subnet;
    let only = if faults.has(Fault::NoHairpinForUdp) {
        "meta l4proto tcp "
    } else {
        ""
    };
    let rule = |saddr: &str, daddr: &str| {
        format!("ip saddr {saddr} ip daddr {daddr} {only}ct status dnat masquerade")
    };
    let one = |way: &Way<'_>| {
        let to = way.to.to_string();
        if faults.has(Fault::NoHairpinForItself) {
            rule(&format!("!= {to} ip saddr {subnet}"), &to)
        } else {
            rule(&to, &to)
        }
    };
    if faults.has(Fault::NoHairpinForItself) || faults.has(Fault::NoHairpinForNeighbours) {
        return ways.iter().map(one).collect();
    }
    vec![rule(subnet, subnet)]
}

fn answer_loopback(network: &ScenarioNetwork) -> Option<String> {
    let bridge = bridge(&network.name);
    Some(format!(
        "ip saddr 127.0.0.0/8 oifname \"{bridge}\" masquerade"
    ))
}

/// A masqueraded connection from a published port's number would have that port of the host, and whoever it was opened to
/// would reach its container there (CVE-2021-3773).
fn leave_published_ports(
    network: &ScenarioNetwork,
    ways: &[Way<'_>],
    faults: &Faults,
) -> Vec<String> {
    if network.internal || faults.has(Fault::NoMasquerade) || faults.has(Fault::SourcePortShadows) {
        return Vec::new();
    }
    let (subnet, bridge) = (&network.subnet, bridge(&network.name));
    let rule = |way: &Way<'_>| {
        let (protocol, port) = (way.port.protocol, way.port.host_port);
        format!(
            "ip saddr {subnet} oifname != \"{bridge}\" {protocol} sport {port} masquerade to :{DRAWN_PORTS}"
        )
    };
    ways.iter().map(rule).collect()
}

fn masquerade(network: &ScenarioNetwork, faults: &Faults) -> Option<String> {
    if network.internal || faults.has(Fault::NoMasquerade) {
        return None;
    }
    let (subnet, bridge) = (&network.subnet, bridge(&network.name));
    let out = if faults.has(Fault::MasqueradeWithinSubnet) {
        String::new()
    } else if faults.has(Fault::MasqueradeWrongInterface) {
        format!("oifname \"{bridge}\" ")
    } else {
        format!("oifname != \"{bridge}\" ")
    };
    let of = if faults.has(Fault::MasqueradeForTcpOnly) {
        "meta l4proto tcp "
    } else if faults.has(Fault::MasqueradeNotForUdp) {
        "meta l4proto != udp "
    } else {
        ""
    };
    let source = if faults.has(Fault::MasqueradeWrongSource) {
        String::from("snat to 10.0.2.99")
    } else if faults.has(Fault::MasqueradeToGateway) {
        format!("snat to {}", network.gateway)
    } else {
        String::from("masquerade")
    };
    Some(format!("ip saddr {subnet} {out}{of}{source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Attached;

    fn scenario() -> Scenario {
        Scenario {
            networks: vec![ScenarioNetwork {
                name: "front".into(),
                subnet: "10.77.1.0/24".into(),
                gateway: IpAddr::from([10, 77, 1, 1]),
                internal: false,
                mtu: None,
            }],
            containers: vec![ScenarioContainer {
                name: "c1".into(),
                attached: Attached::Network {
                    name: "front".into(),
                    address: None,
                },
                publish: vec![PublishedPort {
                    host_address: None,
                    host_port: 8080,
                    container_port: 80,
                    protocol: Protocol::Tcp,
                }],
            }],
        }
    }

    #[test]
    fn rules_read_as_nft_writes_them() {
        insta::assert_snapshot!(ruleset(&scenario(), &Faults::default()));
    }

    #[test]
    fn every_fault_of_the_rules_changes_them() {
        let right = ruleset(&scenario(), &Faults::default());
        for fault in [
            Fault::NoMasquerade,
            Fault::NoPublishTcp,
            Fault::NoHairpin,
            Fault::PublishHidesClient,
            Fault::UnpublishedReachable,
        ] {
            let wrong = ruleset(&scenario(), &Faults::from_iter([fault]));
            assert_ne!(right, wrong, "{fault}");
        }
    }
}
