//! netavark by itself, as podman calls it: one JSON object for each container.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    Adapter, AdapterError, Attached, Implementation, Part, Program, Realised, Scenario,
    ScenarioContainer, ScenarioNetwork, Site,
};
use crate::case::Feature;
use crate::lab::Room;
use crate::program::find_program;

/// Where distributions put it: not in PATH.
const PLACES: [&str; 4] = [
    "/usr/lib/podman/netavark",
    "/usr/libexec/podman/netavark",
    "/usr/local/libexec/podman/netavark",
    "/usr/local/lib/podman/netavark",
];

/// What podman's networks don't promise, whoever makes them.
pub(super) const LACKING: [Feature; 7] = [
    Feature::Ipv6,
    Feature::Check,
    // They accept whatever is routed to a container.
    Feature::HiddenPorts,
    Feature::InternalHost,
    // Their rules are put before a person's.
    Feature::EarlierRules,
    // They accept new connections from containers only: containers/netavark#977.
    Feature::EarlierPolicy,
    // The bridge takes the lowest hardware address of its ports: containers/netavark#833.
    Feature::StableGateway,
];

/// netavark as found on this machine.
#[derive(Debug)]
pub struct Netavark {
    implementation: Implementation,
    program: PathBuf,
}

/// Where netavark is on this machine.
pub(super) fn find_netavark() -> Result<PathBuf, String> {
    let place = PLACES.iter().find(|place| Path::new(place).is_file());
    let in_path = || find_program("netavark").ok();
    place.map(PathBuf::from).or_else(in_path).ok_or_else(|| {
        String::from("'netavark' is not installed; please run: sudo apt-get install netavark")
    })
}

impl Netavark {
    /// Looks for netavark.
    ///
    /// # Errors
    /// It is missing.
    pub fn find() -> Result<Self, String> {
        let program = find_netavark()?;
        let parts = [("netavark", Part::at(program.clone()))];
        Ok(Self {
            implementation: Implementation::of("netavark", "netavark", parts),
            program,
        })
    }
}

impl Adapter for Netavark {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        // Ports are kept by podman, which binds them. What is not there any more is an error: containers/netavark#1451.
        let own = [Feature::PortConflict, Feature::RepeatedTeardown];
        Feature::all_but(&[&LACKING[..], &own].concat())
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let mut made = Made {
            program: self.program.clone(),
            networks: scenario.networks.clone(),
            containers: Vec::new(),
        };
        for (number, network) in scenario.networks.iter().enumerate() {
            for (container, address) in scenario.members(&network.name) {
                let options = options(network, number, container, &address.to_string());
                made.ask("setup", &container.name, &options, site)?;
                made.containers.push((container.name.clone(), options));
            }
        }
        Ok(Box::new(made))
    }
}

/// What podman says to netavark about one container (netavark, `src/network/types.rs`).
fn options(
    network: &ScenarioNetwork,
    number: usize,
    container: &ScenarioContainer,
    address: &str,
) -> Value {
    let mappings = container.publish.iter().map(|port| {
        json!({
            "host_ip": port.host_address.map_or_else(String::new, |address| address.to_string()),
            "host_port": port.host_port,
            "container_port": port.container_port,
            "protocol": port.protocol,
            "range": 1,
        })
    });
    let mut wishes = serde_json::Map::new();
    // Without it netavark's networks of one host reach each other, which podman's do not promise to prevent either.
    wishes.insert("isolate".into(), json!("true"));
    if let Some(mtu) = network.mtu {
        wishes.insert("mtu".into(), json!(mtu.to_string()));
    }
    let id = format!("{:064x}", number + 1);
    let name = &network.name;
    json!({
        "container_id": format!("{:0>64}", hex(&container.name)),
        "container_name": container.name,
        "port_mappings": mappings.collect::<Vec<_>>(),
        "networks": { name: { "static_ips": [address], "interface_name": "eth0" } },
        "network_info": {
            name: {
                "name": name,
                "id": id,
                "driver": "bridge",
                "network_interface": format!("podman{}", number + 1),
                "subnets": [{ "subnet": network.subnet, "gateway": network.gateway }],
                "ipv6_enabled": false,
                "internal": network.internal,
                "dns_enabled": false,
                "options": wishes,
                "ipam_options": { "driver": "host-local" },
            }
        },
    })
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Containers in the order in which they were attached.
#[derive(Debug)]
struct Made {
    program: PathBuf,
    networks: Vec<ScenarioNetwork>,
    containers: Vec<(String, Value)>,
}

impl Made {
    fn ask(
        &self,
        verb: &str,
        container: &str,
        options: &Value,
        site: &Site,
    ) -> Result<String, AdapterError> {
        let program = self.program.display().to_string();
        Program::new([
            &program,
            "--config",
            Room::FOLDER,
            verb,
            &Site::path(container),
        ])
        .input(options.to_string())
        .run(&site.room)
    }
}

impl Realised for Made {
    fn remove(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        let place = self
            .containers
            .iter()
            .position(|(name, _)| name == container);
        let Some(place) = place else { return Ok(()) };
        let (name, options) = self.containers.remove(place);
        self.ask("teardown", &name, &options, site).map(drop)
    }

    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let Attached::Network {
            name,
            address: Some(address),
        } = &container.attached
        else {
            return Ok(());
        };
        let mut networks = self.networks.iter().enumerate();
        if let Some((number, network)) = networks.find(|(_, one)| one.name == *name) {
            let options = options(network, number, container, &address.to_string());
            self.ask("setup", &container.name, &options, site)?;
            self.containers.push((container.name.clone(), options));
        }
        Ok(())
    }

    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let each = self.containers.iter().rev();
        each.filter_map(|(name, options)| self.ask("teardown", name, options, site).err())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_an_id_of_64_digits() {
        let network = ScenarioNetwork {
            name: "front".into(),
            subnet: "10.77.1.0/24".into(),
            gateway: std::net::IpAddr::from([10, 77, 1, 1]),
            internal: true,
            mtu: Some(1400),
        };
        let container = ScenarioContainer {
            name: "c1".into(),
            attached: Attached::None,
            publish: Vec::new(),
        };
        let options = options(&network, 0, &container, "10.77.1.2");
        assert_eq!(options["container_id"].as_str().map(str::len), Some(64));
        assert_eq!(options["network_info"]["front"]["options"]["mtu"], "1400");
        assert_eq!(options["network_info"]["front"]["internal"], true);
    }
}
