//! What the host is told besides its own table: settings of the kernel, and a way past somebody's policy.

use super::names::bridge;
use super::{Fault, Faults};
use crate::adapter::{AdapterError, Program, Scenario, Site};

/// A rule that accepts, in the words of iptables.
pub(super) fn accept(rule: &str) -> Vec<String> {
    let words = rule.split(' ').chain(["-j", "ACCEPT"]);
    words.map(String::from).collect()
}

/// Whether somebody has rules in FORWARD.
pub(super) fn has_forward(site: &Site) -> bool {
    let listed = Program::new(["iptables", "-S", "FORWARD"]);
    // Its policy is the first line.
    let rules = listed.run(&site.room).unwrap_or_default();
    rules.lines().count() > 1
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

/// Where a setting of the network is.
pub(super) fn setting(name: &str) -> String {
    format!("/proc/sys/net/{name}")
}

/// Forwarding, and on the bridges what 127.0.0.1 needs to lead to published ports.
pub(super) fn settings(scenario: &Scenario, faults: &Faults) -> Vec<(String, String)> {
    let forward = if faults.has(Fault::NoForwarding) {
        "0"
    } else {
        "1"
    };
    let mut settings = vec![(String::from("ipv4/ip_forward"), forward.to_owned())];
    for network in &scenario.networks {
        let bridge = bridge(&network.name);
        let name = format!("ipv4/conf/{bridge}/route_localnet");
        settings.push((name, String::from("1")));
        if faults.has(Fault::ProxyArp) {
            let name = format!("ipv4/conf/{bridge}/proxy_arp_pvlan");
            settings.push((name, String::from("1")));
            // In centiseconds, of which the kernel would wait up to 80 before it answers for others.
            let name = format!("ipv4/neigh/{bridge}/proxy_delay");
            settings.push((name, String::from("0")));
        }
    }
    if faults.has(Fault::BridgeNetfilterStays) {
        let name = String::from("bridge/bridge-nf-call-iptables");
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
