//! What the native implementation lets through, and what it drops.

use super::extra::{self, Place};
use super::names::bridge;
use super::rules::Way;
use super::{Fault, Faults};
use crate::adapter::{Scenario, ScenarioNetwork};

pub(super) fn forward(scenario: &Scenario, ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    let mut rules = extra::rules(Place::Forward, faults);
    let names = || {
        scenario
            .networks
            .iter()
            .map(|network| bridge(&network.name))
    };
    if faults.has(Fault::NeighboursMeetForward) {
        let rule =
            |name| format!("iifname \"{name}\" oifname \"{name}\" ct status & dnat == 0 drop");
        rules.extend(names().map(rule));
    }
    for network in scenario.networks.iter().filter(|network| network.internal) {
        rules.extend(keep_internal(network, faults));
    }
    rules.push(String::from("ct state established,related accept"));
    // NAT does not touch what belongs to no connection: it would leave with its private source (moby/moby#18630).
    if !faults.has(Fault::InvalidLeaks) {
        rules.push(String::from("iifname \"gp-*\" ct state invalid drop"));
    }
    if faults.has(Fault::IsolationOpenForPublished) {
        let rule = |way: &Way<'_>| {
            let (protocol, port) = (way.port.protocol, way.port.container_port);
            format!("ip daddr {} {protocol} dport {port} accept", way.to)
        };
        rules.extend(ways.iter().map(rule));
    }
    rules.extend(isolate(scenario, faults));
    for network in &scenario.networks {
        rules.extend(hide_unpublished(network, faults));
    }
    // Of what is let through, the first packet of each connection.
    if faults.has(Fault::DuplicatePackets) {
        let rule = |name| format!("oifname \"{name}\" dup to ip daddr device \"{name}\"");
        rules.extend(names().map(rule));
    }
    rules
}

fn keep_internal(network: &ScenarioNetwork, faults: &Faults) -> Vec<String> {
    if faults.has(Fault::InternalByRouteOnly) {
        return Vec::new();
    }
    let bridge = bridge(&network.name);
    let kept = if faults.has(Fault::InternalOpenForUdp) {
        "meta l4proto != udp "
    } else {
        ""
    };
    vec![
        format!("iifname \"{bridge}\" oifname != \"{bridge}\" {kept}drop"),
        format!("oifname \"{bridge}\" iifname != \"{bridge}\" drop"),
    ]
}

/// Of the host, an internal network knows only its own gateway address (moby/libnetwork#1151).
pub(super) fn keep_from_host(scenario: &Scenario, faults: &Faults) -> Vec<String> {
    if faults.has(Fault::InternalByRouteOnly) || faults.has(Fault::InternalReachesHost) {
        return Vec::new();
    }
    let internal = scenario.networks.iter().filter(|network| network.internal);
    internal
        .map(|network| {
            let (bridge, gateway) = (bridge(&network.name), network.gateway);
            let others = if faults.has(Fault::InternalReachesOtherGateways) {
                format!("ip daddr {}", crate::lab::contract::UPLINK.address)
            } else {
                format!("ip daddr != {gateway}")
            };
            let kept = if faults.has(Fault::InternalReachesHostByIcmp) {
                " meta l4proto tcp"
            } else {
                ""
            };
            format!("iifname \"{bridge}\" {others}{kept} drop")
        })
        .collect()
}

fn isolate(scenario: &Scenario, faults: &Faults) -> Vec<String> {
    if faults.has(Fault::NoIsolation) || scenario.networks.len() < 2 {
        return Vec::new();
    }
    let only = if faults.has(Fault::IsolationForTcpOnly) {
        "meta l4proto tcp "
    } else if faults.has(Fault::IsolationForIcmpOnly) {
        "meta l4proto icmp "
    } else {
        ""
    };
    let published = if faults.has(Fault::IsolationAgainstPublished) {
        ""
    } else {
        "ct status & dnat == 0 "
    };
    let bridges: Vec<String> = scenario
        .networks
        .iter()
        .map(|network| format!("\"{}\"", bridge(&network.name)))
        .collect();
    let names = &bridges;
    let pairs = names.iter().flat_map(|from| {
        names
            .iter()
            .filter(move |to| *to != from)
            .map(move |to| (from, to))
    });
    let pairs = pairs
        .filter(|(from, _)| !faults.has(Fault::IsolationOneWay) || bridges.first() == Some(*from));
    pairs
        .map(|(from, to)| format!("iifname {from} oifname {to} {only}{published}drop"))
        .collect()
}

fn hide_unpublished(network: &ScenarioNetwork, faults: &Faults) -> Vec<String> {
    // Isolation would hide it as well: a network that is reachable from another one has none of both.
    if faults.has(Fault::UnpublishedReachable) {
        return Vec::new();
    }
    let only = if faults.has(Fault::UnpublishedUdpReachable) {
        "meta l4proto != udp "
    } else if faults.has(Fault::UnpublishedPingReachable) {
        "meta l4proto != icmp "
    } else {
        ""
    };
    let bridge = bridge(&network.name);
    vec![format!(
        "iifname != \"gp-*\" oifname \"{bridge}\" {only}ct status & dnat == 0 drop"
    )]
}
