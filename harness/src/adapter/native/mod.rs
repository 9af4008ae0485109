//! goldpath's own realisation of a scenario: bridges and veth pairs by rtnetlink, one nftables table of rules.
//!
//! It is the measure that cases are written against, and what [`Fault`]s are planted in to prove that the suite
//! notices them.

mod extra;
mod fault;
mod ports;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use fault::{Fault, Faults, UnknownFault};

use super::{
    Adapter, AdapterError, Implementation, Program, Realised, Scenario, ScenarioNetwork, Site,
};
use crate::case::Feature;
use crate::lab::LabError;
use crate::lab::attach::{Bridge, Port, remove_link};
use crate::lab::topology::Prefix;

/// The native implementation.
#[derive(Debug)]
pub struct Native {
    implementation: Implementation,
    faults: Faults,
}

impl Native {
    /// The native implementation with these faults.
    pub fn with(faults: Faults) -> Self {
        let nft = Program::new(["nft", "--version"]).version();
        let words: Vec<String> = faults.iter().map(|fault| format!("+{fault}")).collect();
        Self {
            implementation: Implementation {
                name: String::from("native"),
                version: format!("{}{}", env!("CARGO_PKG_VERSION"), words.concat()),
                tools: BTreeMap::from([(String::from("nft"), nft)]),
            },
            faults,
        }
    }
}

impl Adapter for Native {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        let all = Feature::ALL.iter().copied();
        all.filter(|feature| *feature != Feature::Ipv6).collect()
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let mut made = Made {
            links: Vec::new(),
            rules: false,
            faults: self.faults.clone(),
        };
        for (number, network) in scenario.networks.iter().enumerate() {
            let bridge = self.bridge(scenario, network);
            bridge.create(&site.host)?;
            made.links.push(bridge.name.clone());
            self.attach(scenario, network, number, &bridge, site)?;
            ports::spoil(&bridge.name, &self.faults, site)?;
        }
        let text = rules::ruleset(scenario, &self.faults);
        Program::new(["nft", "-f", "-"])
            .input(text)
            .run(&site.room)?;
        made.rules = true;
        rules::set_sysctls(scenario, &self.faults, site)?;
        Ok(Box::new(made))
    }
}

impl Native {
    fn bridge(&self, _: &Scenario, network: &ScenarioNetwork) -> Bridge {
        let address = if self.faults.has(Fault::GatewayElsewhere) {
            elsewhere(network.gateway)
        } else {
            network.gateway
        };
        let length = if self.faults.has(Fault::GatewayAddressAlone) {
            32
        } else {
            network.prefix_length()
        };
        Bridge {
            name: rules::bridge(&network.name),
            address: (!self.faults.has(Fault::NoGatewayAddress))
                .then_some(Prefix { address, length }),
            mtu: self.mtu(network),
        }
    }

    fn mtu(&self, network: &ScenarioNetwork) -> Option<u16> {
        if self.faults.has(Fault::MtuTooSmall) {
            return Some(1280);
        }
        network.mtu.filter(|_| !self.faults.has(Fault::MtuIgnored))
    }

    fn attach(
        &self,
        scenario: &Scenario,
        network: &ScenarioNetwork,
        number: usize,
        bridge: &Bridge,
        site: &Site,
    ) -> Result<(), AdapterError> {
        let gateway = (!network.internal && !self.faults.has(Fault::NoDefaultRoute)).then_some(
            if self.faults.has(Fault::WrongDefaultRoute) {
                elsewhere(network.gateway)
            } else {
                network.gateway
            },
        );
        for (nth, (container, address)) in rules::members(scenario, &network.name, &self.faults)
            .into_iter()
            .enumerate()
        {
            let name = &container.name;
            let netns = site.containers.get(name).ok_or_else(|| {
                LabError::Specification(format!("container '{name}' has no namespace"))
            })?;
            let port = Port {
                container: netns,
                host_interface: format!("gp{number}p{nth}"),
                interface: String::from("eth0"),
                address: Prefix {
                    address,
                    length: if self.faults.has(Fault::WrongPrefixLength) {
                        30
                    } else {
                        network.prefix_length()
                    },
                },
                gateway,
                mtu: self
                    .mtu(network)
                    .filter(|_| !self.faults.has(Fault::MtuOfTheBridgeOnly)),
            };
            bridge.attach(&site.host, &port)?;
        }
        Ok(())
    }
}

/// An address of the gateway's subnet that nobody has.
fn elsewhere(gateway: IpAddr) -> IpAddr {
    match gateway {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 254])
        }
        IpAddr::V6(_) => gateway,
    }
}

/// What was made, to be undone.
#[derive(Debug)]
struct Made {
    links: Vec<String>,
    rules: bool,
    faults: Faults,
}

impl Realised for Made {
    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let mut errors = Vec::new();
        if self.rules && !self.faults.has(Fault::RulesStay) {
            let removed = Program::new(["nft", "delete", "table", "ip", rules::TABLE]);
            errors.extend(removed.run(&site.room).err());
        }
        let stays = self.faults.has(Fault::BridgeStays);
        for name in self.links.iter().filter(|_| !stays) {
            errors.extend(ports::remove(site, name));
            errors.extend(remove_link(&site.host, name).err().map(AdapterError::from));
        }
        errors
    }
}
