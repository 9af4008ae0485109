//! A lab's set-up and removal as `ip` commands to paste, written from the plan that real labs are built of over netlink.

use crate::plan::LabSpec;
use crate::plan::topology::{Forwarding, Namespace, NodeSpec, VethSpec};

/// A command, and what it is for.
pub(super) type Line = (String, String);

fn line(command: impl Into<String>, purpose: impl Into<String>) -> Line {
    (command.into(), purpose.into())
}

/// The commands that build a recipe's lab.
pub(super) fn set_up(plan: &LabSpec) -> Vec<Line> {
    let own = || {
        plan.nodes
            .iter()
            .filter(|node| node.namespace == Namespace::Own)
    };
    let mut lines: Vec<Line> = own().map(namespace).collect();
    lines.extend(own().map(loopback));
    lines.extend(plan.nodes.iter().filter_map(|node| match &node.namespace {
        Namespace::Own => None,
        Namespace::Of(other) => Some(shared(&node.name, other)),
    }));
    lines.extend(own().flat_map(bridges));
    lines.extend(plan.veths.iter().flat_map(wire));
    lines.extend(own().flat_map(|node| routes(plan, node)));
    lines.extend(own().flat_map(settings));
    lines.push(line(
        "ip netns exec host iptables -P FORWARD DROP",
        "as after Docker's installation",
    ));
    lines
}

fn namespace(node: &NodeSpec) -> Line {
    let name = &node.name;
    line(
        format!("ip netns add {name}"),
        format!("the namespace of {name}"),
    )
}

fn loopback(node: &NodeSpec) -> Line {
    let name = &node.name;
    line(
        format!("ip -n {name} link set lo up"),
        format!("{name} can talk to itself"),
    )
}

fn shared(name: &str, other: &str) -> Line {
    line(
        format!("touch /run/netns/{name}; mount --bind /run/netns/{other} /run/netns/{name}"),
        format!("{name} uses the namespace of {other}"),
    )
}

fn bridges(node: &NodeSpec) -> Vec<Line> {
    let name = &node.name;
    let mut lines = Vec::new();
    for bridge in &node.bridges {
        let device = &bridge.name;
        lines.push(line(
            format!("ip -n {name} link add {device} type bridge"),
            "the bridge",
        ));
        lines.extend(bridge.addresses.into_iter().map(|address| {
            line(
                format!("ip -n {name} address add {address} dev {device}"),
                format!("{name} has {address}"),
            )
        }));
        lines.push(line(
            format!("ip -n {name} link set {device} up"),
            "it forwards from now on",
        ));
    }
    lines
}

fn wire(veth: &VethSpec) -> Vec<Line> {
    let [left, right] = &veth.ends;
    let pair = format!(
        "ip link add {} netns {} type veth peer name {} netns {}",
        left.interface, left.node, right.interface, right.node
    );
    let mut lines = vec![line(
        pair,
        format!("a wire between {} and {}", left.node, right.node),
    )];
    for end in &veth.ends {
        let (node, name) = (&end.node, &end.interface);
        for address in end.addresses {
            lines.push(line(
                format!("ip -n {node} address add {address} dev {name}"),
                format!("{node} has {address}"),
            ));
        }
        if let Some(bridge) = &end.bridge {
            lines.push(line(
                format!("ip -n {node} link set {name} master {bridge}"),
                format!("{name} is a port of the bridge"),
            ));
        }
        if let Some(mtu) = veth.mtu {
            lines.push(line(
                format!("ip -n {node} link set {name} mtu {mtu}"),
                format!("it carries packets of up to {mtu} bytes"),
            ));
        }
        lines.push(line(
            format!("ip -n {node} link set {name} up"),
            format!("{node}'s end is up"),
        ));
    }
    lines
}

fn routes(plan: &LabSpec, node: &NodeSpec) -> Vec<Line> {
    let name = &node.name;
    let routes = node.routes.iter().map(|route| {
        let whom = plan.owner(route.via).unwrap_or("it");
        let (to, what) = match route.to {
            Some(to) => (to.to_string(), to.to_string()),
            None => (String::from("default"), String::from("everything else")),
        };
        line(
            format!("ip -n {name} route add {to} via {}", route.via),
            format!("{name} sends {what} to {whom}"),
        )
    });
    routes.collect()
}

fn settings(node: &NodeSpec) -> Vec<Line> {
    let name = &node.name;
    let own = node.own_addresses.iter().map(|address| {
        line(
            format!("ip -n {name} address add {address} dev lo"),
            format!("{name} has {address}, too"),
        )
    });
    let mut lines: Vec<Line> = own.collect();
    if node.forwarding != Forwarding::Off {
        lines.push(line(
            format!("ip netns exec {name} sysctl -qw net.ipv4.ip_forward=1"),
            format!("{name} forwards packets"),
        ));
    }
    if let Some(sees) = node.bridge_netfilter {
        let value = u8::from(sees);
        lines.push(line(
            format!("ip netns exec {name} sysctl -qw net.bridge.bridge-nf-call-iptables={value}"),
            "whether iptables sees bridged packets; the switch comes with the module br_netfilter",
        ));
    }
    if let Some(rule) = &node.masquerade {
        let (source, interface) = (rule.source, &rule.interface);
        lines.push(line(
            format!(
                "ip netns exec {name} iptables -t nat -A POSTROUTING -s {source} -o {interface} -j MASQUERADE"
            ),
            "the second SNAT, outside the host",
        ));
    }
    lines
}

/// The commands that remove everything again. A namespace takes its interfaces and rules along; one that others use
/// goes last.
pub(super) fn remove(plan: &LabSpec) -> Vec<Line> {
    let (own, shared): (Vec<&NodeSpec>, Vec<&NodeSpec>) = plan
        .nodes
        .iter()
        .partition(|node| node.namespace == Namespace::Own);
    let all = shared.into_iter().rev().chain(own);
    all.map(|node| {
        let name = &node.name;
        line(
            format!("ip netns delete {name}"),
            format!("{name} and all that is in it"),
        )
    })
    .collect()
}
