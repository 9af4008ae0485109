//! Rules that translate addresses: published ports, and what leaves with the host's address.

use std::net::IpAddr;

use super::names::bridge;
use super::rule::{About, Action, Is, Match, Published, Rule};
use crate::adapter::{Scenario, ScenarioNetwork};
use crate::address::Subnet;

/// Ports of the host that connections get in place of their own: dynamic ones (RFC 6335 6), and what they get if the published one
/// is itself among these.
const DRAWN_PORTS: &str = "49152-65535";
const OTHER_DRAWN_PORTS: &str = "32768-49151";
const FIRST_DYNAMIC: u16 = 49_152;

/// Each published port leads to its container.
pub(super) fn publish(ways: &[(Published, IpAddr)]) -> Vec<Rule> {
    let rule = |(way, to): &(Published, IpAddr)| {
        let port = &way.port;
        let asked = port
            .host_address
            .filter(|address| !address.is_unspecified());
        let address = match asked {
            Some(address) => Match::Destination(Is::Equal, address.to_string()),
            // Not every packet to that port: those that only pass through are not for the host (CVE-2025-67499).
            None => Match::Local,
        };
        let number = Match::To(port.protocol, port.host_port, port.host_port);
        let action = Action::Destination(*to, port.container_port);
        Rule::new(About::Publish(way.clone()), [address, number], action)
    };
    ways.iter().map(rule).collect()
}

/// What leaves, and what turns back on the host.
pub(super) fn leave(scenario: &Scenario, ways: &[(Published, IpAddr)]) -> Vec<Rule> {
    let of = |network: &ScenarioNetwork| {
        let subnets = || network.pools.iter().map(|pool| pool.subnet);
        let mut rules: Vec<Rule> = subnets().map(|subnet| hairpin(network, subnet)).collect();
        rules.push(answer_loopback(network));
        if !network.internal {
            for subnet in subnets() {
                rules.extend(
                    ways.iter()
                        .map(|(way, _)| source_port(network, subnet, way)),
                );
                rules.push(masquerade(network, subnet));
            }
        }
        rules
    };
    scenario.networks.iter().flat_map(of).collect()
}

fn hairpin(network: &ScenarioNetwork, subnet: Subnet) -> Rule {
    let subnet = || subnet.to_string();
    let matches = [
        Match::Source(Is::Equal, subnet()),
        Match::Destination(Is::Equal, subnet()),
        Match::Translated(true),
    ];
    let about = About::Hairpin(network.name.clone());
    Rule::new(about, matches, Action::Masquerade)
}

fn answer_loopback(network: &ScenarioNetwork) -> Rule {
    let matches = [
        Match::Source(Is::Equal, String::from("127.0.0.0/8")),
        Match::Out(Is::Equal, bridge(&network.name)),
    ];
    let about = About::LoopbackAnswer(network.name.clone());
    Rule::new(about, matches, Action::Masquerade)
}

fn source_port(network: &ScenarioNetwork, subnet: Subnet, way: &Published) -> Rule {
    let matches = [
        Match::Source(Is::Equal, subnet.to_string()),
        Match::Out(Is::Not, bridge(&network.name)),
        Match::From(way.port.protocol, way.port.host_port),
    ];
    let about = About::SourcePort {
        network: network.name.clone(),
        way: way.clone(),
    };
    let drawn = if way.port.host_port < FIRST_DYNAMIC {
        DRAWN_PORTS
    } else {
        OTHER_DRAWN_PORTS
    };
    Rule::new(about, matches, Action::MasqueradeTo(drawn))
}

fn masquerade(network: &ScenarioNetwork, subnet: Subnet) -> Rule {
    let matches = [
        Match::Source(Is::Equal, subnet.to_string()),
        Match::Out(Is::Not, bridge(&network.name)),
    ];
    let about = About::Masquerade(network.name.clone());
    Rule::new(about, matches, Action::Masquerade)
}
