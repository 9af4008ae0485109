//! A validated case: what later stages work on.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::builtin::BUILTIN;
use super::claim::Claim;
use super::command::NodeCommands;
use super::id::CaseId;
use super::place::{Chain, Endpoint, NodeName, Place};
use super::publish::Publish;
use super::vocabulary::{
    Backend, FateWord, Feature, Finding, LabName, Leg, Level, Policy, ProbeKind, Table,
};
use crate::address::{Family, PerFamily, Subnet};
use crate::plan::ServiceSpec;

/// One case file, validated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its name everywhere.
    pub id: CaseId,
    /// The file that it was read from.
    pub path: PathBuf,
    /// The file's text.
    #[serde(skip)]
    pub text: Arc<str>,
    /// The behaviour, as a present-tense sentence.
    pub title: String,
    /// Where the behaviour is described.
    pub source: Vec<String>,
    /// How strongly it binds.
    pub level: Level,
    /// Claims that a pass supports.
    pub checks: Vec<Claim>,
    /// Claims that a pass refutes.
    pub refutes: Vec<Claim>,
    /// Recipe or contract, with what only that kind has.
    pub kind: CaseKind,
    /// Address families, each its own trial; never empty.
    pub families: Vec<Family>,
    /// Why the case is not run, if it isn't.
    pub disabled: Option<String>,
    /// Containers that the file declares.
    pub containers: Vec<Container>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Case {
    /// Whether the program carries it; otherwise it was read from a file.
    pub fn is_builtin(&self) -> bool {
        self.path.starts_with(BUILTIN)
    }
}

/// The two kinds of case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseKind {
    /// A lab configured by literal commands.
    Recipe {
        /// Which lab.
        lab: LabName,
        /// Firewall back ends, each its own trial; never empty.
        backends: Vec<Backend>,
    },
    /// An intended network that any implementation can be asked for.
    Contract {
        /// What an implementation must be able to do.
        requires: Vec<Feature>,
        /// The state in which the implementation finds the host.
        host: Host,
        /// MTU of the link behind the host's gateway; the kernel's default if there is none.
        path_mtu: Option<u16>,
        /// Why not all questions are asked after the last step, if they aren't.
        no_table: Option<String>,
        /// The networks, by name.
        networks: Vec<Network>,
    },
}

/// The state in which an implementation finds the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Whether it forwards already.
    pub forwards: bool,
    /// FORWARD's policy, if somebody has set it.
    pub forward: Option<Policy>,
    /// INPUT's policy, if somebody has set it. What comes by `lo`, or belongs to a connection, is accepted in any case.
    pub input: Option<Policy>,
    /// Whether iptables sees bridged packets.
    pub bridge_netfilter: bool,
    /// Further addresses of its uplink.
    pub addresses: Vec<IpAddr>,
    /// Whether it has another uplink, with a neighbour of its own.
    pub second_uplink: bool,
    /// Whether a person has rules in every table that have nothing to do with containers.
    pub own_rules: bool,
    /// What a person had dropped.
    pub drops: Vec<Dropped>,
}

/// Packets that a person had dropped by a rule of FORWARD. An absent end is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Their source.
    pub from: Option<IpAddr>,
    /// Their destination.
    pub to: Option<IpAddr>,
}

impl Case {
    /// Names of the containers that are there before the first step.
    pub fn at_first(&self) -> std::collections::BTreeSet<&NodeName> {
        super::validate::at_first(&self.containers, &self.steps)
    }
}

impl CaseKind {
    /// `recipe` or `contract`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Recipe { .. } => "recipe",
            Self::Contract { .. } => "contract",
        }
    }
}

/// A container network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Network {
    /// Its name.
    pub name: NodeName,
    /// Its subnets, at most one of each family.
    pub subnets: PerFamily<Subnet>,
    /// The host's address in it, if the case cares.
    pub gateway: Option<IpAddr>,
    /// Whether it has no way out.
    pub internal: bool,
    /// Its MTU, if the case cares.
    pub mtu: Option<u16>,
}

impl Network {
    /// The host's address in one of its subnets.
    pub fn gateway(&self, subnet: Subnet) -> IpAddr {
        let asked = self.gateway.filter(|address| subnet.contains(*address));
        asked.unwrap_or_else(|| subnet.gateway())
    }

    /// The host's address in each of its subnets.
    pub fn gateways(&self) -> impl Iterator<Item = IpAddr> {
        self.subnets.iter().map(|subnet| self.gateway(*subnet))
    }
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Its name, which is its node's.
    pub name: NodeName,
    /// Whose network it uses.
    pub attachment: Attachment,
    /// Its published ports.
    pub publish: Vec<Publish>,
}

/// Whose network a container uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attachment {
    /// A namespace with nothing but `lo`.
    None,
    /// The host's namespace.
    Host,
    /// Another container's namespace.
    Container(NodeName),
    /// A network of the case.
    Network {
        /// Which one.
        network: NodeName,
        /// The address asked for, if any.
        address: Option<IpAddr>,
    },
}

/// One step: its commands first, then its services, then what must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Line of the case file, from one.
    pub line: usize,
    /// Commands, in file order of the nodes.
    pub commands: Vec<NodeCommands>,
    /// What becomes of the implementation or its containers, before everything else.
    pub change: Option<NetworkEvent>,
    /// Echo services that start here and live until the case ends.
    pub listen: Vec<ServiceSpec>,
    /// Routes that a person adds, before the services start.
    pub added_routes: Vec<AddedRoute>,
    /// Routing tables that must be so before the probe.
    pub routes: Vec<RoutesAre>,
    /// Interfaces that must be there before the probe.
    pub interfaces: Vec<InterfacesAre>,
    /// Nodes that must share a network namespace.
    pub same: Option<SameNamespace>,
    /// A probe and what must come of it.
    pub exchange: Option<Exchange>,
    /// What all questions of this moment must be answered with, if they are asked here.
    pub table: Option<Table>,
}

/// What an implementation is asked for in the middle of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkEvent {
    /// A container ends.
    Remove(NodeName),
    /// A container vanishes with its namespace, as one that crashes, and is removed then.
    Lose(NodeName),
    /// A container starts.
    Add(NodeName),
    /// A container may not start, and nothing of it may stay.
    Refuse(NodeName),
    /// The implementation is asked whether all is as it made it.
    Check {
        /// What it must find.
        finds: Finding,
        /// What somebody takes away before.
        damage: Vec<Damage>,
    },
    /// Everything ends.
    Teardown {
        /// Whether it is asked for a second time.
        again: bool,
        /// A container that is gone before.
        gone: Option<NodeName>,
        /// Whether what the host forwards for others must end as before set-up.
        transit: bool,
    },
}

/// What somebody takes away, besides the implementation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage<N = NodeName> {
    /// A container's interfaces.
    Interfaces(N),
    /// A container's addresses.
    Addresses(N),
    /// A container's default route.
    DefaultRoute(N),
    /// All rules of the host, as a firewall's reload does.
    Rules,
}

impl<N> Damage<N> {
    /// The container whose it is.
    pub fn container(&self) -> Option<&N> {
        match self {
            Self::Interfaces(name) | Self::Addresses(name) | Self::DefaultRoute(name) => Some(name),
            Self::Rules => None,
        }
    }
}

/// A route that a person adds in a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddedRoute {
    /// Line of the case file, from one.
    pub line: usize,
    /// The node.
    pub at: NodeName,
    /// The destination, in each family that has one; none is the default route.
    pub to: Option<PerFamily<Subnet>>,
    /// The next hop.
    pub via: Endpoint,
}

/// A probe together with everything that the case says about its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// What is sent.
    pub probe: Probe,
    /// How its path must end.
    pub expect: Expect,
    /// Frames that must have been seen.
    pub seen: Vec<Sighting>,
    /// Frames that must not exist.
    pub unseen: Vec<Sighting>,
    /// Chains of the host that must have spoken about the probe.
    pub meets: Vec<Chain>,
    /// Chains of the host that must not have.
    pub avoids: Vec<Chain>,
}

/// A marked packet to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// Which kind.
    pub send: ProbeKind,
    /// From which node.
    pub from: NodeName,
    /// To whom.
    pub to: Endpoint,
    /// To which port; there is one exactly for UDP and TCP.
    pub port: Option<u16>,
    /// From which port; one of its own if there is none.
    pub source_port: Option<u16>,
    /// Initial TTL or hop limit; the kernel's default if there is none.
    pub ttl: Option<u8>,
    /// Payload bytes; the default of the kind of probe if there is none.
    pub size: Option<u32>,
    /// Whether routers may not fragment it; the kernel's default if not said.
    pub dont_fragment: Option<bool>,
    /// Type of service, if not zero.
    pub tos: Option<u8>,
}

/// How a path must end. An absent field is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expect {
    /// How it ended.
    pub fate: FateWord,
    /// TTL of the reply as the probing node received it.
    pub ttl: Option<u8>,
    /// Where it was dropped or lost.
    pub at: Option<Ending>,
    /// Which packet was dropped or lost.
    pub leg: Option<Leg>,
    /// What the sender was told: an errno's name, `tcp reset` or an ICMP error's name.
    pub reason: Option<String>,
    /// The client's address as the server saw it.
    pub peer: Option<Endpoint>,
}

/// Where a path ended: a node, and a place in it as `filter/FORWARD policy DROP` or `no route`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// The node.
    pub node: NodeName,
    /// The place; empty if only the node matters. For a lost packet, the interface of the last hop.
    pub place: String,
}

/// A frame of the probe. An absent field matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Where.
    pub at: Place,
    /// Which packet.
    pub leg: Option<Leg>,
    /// Its source address there.
    pub source: Option<Endpoint>,
    /// Its destination address there.
    pub destination: Option<Endpoint>,
    /// Its TTL or hop limit there.
    pub ttl: Option<u8>,
    /// Its source port there.
    pub source_port: Option<u16>,
    /// Its type of service there.
    pub tos: Option<u8>,
    /// Whether routers may not fragment it.
    pub dont_fragment: Option<bool>,
    /// The node whose hardware address the frame comes from.
    pub sender: Option<NodeName>,
    /// Source address of the packet that an ICMP error quotes.
    pub quoted_source: Option<Endpoint>,
    /// Destination address of the packet that an ICMP error quotes.
    pub quoted_destination: Option<Endpoint>,
}

/// A routing table, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoutesAre {
    /// Whose main table.
    pub of: NodeName,
    /// Its routes, in the words of `ip route` without `proto` and `scope`.
    pub are: Vec<String>,
}

/// A node's interfaces, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InterfacesAre {
    /// Whose.
    pub of: NodeName,
    /// Their names.
    pub are: Vec<String>,
}

/// Nodes that share one network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SameNamespace {
    /// Two or more nodes.
    pub nodes: Vec<NodeName>,
}
