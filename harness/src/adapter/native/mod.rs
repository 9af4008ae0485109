//! goldpath's own realisation of a scenario: bridges and veth pairs by rtnetlink, one nftables table of rules.
//!
//! It is the measure that cases are written against, and what [`Fault`]s are planted in to prove that the suite
//! notices them.

mod extra;
mod fault;
mod filter;
mod flows;
mod made;
mod names;
mod ports;
mod rules;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use fault::{Fault, Faults, UnknownFault};

use made::Made;

use super::{
    Adapter, AdapterError, Implementation, Part, Realised, Scenario, ScenarioContainer,
    ScenarioNetwork, Site,
};
use crate::case::Feature;
use crate::lab::attach::{Bridge, Port};
use crate::lab::topology::Prefix;
use crate::lab::{LabError, find_program};

/// The native implementation.
#[derive(Debug)]
pub struct Native {
    implementation: Implementation,
    faults: Faults,
}

impl Native {
    /// The native implementation with these faults.
    pub fn with(faults: Faults) -> Self {
        // Who looks for it finds out first whether it is here.
        let nft = find_program("nft").unwrap_or_else(|_| "nft".into());
        let words: Vec<String> = faults.iter().map(|fault| format!("+{fault}")).collect();
        let version = format!("{}{}", env!("CARGO_PKG_VERSION"), words.concat());
        let parts = BTreeMap::from([(String::from("nft"), Part::at(nft))]);
        Self {
            implementation: Implementation::known("native", &version, parts),
            faults,
        }
    }
}

impl Adapter for Native {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        Feature::all_but(&[Feature::Ipv6, Feature::Check])
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let wanted = settings::settings(scenario, &self.faults);
        let native = Native {
            implementation: self.implementation.clone(),
            faults: self.faults.clone(),
        };
        let found = found(wanted.iter().map(|(name, _)| name.as_str()), site)?;
        let mut made = Made::of(native, scenario, found);
        for (number, network) in scenario.networks.iter().enumerate() {
            let bridge = self.bridge(network);
            bridge.create(&site.host)?;
            made.links.push(bridge.name.clone());
            for (container, address) in rules::members(scenario, &network.name, &self.faults) {
                self.attach(network, number, container, address, site)?;
            }
            ports::spoil(network, &self.faults, site)?;
        }
        made.write_rules(site)?;
        made.set_policy(site)?;
        made.pass_policy(site)?;
        settings::write(&wanted, site)?;
        Ok(Box::new(made))
    }
}

/// The values that settings have before; those of links that are yet to be made have none.
fn found<'a>(
    names: impl Iterator<Item = &'a str> + Send,
    site: &Site,
) -> Result<Vec<(String, String)>, AdapterError> {
    let read = |name: &str| {
        let value = std::fs::read_to_string(settings::setting(name)).ok()?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    Ok(site.room.run(|| names.filter_map(read).collect())?)
}

impl Native {
    fn bridge(&self, network: &ScenarioNetwork) -> Bridge {
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
            name: names::bridge(&network.name),
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
        network: &ScenarioNetwork,
        number: usize,
        container: &ScenarioContainer,
        address: IpAddr,
        site: &Site,
    ) -> Result<(), AdapterError> {
        let gateway = (!network.internal && !self.faults.has(Fault::NoDefaultRoute)).then_some(
            if self.faults.has(Fault::WrongDefaultRoute) {
                elsewhere(network.gateway)
            } else {
                network.gateway
            },
        );
        let name = &container.name;
        let netns = site.containers.get(name).ok_or_else(|| {
            LabError::Specification(format!("container '{name}' has no namespace"))
        })?;
        let length = if self.faults.has(Fault::WrongPrefixLength) {
            30
        } else {
            network.prefix_length()
        };
        let port = Port {
            container: netns,
            host_interface: port(number, name),
            interface: String::from("eth0"),
            address: Prefix { address, length },
            gateway,
            mtu: self
                .mtu(network)
                .filter(|_| !self.faults.has(Fault::MtuOfTheBridgeOnly)),
        };
        Ok(self.bridge(network).attach(&site.host, &port)?)
    }
}

/// The host's end of a container's pair: `IFNAMSIZ` has room for the 12 characters of its name.
fn port(network: usize, container: &str) -> String {
    format!("p{network}{container}")
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
