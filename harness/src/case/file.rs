//! A case file as it is written, before validation. The doc comments here are the descriptions of the JSON schema,
//! so they speak to contributors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::claim::Claim;
use super::one_or_many::OneOrMany;
use super::step_file::StepFile;
use super::vocabulary::{Backend, Feature, LabName, Level, Policy};
use crate::address::Family;

/// One case: an intended network or a recipe, probes, and what must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// The behaviour, as a present-tense sentence: "A container reaches the outside from the host's address".
    #[schemars(with = "String")]
    pub(super) title: Spanned<String>,
    /// Where the behaviour is described: a section of the article, an RFC, a man page, an issue.
    #[serde(default)]
    pub(super) source: OneOrMany<String>,
    /// How strongly the case binds, as in RFC 2119. `must` if absent.
    #[schemars(with = "Option<Level>")]
    pub(super) level: Option<Spanned<String>>,
    /// Contract cases: what an implementation must be able to do for this case to be put to it.
    #[serde(default)]
    #[schemars(with = "Vec<Feature>")]
    pub(super) requires: Vec<Spanned<String>>,
    /// Claims of the article that a pass supports.
    #[serde(default)]
    #[schemars(with = "Vec<Claim>")]
    pub(super) checks: Vec<Spanned<String>>,
    /// Claims of the article that a pass refutes.
    #[serde(default)]
    #[schemars(with = "Vec<Claim>")]
    pub(super) refutes: Vec<Spanned<String>>,
    /// Recipe cases: the lab that the commands configure. A case without a lab is a contract case.
    #[schemars(with = "Option<LabName>")]
    pub(super) lab: Option<Spanned<String>>,
    /// Recipe cases: the programs that `iptables` is, each its own trial. Both if absent.
    #[schemars(with = "Option<Vec<Backend>>")]
    pub(super) backends: Option<Spanned<Vec<Spanned<String>>>>,
    /// Address families, each its own trial. `["ipv4"]` if absent, and so far nothing else: labs have no IPv6 yet.
    #[schemars(with = "Option<Vec<Family>>")]
    pub(super) families: Option<Spanned<Vec<Spanned<String>>>>,
    /// Why you don't run this case on your machine. It is then listed as disabled.
    pub(super) disabled: Option<String>,
    /// Contract cases: why not all questions are asked after the last step, as they are in every other one.
    #[schemars(with = "Option<String>")]
    pub(super) no_table: Option<Spanned<String>>,
    /// Containers by name. A recipe's lab has c1 and c2 already.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, ContainerFile>")]
    pub(super) container: BTreeMap<Spanned<String>, ContainerFile>,
    /// Contract cases: the state in which the implementation finds the host. A fresh machine if absent.
    #[schemars(with = "Option<HostFile>")]
    pub(super) host: Option<Spanned<HostFile>>,
    /// Contract cases: the way from the host's gateway to the outside. Links of 1500 bytes if absent.
    #[schemars(with = "Option<PathFile>")]
    pub(super) path: Option<Spanned<PathFile>>,
    /// Contract cases: networks by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, NetworkFile>")]
    pub(super) network: BTreeMap<Spanned<String>, NetworkFile>,
    /// What happens, in order.
    #[serde(default)]
    #[schemars(with = "Vec<StepFile>")]
    pub(super) step: Vec<Spanned<StepFile>>,
}

/// A container. It has either a `mode` or a `network`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Container")]
pub(super) struct ContainerFile {
    /// `none` (only lo), `host` (the host's interfaces) or `container:NAME` (another container's interfaces).
    #[schemars(with = "Option<String>", regex(pattern = "^(none|host|container:.+)$"))]
    pub(super) mode: Option<Spanned<String>>,
    /// The network that it is attached to.
    #[schemars(with = "Option<String>")]
    pub(super) network: Option<Spanned<String>>,
    /// The address that it asks for, in its network's subnet.
    #[schemars(with = "Option<String>")]
    pub(super) address: Option<Spanned<String>>,
    /// Published ports: `[ADDRESS:]HOST_PORT:CONTAINER_PORT[/PROTOCOL]`, as `8080:80/tcp`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) publish: Vec<Spanned<String>>,
}

/// The state in which the implementation finds the host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Host")]
pub(super) struct HostFile {
    /// Whether it forwards already, as a router or a host of virtual machines does. False if absent.
    #[serde(default)]
    pub(super) forwards: bool,
    /// FORWARD's policy of the machine's iptables. None was ever set if absent.
    #[schemars(with = "Option<Policy>")]
    pub(super) forward: Option<Spanned<String>>,
    /// INPUT's policy of the machine's iptables, with rules in front that accept what comes by `lo` and what belongs to a
    /// connection that the host knows (`RELATED,ESTABLISHED`). None was ever set if absent.
    #[schemars(with = "Option<Policy>")]
    pub(super) input: Option<Spanned<String>>,
    /// Whether iptables sees bridged packets (`net.bridge.bridge-nf-call-iptables`). False if absent.
    #[serde(default)]
    pub(super) bridge_netfilter: bool,
    /// Further addresses of its uplink, in 10.0.2.0/24.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) addresses: Vec<Spanned<String>>,
    /// Whether it has another uplink, `eth1` with 192.0.2.15/24, and there a neighbour `lan2` with 192.0.2.50, who sends everything
    /// by the host and asks the host itself from 198.18.0.7. A person's policy routing leads answers out by the uplink that the
    /// request came in by. False if absent.
    #[serde(default)]
    pub(super) second_uplink: bool,
    /// Whether a person has rules in every table of the machine's iptables, and a table of nft, about addresses and a port
    /// that no container has, and marks everything that the host passes on. They change no packet of a case, and stay. False if
    /// absent.
    #[serde(default)]
    pub(super) own_rules: bool,
    /// Packets that a person had dropped by rules of FORWARD, in the machine's iptables.
    #[serde(default)]
    pub(super) drops: Vec<DropFile>,
}

/// Packets that a person had dropped before the implementation came. At least one of the two ends is said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Drop")]
pub(super) struct DropFile {
    /// Their source: an address, or a container that asks for one.
    #[schemars(with = "Option<String>")]
    pub(super) from: Option<Spanned<String>>,
    /// Their destination: an address, or a container that asks for one.
    #[schemars(with = "Option<String>")]
    pub(super) to: Option<Spanned<String>>,
}

/// The way from the host's gateway to the outside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Path")]
pub(super) struct PathFile {
    /// MTU in bytes of the link behind the gateway.
    #[schemars(with = "u16", range(min = 576, max = 1500))]
    pub(super) mtu: Spanned<i64>,
}

/// A container network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(super) struct NetworkFile {
    /// Its subnet, or one of each address family, as `10.77.1.0/24`.
    #[schemars(with = "OneOrMany<String>")]
    pub(super) subnet: Spanned<OneOrMany<String>>,
    /// The host's address in it; the first one of the subnet if absent, and in a subnet of the other family.
    #[schemars(with = "Option<String>")]
    pub(super) gateway: Option<Spanned<String>>,
    /// Whether it has no way out. False if absent.
    #[serde(default)]
    pub(super) internal: bool,
    /// Its MTU in bytes, if the case cares.
    #[schemars(with = "Option<u16>", range(min = 68, max = 65535))]
    pub(super) mtu: Option<Spanned<i64>>,
}
