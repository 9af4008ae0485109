//! The article's commands as an implementation of the contract: a bridge, veth pairs, and four rules.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::facts::{Argument, Facts, Needed, Own};
use super::part::by_option;
use super::{
    Adapter, AdapterError, Implementation, LabHost, PublishedPort, Realised, Scenario,
    ScenarioNetwork,
};
use crate::adapter::Pool;
use crate::address::{Family, Subnet};
use crate::case::Feature;
use crate::plan::contract;

/// The article, as goldpath knows it.
pub static FACTS: Facts = Facts {
    name: "recipe",
    kind: "recipe",
    argument: Argument::None,
    programs: &[
        Needed::new("iptables", "iptables").asked(|path| by_option(path, "-V")),
        Needed::new("ip", "iproute2").asked(|path| by_option(path, "-V")),
    ],
    harness: &[],
    state_folders: &[],
    own: Own {
        tables: &[],
        chains: &[],
    },
    lacks: &[],
    idle: |_| Vec::new(),
    option: None,
    find: |selection| {
        let recipe = Recipe {
            implementation: Implementation::find(selection)?,
        };
        Ok(Arc::new(recipe))
    },
};

/// The article, as commands.
#[derive(Debug)]
struct Recipe {
    implementation: Implementation,
}

impl Adapter for Recipe {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    /// What the article gets to work: not the host itself as a client of published ports, and nothing between networks.
    fn features(&self) -> BTreeSet<Feature> {
        use Feature::{
            Bridge, ContainerMode, EarlierPolicy, EarlierPolicyOutward, Gateway, HostMode,
            Masquerade, NoneMode, PublishTcp, PublishUdp, StaticAddress,
        };
        BTreeSet::from([
            Bridge,
            ContainerMode,
            EarlierPolicy,
            EarlierPolicyOutward,
            Gateway,
            HostMode,
            Masquerade,
            NoneMode,
            PublishTcp,
            PublishUdp,
            StaticAddress,
        ])
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let commands = commands(scenario);
        for command in &commands {
            run(&self.implementation, &command.make, host)?;
        }
        Ok(Box::new(RecipeNetwork {
            implementation: self.implementation.clone(),
            commands,
        }))
    }
}

/// A command of the article, with what undoes it; a link's end undoes the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Command {
    make: String,
    undo: Option<String>,
}

fn commands(scenario: &Scenario) -> Vec<Command> {
    let mut commands = vec![link("sysctl -q -w net.ipv4.ip_forward=1", None)];
    for (number, network) in scenario.networks.iter().enumerate() {
        let bridge = format!("hwchiu{number}");
        commands.extend(bridge_commands(network, &bridge));
        for (nth, (container, addresses)) in scenario.members(&network.name).into_iter().enumerate()
        {
            let (name, port) = (&container.name, format!("veth{number}{nth}"));
            let make = format!("ip link add {port} type veth peer name eth0 netns {name}");
            commands.push(link(&make, Some(format!("ip link delete {port}"))));
            commands.push(link(
                &format!("ip link set {port} master {bridge} up"),
                None,
            ));
            let own = network.on_link(addresses).into_iter();
            let mut inside: Vec<String> = own
                .map(|own| format!("address add {own} dev eth0"))
                .collect();
            inside.push(String::from("link set eth0 up"));
            let gateways = network.gateways().into_iter();
            inside.extend(gateways.map(|gateway| format!("route add default via {gateway}")));
            for inside in inside {
                commands.push(link(&format!("ip -n {name} {inside}"), None));
            }
            for address in addresses {
                let ports = container.publish.iter();
                commands.extend(ports.flat_map(|port| publish(port, address, &bridge)));
            }
        }
    }
    commands
}

fn bridge_commands(network: &ScenarioNetwork, bridge: &str) -> Vec<Command> {
    let uplink = contract::UPLINK_INTERFACE;
    let make = format!("ip link add {bridge} type bridge");
    let mut commands = vec![link(&make, Some(format!("ip link delete {bridge}")))];
    for pool in &network.pools {
        let make = format!("ip address add {} dev {bridge}", pool.host());
        commands.push(link(&make, None));
    }
    commands.push(link(&format!("ip link set {bridge} up"), None));
    for Pool { subnet, .. } in &network.pools {
        let family = subnet.family();
        for (table, text) in [
            (
                "nat",
                format!("POSTROUTING -s {subnet} -o {uplink} -j MASQUERADE"),
            ),
            (
                "filter",
                format!("FORWARD -i {bridge} -o {uplink} -j ACCEPT"),
            ),
            (
                "filter",
                format!("FORWARD -i {uplink} -o {bridge} -j ACCEPT"),
            ),
        ] {
            commands.push(rule(family, table, &text));
        }
    }
    commands
}

fn publish(port: &PublishedPort, to: IpAddr, bridge: &str) -> [Command; 2] {
    let (family, host) = (Family::of(to), contract::UPLINK.address);
    let (host, to_alone) = (Subnet::of_one(host), Subnet::of_one(to));
    let way = SocketAddr::new(to, port.container_port);
    let (outer, inner, protocol) = (port.host_port, port.container_port, port.protocol);
    [
        rule(
            family,
            "nat",
            &format!(
                "PREROUTING -d {host} -p {protocol} --dport {outer} -j DNAT --to-destination {way}"
            ),
        ),
        rule(
            family,
            "filter",
            &format!("FORWARD -d {to_alone} -o {bridge} -p {protocol} --dport {inner} -j ACCEPT"),
        ),
    ]
}

fn link(make: &str, undo: Option<String>) -> Command {
    Command {
        make: make.to_owned(),
        undo,
    }
}

fn rule(family: Family, table: &str, text: &str) -> Command {
    let iptables = family.iptables();
    Command {
        make: format!("{iptables} -t {table} -A {text}"),
        undo: Some(format!("{iptables} -t {table} -D {text}")),
    }
}

fn run(own: &Implementation, command: &str, host: &LabHost) -> Result<String, AdapterError> {
    let mut words = command.split(' ');
    let program = words.next().unwrap_or_default();
    own.program(program, words).run(&host.jail)
}

/// The commands that were run.
#[derive(Debug)]
struct RecipeNetwork {
    implementation: Implementation,
    commands: Vec<Command>,
}

impl Realised for RecipeNetwork {
    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let undone = self.commands.iter().rev().filter_map(|c| c.undo.as_ref());
        undone
            .filter_map(|command| run(&self.implementation, command, host).err())
            .collect()
    }

    /// All of it is in the lab's namespaces and the jail.
    fn abandon(&mut self, _: &LabHost) -> Vec<AdapterError> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use crate::adapter::Pool;
    use crate::address::{PerFamily, Subnet};

    use super::*;

    #[test]
    fn every_rule_has_what_undoes_it() {
        let network = ScenarioNetwork {
            name: "front".into(),
            pools: PerFamily::from(Pool::of(Subnet::around([10, 77, 1, 0].into(), 24))),
            internal: false,
            mtu: None,
        };
        let scenario = Scenario {
            networks: vec![network],
            containers: Vec::new(),
        };
        for command in commands(&scenario) {
            let is_rule = command.make.starts_with("iptables");
            assert!(!is_rule || command.undo.is_some(), "{}", command.make);
        }
    }
}
