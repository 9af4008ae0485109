//! The host as an implementation finds it: what a person has done there.

use std::net::IpAddr;

use super::RunError;
use crate::case::{Case, CaseKind, Host};
use crate::lab::Lab;
use crate::plan::contract::{self, LAN2_NODE};

/// The state in which the implementation finds the host.
pub(super) fn found(case: &Case) -> Host {
    match &case.kind {
        CaseKind::Contract { host, .. } => host.clone(),
        CaseKind::Recipe { .. } => Host::default(),
    }
}

/// Rules of a person in every table: a router's of machines that have nothing to do with containers, by addresses (RFC 1918)
/// and a port that no case uses, and its marks on everything that it passes on.
const OWN_RULES: [&str; 12] = [
    "ip link add br-machines type bridge",
    "ip link set br-machines up",
    "ip address add 10.99.0.1/24 dev br-machines",
    "iptables -A INPUT -p tcp --dport 2222 -j ACCEPT",
    "iptables -N machines",
    "iptables -A machines -s 10.99.0.0/24 -j ACCEPT",
    "iptables -A FORWARD -d 10.99.0.0/24 -j machines",
    "iptables -t nat -A PREROUTING -d 10.0.2.15 -p tcp --dport 2222 -j DNAT --to-destination 10.99.0.9:22",
    "iptables -t nat -A POSTROUTING -s 10.99.0.0/24 -o eth0 -j MASQUERADE",
    "iptables -t mangle -A FORWARD -s 10.99.0.0/24 -j ACCEPT",
    "iptables -t raw -A PREROUTING -s 10.99.0.0/24 -j ACCEPT",
    // And its marks, by bits of its own, another for the packet than for the connection: what has lost one on its way through
    // the host goes no further.
    "nft add table inet machines ; \
     add chain inet machines input { type filter hook input priority 5 ; } ; \
     add chain inet machines marks { type filter hook prerouting priority -160 ; } ; \
     add rule inet machines marks meta mark set meta mark | 0x40000 ; \
     add rule inet machines marks ct mark set ct mark | 0x100000 ; \
     add chain inet machines marked { type filter hook forward priority 20 ; } ; \
     add rule inet machines marked meta mark & 0x40000 == 0 drop ; \
     add rule inet machines marked ct mark & 0x100000 == 0 drop",
];

/// Answers leave by the second uplink where the request came in by it: of the host's own by their source, of what it passes on by
/// a mark of the connection, since routing comes before the source is translated back (moby/moby#35251).
/// The main table's other routes come first: containers are behind them.
const POLICY_ROUTING: [&str; 5] = [
    "ip route add default via 192.0.2.50 dev eth1 table 100",
    "ip rule add pref 100 lookup main suppress_prefixlength 0",
    "ip rule add pref 101 from 192.0.2.15 lookup 100",
    "ip rule add pref 102 fwmark 0x80000/0x80000 lookup 100",
    "nft add table inet uplinks ; \
     add chain inet uplinks ways { type filter hook prerouting priority -150 ; } ; \
     add rule inet uplinks ways iifname eth1 ct state new ct mark set ct mark | 0x80000 ; \
     add rule inet uplinks ways iifname != eth1 ct mark & 0x80000 != 0 meta mark set meta mark | 0x80000",
];

/// The neighbour on the second uplink asks the host by an address that the host's main table leads to the first one.
const ASKS_FROM_AFAR: &str = "ip route change 192.0.2.0/24 dev eth0 src 198.18.0.7";

/// What a host with a policy for INPUT accepts: its own, and the answers to what it began itself (`ufw`, `firewalld` and others
/// begin so).
const LET_IN: [&str; 2] = [
    "iptables -A INPUT -i lo -j ACCEPT",
    "iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
];

/// Rules that the same person adds once the networks are there.
pub(super) const LATER_OWN_RULES: [&str; 3] = [
    "iptables -A INPUT -p tcp --dport 2223 -j ACCEPT",
    "iptables -A FORWARD -s 10.99.0.0/24 -j ACCEPT",
    "iptables -t nat -A PREROUTING -d 10.0.2.15 -p tcp --dport 2223 -j DNAT --to-destination 10.99.0.9:23",
];

/// What a person has done on the host before: in the words of the machine's own `iptables`.
pub(super) fn prepare(lab: &mut Lab, host: &Host) -> Result<(), RunError> {
    let uplink = contract::UPLINK_INTERFACE;
    let addresses = host.addresses.iter();
    let mut commands: Vec<String> = addresses
        .map(|address| format!("ip address add {address}/24 dev {uplink}"))
        .collect();
    if let Some(policy) = host.forward {
        let policy = policy.as_str().to_ascii_uppercase();
        commands.push(format!("iptables -P FORWARD {policy}"));
    }
    if let Some(policy) = host.input {
        let policy = policy.as_str().to_ascii_uppercase();
        commands.extend(LET_IN.map(String::from));
        commands.push(format!("iptables -P INPUT {policy}"));
    }
    for drop in &host.drops {
        let end = |option: &str, address: Option<IpAddr>| {
            address.map_or_else(String::new, |address| format!(" {option} {address}"))
        };
        let (from, to) = (end("-s", drop.from), end("-d", drop.to));
        commands.push(format!("iptables -A FORWARD{from}{to} -j DROP"));
    }
    if host.second_uplink {
        lab.run(LAN2_NODE, &words(ASKS_FROM_AFAR), None)
            .map_err(RunError::Preparation)?;
        commands.extend(POLICY_ROUTING.map(String::from));
    }
    if host.own_rules {
        commands.extend(OWN_RULES.map(String::from));
    }
    do_as_a_person(lab, commands.iter().map(String::as_str))
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

/// Runs commands on the host: with the machine's own `iptables`, as a person's rules would be.
pub(super) fn do_as_a_person<'a>(
    lab: &mut Lab,
    commands: impl IntoIterator<Item = &'a str>,
) -> Result<(), RunError> {
    for command in commands {
        lab.run("host", &words(command), None)
            .map_err(RunError::Preparation)?;
    }
    Ok(())
}
