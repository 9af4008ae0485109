//! A lab's set-up and removal as `ip` commands to paste. The real labs are built over netlink; this is the same wiring
//! for a person's eyes and hands.

use crate::case::{Attachment, Container, LabName};

/// A command, and what it is for.
pub(super) type Line = (String, String);

/// The nodes of every lab.
const NODES: [&str; 6] = ["c1", "c2", "host", "gateway", "isp", "outside"];

/// A wire between two nodes: node, interface and address of each end.
type Wire = [(&'static str, &'static str, Option<&'static str>); 2];

/// The uplink and the two routers behind it.
const WIRES: [Wire; 3] = [
    [
        ("host", "eth0", Some("10.0.2.15/24")),
        ("gateway", "eth0", Some("10.0.2.2/24")),
    ],
    [
        ("gateway", "eth1", Some("203.0.113.2/24")),
        ("isp", "eth0", Some("203.0.113.1/24")),
    ],
    [
        ("isp", "eth1", Some("8.8.8.1/24")),
        ("outside", "eth0", Some("8.8.8.8/24")),
    ],
];

/// The article's containers on their bridge ports.
const PORTS: [Wire; 2] = [
    [
        ("c1", "eth0", Some("10.55.66.2/24")),
        ("host", "veth0", None),
    ],
    [
        ("c2", "eth0", Some("10.55.66.3/24")),
        ("host", "veth1", None),
    ],
];

fn line(command: impl Into<String>, purpose: impl Into<String>) -> Line {
    (command.into(), purpose.into())
}

/// The commands that build a lab and the case's own containers.
pub(super) fn set_up(lab: LabName, containers: &[Container]) -> Vec<Line> {
    let mut lines: Vec<Line> = NODES
        .iter()
        .map(|node| {
            line(
                format!("ip netns add {node}"),
                format!("the namespace of {node}"),
            )
        })
        .collect();
    lines.extend(NODES.iter().map(|node| {
        line(
            format!("ip -n {node} link set lo up"),
            format!("{node} can talk to itself"),
        )
    }));
    for wire in WIRES {
        lines.extend(laid(wire));
    }
    for (node, via, whom) in [
        ("host", "10.0.2.2", "the gateway"),
        ("gateway", "203.0.113.1", "the ISP"),
        ("outside", "8.8.8.1", "the ISP"),
    ] {
        lines.push(line(
            format!("ip -n {node} route add default via {via}"),
            format!("{node} sends everything else to {whom}"),
        ));
    }
    for node in ["host", "gateway", "isp"] {
        lines.push(line(
            format!("ip netns exec {node} sysctl -qw net.ipv4.ip_forward=1"),
            format!("{node} forwards packets"),
        ));
    }
    lines.push(line(
        "ip netns exec gateway iptables -t nat -A POSTROUTING -s 10.0.2.0/24 -o eth1 -j MASQUERADE",
        "the second SNAT, outside the host",
    ));
    lines.push(line(
        "ip netns exec host iptables -P FORWARD DROP",
        "as after Docker's installation",
    ));
    lines.push(line(
        "ip netns exec host sysctl -qw net.bridge.bridge-nf-call-iptables=1",
        "iptables sees bridged packets; the switch comes with the module br_netfilter",
    ));
    if lab == LabName::Article {
        lines.push(line(
            "ip -n host link add hwchiu0 type bridge",
            "the bridge",
        ));
        lines.push(line(
            "ip -n host link set hwchiu0 up",
            "it forwards from now on",
        ));
        for port in PORTS {
            lines.extend(laid(port));
            lines.push(line(
                format!("ip -n host link set {} master hwchiu0", port[1].1),
                format!("{} is a port of the bridge", port[1].1),
            ));
        }
    }
    // A namespace must be there before another container shares it.
    let (sharing, own): (Vec<_>, Vec<_>) = containers
        .iter()
        .partition(|one| matches!(one.attachment, Attachment::Container(_)));
    lines.extend(own.into_iter().chain(sharing).flat_map(container_lines));
    lines
}

fn laid(wire: Wire) -> Vec<Line> {
    let [(left, left_name, _), (right, right_name, _)] = wire;
    let pair = format!(
        "ip link add {left_name} netns {left} type veth peer name {right_name} netns {right}"
    );
    let mut lines = vec![line(pair, format!("a wire between {left} and {right}"))];
    for (node, name, address) in wire {
        if let Some(address) = address {
            lines.push(line(
                format!("ip -n {node} address add {address} dev {name}"),
                format!("{node} has {address}"),
            ));
        }
        lines.push(line(
            format!("ip -n {node} link set {name} up"),
            format!("{node}'s end is up"),
        ));
    }
    lines
}

fn container_lines(container: &Container) -> Vec<Line> {
    let name = &container.name;
    let shares = match &container.attachment {
        Attachment::Host => "host",
        Attachment::Container(other) => other.as_str(),
        Attachment::None | Attachment::Network { .. } => {
            return vec![
                line(
                    format!("ip netns add {name}"),
                    format!("the namespace of {name}"),
                ),
                line(
                    format!("ip -n {name} link set lo up"),
                    format!("{name} can talk to itself"),
                ),
            ];
        }
    };
    vec![line(
        format!("touch /run/netns/{name}; mount --bind /run/netns/{shares} /run/netns/{name}"),
        format!("{name} uses the namespace of {shares}"),
    )]
}

/// The commands that remove everything again. A namespace takes its interfaces and rules along.
pub(super) fn remove(containers: &[Container]) -> Vec<Line> {
    let own = containers
        .iter()
        .rev()
        .map(|container| container.name.as_str());
    own.chain(NODES)
        .map(|node| {
            line(
                format!("ip netns delete {node}"),
                format!("{node} and all that is in it"),
            )
        })
        .collect()
}
