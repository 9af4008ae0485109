//! goldpath's own realisation of a scenario: bridges and veth pairs by rtnetlink, one nftables table of rules.
//!
//! It is the measure that cases are written against, and what [`Fault`]s are planted in to prove that the suite
//! notices them.

mod extra;
mod fault;
mod ports;
mod rules;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use fault::{Fault, Faults, UnknownFault};

use super::{
    Adapter, AdapterError, Attached, Implementation, Program, PublishedPort, Realised, Scenario,
    ScenarioContainer, ScenarioNetwork, Site,
};
use crate::case::{Feature, Protocol};
use crate::lab::LabError;
use crate::lab::attach::{Bridge, Port, remove_link};
use crate::lab::topology::Prefix;
use crate::trace::{Conntrack, ConntrackEntry};

/// IANA's number of TCP.
const TCP: u8 = 6;
/// IANA's number of UDP.
const UDP: u8 = 17;

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
        Feature::all_but(&[Feature::Ipv6, Feature::Check])
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let wanted = settings::settings(scenario, &self.faults);
        let mut made = Made {
            scenario: scenario.clone(),
            links: Vec::new(),
            rules: false,
            passed: Vec::new(),
            found: found(wanted.iter().map(|(name, _)| name.as_str()), site)?,
            native: Native {
                implementation: self.implementation.clone(),
                faults: self.faults.clone(),
            },
        };
        for (number, network) in scenario.networks.iter().enumerate() {
            let bridge = self.bridge(network);
            bridge.create(&site.host)?;
            made.links.push(bridge.name.clone());
            for (container, address) in rules::members(scenario, &network.name, &self.faults) {
                self.attach(network, number, container, address, site)?;
            }
            ports::spoil(&bridge.name, &self.faults, site)?;
        }
        made.write_rules(site)?;
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

/// What was made, to be undone.
#[derive(Debug)]
struct Made {
    scenario: Scenario,
    links: Vec<String>,
    rules: bool,
    /// Rules of FORWARD for containers.
    passed: Vec<String>,
    /// Settings as they were before.
    found: Vec<(String, String)>,
    native: Native,
}

impl Made {
    /// Puts all rules in the place of those before, at once.
    fn write_rules(&mut self, site: &Site) -> Result<(), AdapterError> {
        let text = rules::ruleset(&self.scenario, &self.native.faults);
        // The first line makes sure that there is something to delete.
        let table = rules::TABLE;
        let text = format!("table ip {table}\ndelete table ip {table}\n{text}");
        Program::new(["nft", "-f", "-"])
            .input(text)
            .run(&site.room)?;
        self.rules = true;
        Ok(())
    }

    /// A policy of FORWARD ends what no rule of it has accepted, whatever another table says. Behind a person's own rules,
    /// so that these hold.
    fn pass_policy(&mut self, site: &Site) -> Result<(), AdapterError> {
        if !settings::has_policy(site)? {
            return Ok(());
        }
        let bridges = self.links.clone();
        for rule in bridges
            .iter()
            .flat_map(|name| ["-i", "-o"].map(|end| format!("{end} {name}")))
        {
            Program::new(["iptables", "-A", "FORWARD"])
                .args(settings::accept(&rule))
                .run(&site.room)?;
            self.passed.push(rule);
        }
        Ok(())
    }

    /// Connections by a container's ports begin anew, wherever they led: an entry outlives the rule that made it, and one
    /// that was made before there was a rule hides it (moby/moby#8795).
    fn forget(&self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let wrong = |error: crate::trace::TraceError| AdapterError::Refused {
            question: String::from("forget connections"),
            message: error.to_string(),
        };
        let published = |entry: &ConntrackEntry| {
            let to = entry.original.ports.map(|(_, to)| to);
            let of_protocol = |port: &&PublishedPort| match port.protocol {
                Protocol::Tcp => entry.protocol == TCP,
                Protocol::Udp => entry.protocol == UDP,
            };
            let mut ports = container.publish.iter().filter(of_protocol);
            ports.any(|port| {
                let asked = port
                    .host_address
                    .filter(|address| !address.is_unspecified());
                Some(port.host_port) == to
                    && asked.is_none_or(|address| address == entry.original.destination)
            })
        };
        let forgotten = site.room.run(|| {
            let mut connections = Conntrack::open("host")?;
            for entry in connections.dump()?.iter().filter(|entry| published(entry)) {
                connections.forget(entry)?;
            }
            Ok(())
        })?;
        forgotten.map_err(wrong)
    }

    fn number_of(&self, container: &ScenarioContainer) -> Option<(usize, ScenarioNetwork)> {
        let Attached::Network { name, .. } = &container.attached else {
            return None;
        };
        let mut networks = self.scenario.networks.iter().enumerate();
        let (number, network) = networks.find(|(_, one)| one.name == *name)?;
        Some((number, network.clone()))
    }
}

impl Realised for Made {
    fn remove(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        let gone = self.scenario.container(container).cloned();
        self.scenario = self.scenario.with_only(|name| name != container);
        self.write_rules(site)?;
        let Some(gone) = gone else { return Ok(()) };
        if let Some((number, _)) = self.number_of(&gone) {
            remove_link(&site.host, &port(number, container))?;
        }
        self.forget(&gone, site)
    }

    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let taken = self.scenario.containers.iter().flat_map(|one| &one.publish);
        let mut asked = container.publish.iter();
        if let Some(port) = asked.find(|port| taken.clone().any(|taken| taken.collides(port))) {
            return Err(AdapterError::Refused {
                question: format!("add {}", container.name),
                message: format!("port {}/{} is taken", port.host_port, port.protocol),
            });
        }
        let Some((number, network)) = self.number_of(container) else {
            return Ok(());
        };
        let mut with = self.scenario.clone();
        with.containers.push(container.clone());
        let members = rules::members(&with, &network.name, &self.native.faults);
        let own = members.iter().find(|(one, _)| one.name == container.name);
        if let Some((_, address)) = own {
            self.native
                .attach(&network, number, container, *address, site)?;
        }
        self.scenario = with;
        self.write_rules(site)?;
        self.forget(container, site)
    }

    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let mut errors = Vec::new();
        let faults = &self.native.faults;
        if self.rules && !faults.has(Fault::RulesStay) {
            let removed = Program::new(["nft", "delete", "table", "ip", rules::TABLE]);
            errors.extend(removed.run(&site.room).err());
        }
        for rule in std::mem::take(&mut self.passed) {
            let removed = Program::new(["iptables", "-D", "FORWARD"]).args(settings::accept(&rule));
            errors.extend(removed.run(&site.room).err());
        }
        if !faults.has(Fault::BridgeStays) {
            for name in std::mem::take(&mut self.links) {
                errors.extend(ports::remove(site, &name));
                errors.extend(remove_link(&site.host, &name).err().map(AdapterError::from));
            }
        }
        let found = std::mem::take(&mut self.found);
        errors.extend(settings::write(&found, site).err());
        for container in std::mem::take(&mut self.scenario.containers) {
            errors.extend(self.forget(&container, site).err());
        }
        self.rules = false;
        errors
    }
}
