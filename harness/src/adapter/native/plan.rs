//! What the native implementation makes of a scenario, as a value: links, rules and settings of the host at one moment.
//!
//! This is the whole of what a container network on a Linux bridge needs. Every part says what it is for; a fault is an
//! edit of this value.

use std::fmt;
use std::net::IpAddr;

use super::names::{bridge, port};
use super::rule::{Published, Rule};
use super::{filter, translate};
use crate::adapter::{Scenario, ScenarioNetwork};
use crate::address::{Family, PerFamily, Prefix};

/// Everything that is to be there at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// One bridge for each network.
    pub(super) bridges: Vec<Bridge>,
    /// One veth pair for each container on a network.
    pub(super) ports: Vec<Port>,
    /// The chains of the table, in the order in which they are written.
    pub(super) chains: Vec<Chain>,
    /// Settings of the kernel below /proc/sys/net, with their values.
    pub(super) settings: Vec<(String, String)>,
    /// Rules of the host's own FORWARD.
    pub(super) passes: Vec<Pass>,
    /// A policy that FORWARD gets: always a fault, since the policy is a person's own.
    pub(super) policy: Option<&'static str>,
    /// Whether everybody's rules go before these come: always a fault.
    pub(super) flushes: bool,
}

/// The host as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether it forwarded.
    pub(super) forwarded: bool,
    /// Whether FORWARD ends what no rule of it accepts: somebody's policy.
    pub(super) has_policy: bool,
    /// Whether somebody has rules in FORWARD.
    pub(super) has_rules: bool,
    /// Whether iptables sees what a bridge forwards.
    pub(super) filters_bridged: bool,
}

/// A network's bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bridge {
    pub(super) name: String,
    /// The containers' gateways.
    pub(super) addresses: PerFamily<Prefix>,
    pub(super) mtu: Option<u16>,
}

/// A container's veth pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) container: String,
    pub(super) bridge: String,
    pub(super) host_interface: String,
    pub(super) addresses: PerFamily<Prefix>,
    /// The container's hardware address; the kernel draws one where there is none.
    pub(super) mac: Option<[u8; 6]>,
    pub(super) gateways: PerFamily<IpAddr>,
    pub(super) mtu: Option<u16>,
    /// Whether the bridge keeps it from its other ports (bridge(8), `isolated`).
    pub(super) isolated: bool,
    /// Whether the bridge learns who is behind it (bridge(8), `learning`).
    pub(super) learns: bool,
    /// Whether the bridge sends there what is for a group that it knows nothing of (bridge(8), `mcast_flood`).
    pub(super) groups: bool,
    /// Whether the bridge sends back what came in by it (bridge(8), `hairpin`).
    pub(super) hairpin: bool,
}

/// A base chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) place: Place,
    pub(super) rules: Vec<Rule>,
}

/// Where a chain is hooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before connections are tracked.
    Raw,
    /// Where what comes from others gets its destination.
    Prerouting,
    /// Where what the host sends gets its destination.
    Output,
    /// What the host forwards.
    Forward,
    /// Where sources are translated.
    Postrouting,
    /// Before fragments are put together.
    Early,
    /// What the host itself gets.
    Input,
    /// What the host itself sends.
    Own,
}

/// A rule of the host's own FORWARD that accepts, in the words of iptables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    /// What it matches, as `-i gp-front`.
    pub(super) matches: String,
    /// Whether it stands in front of a person's rules: always a fault.
    pub(super) first: bool,
}

impl Plan {
    /// What a scenario needs on a host that was found so.
    pub(super) fn of(scenario: &Scenario, found: &Found) -> Self {
        let ways = ways(scenario);
        let chains = [
            (Place::Raw, vec![filter::guard_loopback()]),
            (Place::Prerouting, translate::publish(&ways)),
            (Place::Output, translate::publish(&ways)),
            (Place::Forward, filter::forward(scenario)),
            (Place::Postrouting, translate::leave(scenario, &ways)),
            (Place::Early, Vec::new()),
            (Place::Input, filter::keep_from_host(scenario)),
            (Place::Own, Vec::new()),
        ];
        Self {
            bridges: scenario.networks.iter().map(bridge_of).collect(),
            ports: ports(scenario, found),
            chains: chains.map(|(place, rules)| Chain { place, rules }).into(),
            settings: settings(scenario),
            passes: passes(scenario, found),
            policy: None,
            flushes: false,
        }
    }

    /// The rules of a chain.
    pub(super) fn rules(&mut self, place: Place) -> &mut Vec<Rule> {
        let at = self.chains.iter().position(|chain| chain.place == place);
        let at = at.unwrap_or_else(|| {
            let rules = Vec::new();
            self.chains.push(Chain { place, rules });
            self.chains.len() - 1
        });
        &mut self.chains[at].rules
    }

    /// The host's addresses on its bridges.
    pub(super) fn gateways(&mut self) -> impl Iterator<Item = &mut Prefix> {
        let bridges = self.bridges.iter_mut();
        bridges.flat_map(|bridge| bridge.addresses.iter_mut())
    }

    /// All rules of all chains.
    pub(super) fn every_rule(&mut self) -> impl Iterator<Item = &mut Rule> {
        self.chains.iter_mut().flat_map(|chain| &mut chain.rules)
    }
}

/// The published ports of networks that are not internal, with where each leads.
fn ways(scenario: &Scenario) -> Vec<(Published, IpAddr)> {
    let networks = scenario.networks.iter().filter(|network| !network.internal);
    let members = networks.flat_map(|network| {
        let members = scenario.members(&network.name);
        members.into_iter().map(move |member| (network, member))
    });
    let ways = members.flat_map(|(network, (container, addresses))| {
        container.publish.iter().flat_map(move |port| {
            let way = Published {
                container: container.name.clone(),
                network: network.name.clone(),
                port: port.clone(),
            };
            let of_port = port.host_address.map(Family::of);
            let leads = move |to: &IpAddr| of_port.is_none_or(|family| family == Family::of(*to));
            let to = addresses.into_iter().filter(leads);
            to.map(move |to| (way.clone(), to))
        })
    });
    ways.collect()
}

fn bridge_of(network: &ScenarioNetwork) -> Bridge {
    Bridge {
        name: bridge(&network.name),
        addresses: network.pools.map(|pool| pool.host()),
        mtu: network.mtu,
    }
}

/// The hardware address that goes with an address: whoever has it next, the same container or another one, is known to the
/// neighbours already (moby/moby#36069). The first byte says that it is locally administered (IEEE 802). Of two addresses IPv4's
/// decides.
fn hardware_address(addresses: &PerFamily<IpAddr>) -> Option<[u8; 6]> {
    let [.., a, b, c, d] = match addresses.iter().next()? {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    Some([0x02, 0x42, a, b, c, d])
}

fn ports(scenario: &Scenario, found: &Found) -> Vec<Port> {
    let networks = scenario.networks.iter().enumerate();
    let ports = networks.flat_map(|(number, network)| {
        let members = scenario.members(&network.name).into_iter();
        members.map(move |(container, addresses)| Port {
            container: container.name.clone(),
            bridge: bridge(&network.name),
            host_interface: port(number, &container.name),
            addresses: network.on_link(addresses),
            mac: hardware_address(&addresses),
            // An internal network leads nowhere.
            gateways: if network.internal {
                PerFamily::NONE
            } else {
                network.gateways()
            },
            mtu: network.mtu,
            isolated: false,
            learns: true,
            groups: true,
            // What iptables leads back to its sender on the bridge itself never gets to the router behind it.
            hairpin: found.filters_bridged,
        })
    });
    ports.collect()
}

/// Forwarding, and on the bridges what 127.0.0.1 needs to lead to published ports (kernel ip-sysctl, `route_localnet`).
fn settings(scenario: &Scenario) -> Vec<(String, String)> {
    let bridges = scenario.networks.iter().map(|network| {
        let bridge = bridge(&network.name);
        (format!("ipv4/conf/{bridge}/route_localnet"), "1".to_owned())
    });
    let forward = (String::from("ipv4/ip_forward"), String::from("1"));
    std::iter::once(forward).chain(bridges).collect()
}

/// A policy of FORWARD ends what no rule of it has accepted, whatever another table says. These stand behind a person's own
/// rules, so that these hold.
fn passes(scenario: &Scenario, found: &Found) -> Vec<Pass> {
    if !found.has_policy {
        return Vec::new();
    }
    every_pass(scenario, false)
}

/// What lets everything of the networks pass.
pub(super) fn every_pass(scenario: &Scenario, first: bool) -> Vec<Pass> {
    let bridges = scenario.networks.iter().map(|one| bridge(&one.name));
    let ends = bridges.flat_map(|name| ["-i", "-o"].map(|end| format!("{end} {name}")));
    ends.map(|matches| Pass { matches, first }).collect()
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Prerouting => "prerouting",
            Self::Output => "output",
            Self::Forward => "forward",
            Self::Postrouting => "postrouting",
            Self::Early => "early",
            Self::Input => "input",
            Self::Own => "own",
        }
    }

    /// Type, hook and priority, in nft's words.
    fn hook(self) -> &'static str {
        match self {
            Self::Raw => "type filter hook prerouting priority raw",
            Self::Prerouting => "type nat hook prerouting priority dstnat",
            Self::Output => "type nat hook output priority -100",
            Self::Forward => "type filter hook forward priority filter",
            Self::Postrouting => "type nat hook postrouting priority srcnat",
            Self::Early => "type filter hook prerouting priority -450",
            Self::Input => "type filter hook input priority filter",
            Self::Own => "type filter hook output priority filter",
        }
    }

    /// Whether the chain is there also without a rule: a path shows that it let the packet pass.
    fn is_always_there(self) -> bool {
        !matches!(self, Self::Early | Self::Input | Self::Own)
    }
}

/// The table as `nft -f` reads it.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = super::names::TABLE;
        if self.flushes {
            writeln!(f, "flush ruleset")?;
        }
        writeln!(f, "table ip {table} {{")?;
        let there = |chain: &&Chain| chain.place.is_always_there() || !chain.rules.is_empty();
        for chain in self.chains.iter().filter(there) {
            let (name, hook) = (chain.place.name(), chain.place.hook());
            writeln!(f, "  chain {name} {{\n    {hook}; policy accept;")?;
            for rule in &chain.rules {
                writeln!(f, "    {rule}")?;
            }
            writeln!(f, "  }}")?;
        }
        writeln!(f, "}}")
    }
}
