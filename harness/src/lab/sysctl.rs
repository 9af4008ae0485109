//! The kernel settings that decide about a packet, set explicitly: a new namespace may copy them from the machine.

use std::io::ErrorKind;
use std::path::Path;

use super::LabError;
use crate::plan::topology::{Forwarding, LabSpec, NodeSpec};

const IPV6: &str = "/proc/sys/net/ipv6";
/// Of interfaces that are made later: it is set before any but `lo` exists.
const IPV6_OFF: &str = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
const BRIDGE_NETFILTER: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/// Whether a lab speaks IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ipv6 {
    /// Some interface has an IPv6 address.
    Spoken,
    /// None has: then none sends multicast listener reports either, which would stand between a probe's frames. Without a
    /// link-local address (`addrgenmode none`) they are sent all the same.
    Silent,
}

impl Ipv6 {
    pub(super) fn of(spec: &LabSpec) -> Self {
        let ends = spec
            .veths
            .iter()
            .flat_map(|veth| &veth.ends)
            .flat_map(|end| end.addresses);
        let bridges = spec
            .nodes
            .iter()
            .flat_map(|node| &node.bridges)
            .flat_map(|bridge| bridge.addresses);
        if ends.chain(bridges).any(|prefix| prefix.address.is_ipv6()) {
            Self::Spoken
        } else {
            Self::Silent
        }
    }
}

/// Sets a node's settings. The calling thread is in the node's namespace: `/proc/sys/net` follows it.
pub(super) fn set(node: &NodeSpec, ipv6: Ipv6) -> Result<(), LabError> {
    let switch = |on| if on { "1" } else { "0" };
    let forward = switch(node.forwarding == Forwarding::On);
    write("/proc/sys/net/ipv4/ip_forward", forward)?;
    // The strictest of "all" and the interface's own, which begins as "default".
    write("/proc/sys/net/ipv4/conf/all/rp_filter", "0")?;
    write("/proc/sys/net/ipv4/conf/default/rp_filter", "0")?;
    if node.keeps_routes {
        // The laxest of "all" and the interface's own, where the node does not forward.
        write("/proc/sys/net/ipv4/conf/all/accept_redirects", "0")?;
        write("/proc/sys/net/ipv4/conf/default/accept_redirects", "0")?;
    }
    lift_limits()?;
    match ipv6 {
        Ipv6::Silent if Path::new(IPV6).exists() => write(IPV6_OFF, "1")?,
        Ipv6::Silent => {}
        Ipv6::Spoken => {
            let forward = switch(node.forwarding != Forwarding::Off);
            write("/proc/sys/net/ipv6/conf/all/forwarding", forward)?;
        }
    }
    match node.bridge_netfilter {
        Some(on) => write_bridge_netfilter(on),
        None => Ok(()),
    }
}

/// Has the calling thread's namespace limit no type of ICMP error, neither by the rate per peer nor by the machine's one
/// (`icmp_msgs_per_sec`), and root open ping sockets, which a new one allows to nobody. It stays: in a user namespace without that
/// group nobody can put back what a new one has.
pub(super) fn lift_limits() -> Result<(), LabError> {
    write("/proc/sys/net/ipv4/icmp_ratemask", "0")?;
    write("/proc/sys/net/ipv4/ping_group_range", "0 0")
}

/// Whether iptables sees bridged packets in the calling thread's namespace; no where br_netfilter is not loaded.
pub(super) fn bridge_netfilter() -> bool {
    std::fs::read_to_string(BRIDGE_NETFILTER).is_ok_and(|value| value.trim() == "1")
}

fn write_bridge_netfilter(on: bool) -> Result<(), LabError> {
    match std::fs::write(BRIDGE_NETFILTER, if on { "1" } else { "0" }) {
        Err(e) if e.kind() == ErrorKind::NotFound && on => Err(LabError::Missing {
            part: "br_netfilter, through which iptables sees bridged packets",
            cure: "sudo modprobe br_netfilter",
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        written => written.map_err(|e| LabError::system("write", BRIDGE_NETFILTER, e)),
    }
}

fn write(path: &'static str, value: &str) -> Result<(), LabError> {
    std::fs::write(path, value).map_err(|e| LabError::system("write", path, e))
}
