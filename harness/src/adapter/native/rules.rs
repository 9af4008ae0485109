//! The native implementation's rules: one function for each behaviour, so that each can be broken by itself.

use std::net::IpAddr;

use super::{Fault, Faults};
use crate::adapter::{
    AdapterError, Program, PublishedPort, Scenario, ScenarioContainer, ScenarioNetwork, Site,
};
use crate::case::Protocol;

/// The only table of these rules.
pub(super) const TABLE: &str = "goldpath";

/// The bridge of a network.
pub(super) fn bridge(network: &str) -> String {
    format!("gp-{network}")
}

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
    members
}

/// A published port with where it leads.
struct Way<'a> {
    port: &'a PublishedPort,
    to: IpAddr,
}

fn ways<'a>(scenario: &'a Scenario, faults: &Faults) -> Vec<Way<'a>> {
    let published = |protocol: Protocol| match protocol {
        Protocol::Tcp => !faults.has(Fault::NoPublishTcp),
        Protocol::Udp => !faults.has(Fault::NoPublishUdp),
    };
    let networks = scenario.networks.iter().filter(|network| !network.internal);
    networks
        .flat_map(|network| members(scenario, &network.name, faults))
        .flat_map(|(container, to)| container.publish.iter().map(move |port| Way { port, to }))
        .filter(|way| published(way.port.protocol))
        .collect()
}

/// All rules as `nft -f` reads them.
pub(super) fn ruleset(scenario: &Scenario, faults: &Faults) -> String {
    let ways = ways(scenario, faults);
    let chains = [
        chain(
            "raw",
            "filter",
            "prerouting",
            "raw",
            &guard_loopback(faults),
        ),
        chain(
            "prerouting",
            "nat",
            "prerouting",
            "dstnat",
            &publish(&ways, faults),
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
            &forward(scenario, faults),
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
    let input = (!kept.is_empty()).then(|| chain("input", "filter", "input", "filter", &kept));
    let input = input.unwrap_or_default();
    format!("table ip {TABLE} {{\n{}{input}}}\n", chains.concat())
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
        Some(_) | None if !faults.has(Fault::PublishTakesTransit) => {
            String::from("fib daddr type local ")
        }
        Some(_) | None => String::new(),
    };
    let to = way.to;
    format!("{address}{protocol} dport {host_port} dnat to {to}:{container_port}")
}

fn forward(scenario: &Scenario, faults: &Faults) -> Vec<String> {
    let mut rules = Vec::new();
    for network in scenario.networks.iter().filter(|network| network.internal) {
        rules.extend(keep_internal(network, faults));
    }
    rules.push(String::from("ct state established,related accept"));
    // NAT does not touch what belongs to no connection: it would leave with its private source (moby/moby#18630).
    rules.push(String::from("iifname \"gp-*\" ct state invalid drop"));
    rules.extend(isolate(scenario, faults));
    for network in &scenario.networks {
        rules.extend(hide_unpublished(network, faults));
    }
    rules
}

fn keep_internal(network: &ScenarioNetwork, faults: &Faults) -> Vec<String> {
    if faults.has(Fault::InternalByRouteOnly) {
        return Vec::new();
    }
    let bridge = bridge(&network.name);
    vec![
        format!("iifname \"{bridge}\" oifname != \"{bridge}\" drop"),
        format!("oifname \"{bridge}\" iifname != \"{bridge}\" drop"),
    ]
}

/// Of the host, an internal network knows only its own gateway address (moby/libnetwork#1151).
fn keep_from_host(scenario: &Scenario, faults: &Faults) -> Vec<String> {
    if faults.has(Fault::InternalByRouteOnly) {
        return Vec::new();
    }
    let internal = scenario.networks.iter().filter(|network| network.internal);
    internal
        .map(|network| {
            let (bridge, gateway) = (bridge(&network.name), network.gateway);
            format!("iifname \"{bridge}\" ip daddr != {gateway} drop")
        })
        .collect()
}

fn isolate(scenario: &Scenario, faults: &Faults) -> Vec<String> {
    if faults.has(Fault::NoIsolation) || scenario.networks.len() < 2 {
        return Vec::new();
    }
    let only = if faults.has(Fault::IsolationForTcpOnly) {
        "meta l4proto tcp "
    } else {
        ""
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
    pairs
        .map(|(from, to)| format!("iifname {from} oifname {to} {only}ct status & dnat == 0 drop"))
        .collect()
}

fn hide_unpublished(network: &ScenarioNetwork, faults: &Faults) -> Vec<String> {
    // Isolation would hide it as well: a network that is reachable from another one has none of both.
    if faults.has(Fault::UnpublishedReachable) {
        return Vec::new();
    }
    let bridge = bridge(&network.name);
    vec![format!(
        "iifname != \"gp-*\" oifname \"{bridge}\" ct status & dnat == 0 drop"
    )]
}

fn leave(scenario: &Scenario, ways: &[Way<'_>], faults: &Faults) -> Vec<String> {
    let mut rules = Vec::new();
    for network in &scenario.networks {
        rules.extend(hairpin(network, faults));
        rules.extend(answer_loopback(network));
        rules.extend(masquerade(network, faults));
    }
    if faults.has(Fault::PublishHidesClient) && !ways.is_empty() {
        rules.push(String::from("oifname \"gp-*\" ct status dnat masquerade"));
    }
    rules
}

/// A reply has to come back through the host, or the asking container would not know its sender.
fn hairpin(network: &ScenarioNetwork, faults: &Faults) -> Option<String> {
    let subnet = &network.subnet;
    (!faults.has(Fault::NoHairpin))
        .then(|| format!("ip saddr {subnet} ip daddr {subnet} ct status dnat masquerade"))
}

fn answer_loopback(network: &ScenarioNetwork) -> Option<String> {
    let bridge = bridge(&network.name);
    Some(format!(
        "ip saddr 127.0.0.0/8 oifname \"{bridge}\" masquerade"
    ))
}

fn masquerade(network: &ScenarioNetwork, faults: &Faults) -> Option<String> {
    if network.internal || faults.has(Fault::NoMasquerade) {
        return None;
    }
    let (subnet, bridge) = (&network.subnet, bridge(&network.name));
    Some(if faults.has(Fault::MasqueradeWithinSubnet) {
        format!("ip saddr {subnet} masquerade")
    } else {
        format!("ip saddr {subnet} oifname != \"{bridge}\" masquerade")
    })
}

/// A rule that accepts, in the words of iptables.
pub(super) fn accept(rule: &str) -> Vec<String> {
    let words = rule.split(' ').chain(["-j", "ACCEPT"]);
    words.map(String::from).collect()
}

/// Whether somebody has set a policy of FORWARD that ends packets.
pub(super) fn has_policy(site: &Site) -> Result<bool, AdapterError> {
    let listed = Program::new(["nft", "list", "chain", "ip", "filter", "FORWARD"]);
    // There is an error if there is no such chain.
    let modern = listed.run(&site.room).unwrap_or_default();
    let legacy = site.room.run(|| {
        let names = std::fs::read_to_string("/proc/thread-self/net/ip_tables_names");
        names.is_ok_and(|names| names.lines().any(|name| name == "filter"))
    })?;
    Ok(legacy || modern.contains("policy drop"))
}

/// Where a setting of IPv4 is.
pub(super) fn setting(name: &str) -> String {
    format!("/proc/sys/net/ipv4/{name}")
}

/// Forwarding, and on the bridges what 127.0.0.1 needs to lead to published ports.
pub(super) fn settings(scenario: &Scenario, faults: &Faults) -> Vec<(String, String)> {
    let forward = if faults.has(Fault::NoForwarding) {
        "0"
    } else {
        "1"
    };
    let mut settings = vec![(String::from("ip_forward"), forward.to_owned())];
    for network in &scenario.networks {
        let name = format!("conf/{}/route_localnet", bridge(&network.name));
        settings.push((name, String::from("1")));
    }
    settings
}

/// Writes settings.
pub(super) fn write(settings: &[(String, String)], site: &Site) -> Result<(), AdapterError> {
    let written = site.room.run(|| {
        settings.iter().try_for_each(|(name, value)| {
            let path = setting(name);
            std::fs::write(&path, value).map_err(|source| AdapterError::File {
                operation: "write",
                path,
                source,
            })
        })
    });
    written?
}

/// Removes the ports of a bridge that is about to go.
pub(super) fn remove_ports(site: &Site, bridge: &str) -> Vec<AdapterError> {
    let folder = format!("/sys/class/net/{bridge}/brif");
    let ports = site.room.run(|| {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    });
    let ports = match ports {
        Ok(ports) => ports,
        Err(error) => return vec![error.into()],
    };
    ports
        .iter()
        .filter_map(|port| crate::lab::attach::remove_link(&site.host, port).err())
        .map(AdapterError::from)
        .collect()
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
