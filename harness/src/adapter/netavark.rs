//! netavark by itself, as podman calls it: one JSON object for each container.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::facts::{Argument, Facts, Lack, Needed, Own};
use super::{
    Adapter, AdapterError, Attached, Implementation, LabHost, Program, Realised, Scenario,
    ScenarioContainer, ScenarioNetwork,
};
use crate::address::{Family, OfFamily, PerFamily};
use crate::case::Feature;
use crate::lab::Jail;

/// Where Podman looks for it (containers.conf(5), `helper_binaries_dir`): not in PATH.
pub(super) const FOLDERS: [&str; 4] = [
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
];
pub(super) const PROGRAM: Needed = Needed::new("netavark", "netavark").within(&FOLDERS);

/// What netavark calls its own, by both of its drivers.
pub(super) const OWN: Own = Own {
    tables: &["inet netavark"],
    chains: &["NETAVARK-*", "NETAVARK_*"],
};

/// What podman's networks don't promise, whoever makes them.
pub(super) const SHARED: [Lack; 7] = [
    Lack::of(Feature::Ipv6, "labs have no IPv6 yet"),
    Lack::of(Feature::Check, "podman(1) has no word for it"),
    Lack::of(
        Feature::HiddenPorts,
        "they accept whatever is routed to a container",
    ),
    Lack::of(
        Feature::InternalHost,
        "they accept whatever is routed to a container",
    ),
    Lack::of(
        Feature::EarlierRules,
        "their rules are put before a person's",
    ),
    Lack::of(
        Feature::EarlierPolicy,
        "containers/netavark#977: they accept new connections from containers only",
    ),
    STABLE_GATEWAY,
];
const STABLE_GATEWAY: Lack = Lack::of(
    Feature::StableGateway,
    "containers/netavark#833: the bridge takes the lowest hardware address of its ports",
);
/// What netavark's networks don't promise.
pub(super) const LACKING: [Lack; 8] = {
    let [a, b, c, d, e, f, _] = SHARED;
    // Its release notes: a bridge gets a hardware address of its own.
    let gateway = STABLE_GATEWAY.in_versions("netavark", "<1.9");
    [a, b, c, d, e, f, gateway, PAST_ITS_TABLE]
};
const PAST_ITS_TABLE: Lack = Lack::of(
    Feature::EarlierPolicyOutward,
    "what a table of its own accepts, the policy of iptables' table still drops (nft(8), accept)",
)
.without("iptables");

/// The option that it has, by the name that Podman gives it.
const DRIVER: &str = "firewall_driver=";

/// netavark, as goldpath knows it.
pub static FACTS: Facts = Facts {
    name: "netavark",
    kind: "netavark",
    argument: Argument::None,
    programs: &[
        PROGRAM,
        Needed::new("iptables", "iptables").optional(),
        Needed::new("nft", "nftables").optional(),
    ],
    harness: &[],
    state_folders: &["/run/containers", "/var/cache/netavark"],
    own: OWN,
    lacks: &{
        let [a, b, c, d, e, f, g, h] = LACKING;
        [
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            Lack::of(
                Feature::PortConflict,
                "ports are kept by Podman, which binds them",
            ),
            Lack::of(
                Feature::AddressConflict,
                "addresses are given by Podman, which knows who has them",
            ),
            Lack::of(
                Feature::RepeatedTeardown,
                "containers/netavark#1451: what is not there any more is an error",
            ),
        ]
    },
    idle,
    option: Some("firewall_driver=nftables or another one that it has"),
    find: |selection| {
        let mut options = selection.options.iter();
        if let Some(other) = options.find(|option| !option.starts_with(DRIVER)) {
            return Err(format!(
                "'{other}' is none of its options; it has {DRIVER}DRIVER"
            ));
        }
        Ok(Arc::new(Netavark {
            implementation: Implementation::find(selection)?,
        }))
    },
};

/// The firewall's program that the driver does not start: the driver that was asked for, else what this build has by
/// default. Builds before 1.13 have no word for that, and iptables.
pub(super) fn idle(own: &Implementation) -> Vec<&'static str> {
    let asked = own.options.iter().rev();
    let asked = asked
        .filter_map(|option| option.strip_prefix(DRIVER))
        .next();
    let by_default = || {
        let told = own
            .parts
            .get("netavark")
            .map(|part| part.tell(default_driver));
        told.unwrap_or_default()
    };
    match asked.map_or_else(by_default, str::to_owned).as_str() {
        "nftables" => vec!["iptables"],
        "none" => vec!["iptables", "nft"],
        _ => vec!["nft"],
    }
}

fn default_driver(netavark: &Path) -> String {
    let said = Program::new([netavark.display().to_string(), "version".into()]).run_here();
    let said: Value = serde_json::from_str(&said.unwrap_or_default()).unwrap_or_default();
    said["default_fw_driver"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// netavark as found on this machine.
#[derive(Debug)]
struct Netavark {
    implementation: Implementation,
}

impl Adapter for Netavark {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        FACTS.features(&self.implementation)
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let mut made = NetavarkNetwork {
            implementation: self.implementation.clone(),
            networks: scenario.networks.clone(),
            containers: Vec::new(),
        };
        // As podman does: container by container, whatever networks they are on.
        for (container, number, addresses) in scenario.attached() {
            made.attach(container, number, addresses, host)?;
        }
        Ok(Box::new(made))
    }
}

/// What podman says to netavark about one container (netavark, `src/network/types.rs`).
fn options(
    network: &ScenarioNetwork,
    number: usize,
    container: &ScenarioContainer,
    addresses: PerFamily<IpAddr>,
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
    // As Podman does: a container that publishes nothing has no list.
    let mappings: Vec<Value> = mappings.collect();
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
        "port_mappings": (!mappings.is_empty()).then_some(mappings),
        "networks": { name: { "static_ips": addresses, "interface_name": "eth0" } },
        "network_info": {
            name: {
                "name": name,
                "id": id,
                "driver": "bridge",
                "network_interface": format!("podman{}", number + 1),
                "subnets": network.pools.map(|pool| json!({ "subnet": pool.subnet, "gateway": pool.gateway })),
                "ipv6_enabled": network.pools.get(Family::Ipv6).is_some(),
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
struct NetavarkNetwork {
    implementation: Implementation,
    networks: Vec<ScenarioNetwork>,
    containers: Vec<(String, Value)>,
}

impl NetavarkNetwork {
    fn attach(
        &mut self,
        container: &ScenarioContainer,
        number: usize,
        addresses: PerFamily<IpAddr>,
        host: &LabHost,
    ) -> Result<(), AdapterError> {
        let network = &self.networks[number];
        let options = options(network, number, container, addresses);
        self.ask("setup", &container.name, &options, host)?;
        self.containers.push((container.name.clone(), options));
        Ok(())
    }

    /// The first address of each of a network's pools that no container has, as Podman chooses them; of these families it asks for
    /// one itself.
    fn free_addresses(
        &self,
        number: usize,
        mut asked: PerFamily<IpAddr>,
    ) -> Option<PerFamily<IpAddr>> {
        let network = &self.networks[number];
        let given = self.containers.iter().flat_map(|(_, options)| {
            let own = options["networks"][&network.name]["static_ips"].as_array();
            own.into_iter().flatten()
        });
        let taken: Vec<IpAddr> = given.filter_map(|own| own.as_str()?.parse().ok()).collect();
        for pool in &network.pools {
            if asked.get(pool.family()).is_none() {
                let free = pool.hosts().find(|address| !taken.contains(address));
                asked.set(pool.family(), free?);
            }
        }
        Some(asked)
    }

    fn ask(
        &self,
        verb: &str,
        container: &str,
        options: &Value,
        host: &LabHost,
    ) -> Result<String, AdapterError> {
        let path = LabHost::path(container);
        let arguments = ["--config", Jail::FOLDER, verb, &path];
        let mut program = self.implementation.program("netavark", arguments);
        // netavark(1): the variable that Podman sets from containers.conf.
        for option in &self.implementation.options {
            if let Some(driver) = option.strip_prefix(DRIVER) {
                program = program.env("NETAVARK_FW", driver);
            }
        }
        program.input(options.to_string()).run(&host.jail)
    }
}

impl Realised for NetavarkNetwork {
    fn remove(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        let place = self
            .containers
            .iter()
            .position(|(name, _)| name == container);
        let Some(place) = place else { return Ok(()) };
        let (name, options) = self.containers.remove(place);
        self.ask("teardown", &name, &options, host).map(drop)
    }

    fn add(&mut self, container: &ScenarioContainer, host: &LabHost) -> Result<(), AdapterError> {
        let Attached::Network { name, addresses } = &container.attached else {
            return Ok(());
        };
        let own = &container.name;
        let lacks = |what: String| AdapterError::NotRealised(format!("{own} {what}"));
        let number = self.networks.iter().position(|one| one.name == *name);
        let number =
            number.ok_or_else(|| lacks(format!("is on {name}, which is no network here")))?;
        let addresses = self.free_addresses(number, *addresses);
        let addresses = addresses.ok_or_else(|| lacks("finds no free address".into()))?;
        self.attach(container, number, addresses, host)
    }

    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let each = self.containers.iter().rev();
        each.filter_map(|(name, options)| self.ask("teardown", name, options, host).err())
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
    fn a_container_has_an_id_of_64_digits() {
        let network = ScenarioNetwork {
            name: "front".into(),
            pools: PerFamily::from(Pool::of(Subnet::around([10, 77, 1, 0].into(), 24))),
            internal: true,
            mtu: Some(1400),
        };
        let container = ScenarioContainer {
            name: "c1".into(),
            attached: Attached::None,
            publish: Vec::new(),
        };
        let options = options(&network, 0, &container, IpAddr::from([10, 77, 1, 2]).into());
        assert_eq!(options["container_id"].as_str().map(str::len), Some(64));
        assert_eq!(options["network_info"]["front"]["options"]["mtu"], "1400");
        assert_eq!(options["network_info"]["front"]["internal"], true);
        assert_eq!(
            options["networks"]["front"]["static_ips"],
            json!(["10.77.1.2"])
        );
    }

    #[test]
    fn a_network_of_two_families_has_both_subnets() {
        let mut pools = PerFamily::from(Pool::of(Subnet::around([10, 77, 1, 0].into(), 24)));
        let v6 = "fd77:1::/64".parse().expect("a subnet");
        pools.set(Family::Ipv6, Pool::of(v6));
        let network = ScenarioNetwork {
            name: "front".into(),
            pools,
            internal: false,
            mtu: None,
        };
        let container = ScenarioContainer {
            name: "c1".into(),
            attached: Attached::None,
            publish: Vec::new(),
        };
        let options = options(&network, 0, &container, PerFamily::NONE);
        let info = &options["network_info"]["front"];
        assert_eq!(info["ipv6_enabled"], true);
        assert_eq!(
            info["subnets"][1],
            json!({ "subnet": "fd77:1::/64", "gateway": "fd77:1::1" })
        );
    }
}
