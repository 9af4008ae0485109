//! What a list says is one network of somebody's; a case has its own. The list is fitted to the case, and what that changes is
//! told.

use serde_json::{Map, Value, json};

use super::conflist::{plugins, version};
use crate::adapter::{Attached, Pool, PublishedPort, ScenarioContainer, ScenarioNetwork};
use crate::lab::Jail;

/// The bridge of a list that names none, as the plugin calls it (cni.dev, bridge plugin).
const BRIDGE: &str = "cni";
/// Bytes of an interface's name, without the number of the network (`IFNAMSIZ`).
const BRIDGE_BYTES: usize = 14;
/// Older words of `host-local` for its only range (cni.dev, host-local plugin): beside `ranges` they are a second one.
const ONE_RANGE: [&str; 4] = ["subnet", "rangeStart", "rangeEnd", "gateway"];

/// Each plugin's configuration for one container, as the specification derives it from the list.
pub(super) fn chain(
    conflist: &Value,
    network: &ScenarioNetwork,
    number: usize,
    container: &ScenarioContainer,
) -> Vec<Value> {
    let derive = |plugin: &Value| {
        let mut derived = plugin.clone();
        derived["cniVersion"] = json!(version(conflist));
        derived["name"] = json!(network.name);
        if plugin["type"] == "bridge" {
            derived["bridge"] = json!(format!("{}{number}", bridge(plugin)));
        }
        if let Some(words) = derived.as_object_mut() {
            words.remove("mtu");
        }
        if let Some(mtu) = network.mtu.filter(|_| makes_links(plugin)) {
            derived["mtu"] = json!(mtu);
        }
        if let Some(ipam) = derived["ipam"].as_object_mut() {
            give_addresses(ipam, network);
        }
        if let Attached::Network { addresses, .. } = &container.attached
            && !addresses.is_empty()
        {
            let addresses = network.on_link(*addresses).into_iter();
            let addresses: Vec<String> = addresses.map(|own| own.to_string()).collect();
            derived["args"] = json!({ "cni": { "ips": addresses } });
        }
        let capabilities = derived
            .as_object_mut()
            .and_then(|map| map.remove("capabilities"));
        if capabilities.is_some_and(|can| can["portMappings"] == true) {
            derived["runtimeConfig"] = json!({ "portMappings": port_mappings(container) });
        }
        derived
    };
    plugins(conflist).map(derive).collect()
}

/// Whether a plugin makes the containers' interfaces and gives them an MTU.
fn makes_links(plugin: &Value) -> bool {
    matches!(plugin["type"].as_str(), Some("bridge" | "ptp"))
}

/// A bridge's name, without the number of its network.
fn bridge(plugin: &Value) -> String {
    let name = plugin["bridge"].as_str().unwrap_or(BRIDGE);
    name.chars().take(BRIDGE_BYTES).collect()
}

fn give_addresses(ipam: &mut Map<String, Value>, network: &ScenarioNetwork) {
    for word in ONE_RANGE {
        ipam.remove(word);
    }
    let range = |pool: &Pool| json!([{ "subnet": pool.subnet, "gateway": pool.gateway }]);
    let ranges: Vec<Value> = network.pools.iter().map(range).collect();
    ipam.insert(String::from("ranges"), json!(ranges));
    ipam.insert(
        String::from("dataDir"),
        json!(format!("{}/ipam", Jail::FOLDER)),
    );
    if let Some(routes) = ipam.get_mut("routes").and_then(Value::as_array_mut) {
        routes.retain(|route| !is_of_ipv6(&route["dst"]));
    }
}

/// Whether this is an address or a subnet of IPv6.
fn is_of_ipv6(text: &Value) -> bool {
    text.as_str().is_some_and(|text| text.contains(':'))
}

/// Whether packets to everywhere leave a container by its gateway.
pub(super) fn leads_out(plugin: &Value) -> bool {
    let routes = plugin["ipam"]["routes"].as_array();
    plugin["isDefaultGateway"] == true
        || routes
            .into_iter()
            .flatten()
            .any(|route| route["dst"] == "0.0.0.0/0")
}

/// What is filled in, left out and set otherwise for every case, a sentence each.
pub(super) fn changes(conflist: &Value) -> Vec<String> {
    let mut told = Vec::new();
    let name = conflist["name"].as_str().unwrap_or_default();
    told.push(format!("name: the network's, in place of {name}"));
    for plugin in plugins(conflist) {
        let kind = plugin["type"].as_str().unwrap_or_default();
        let mut tell = |what: String| told.push(format!("{kind}: {what}"));
        match plugin["bridge"].as_str() {
            Some(name) => tell(format!("bridge {name} gets the number of its network")),
            None if kind == "bridge" => tell(format!(
                "bridge {BRIDGE} and the number of its network, as it names none"
            )),
            None => {}
        }
        if !plugin["mtu"].is_null() {
            tell(format!(
                "mtu {} is left out; a case says which it wants",
                plugin["mtu"]
            ));
        }
        let ipam = &plugin["ipam"];
        if ipam.is_object() {
            tell(format!("the addresses are the case's{}", in_place_of(ipam)));
        }
        let routes = ipam["routes"].as_array().into_iter().flatten();
        for route in routes.filter(|route| is_of_ipv6(&route["dst"])) {
            let dst = route["dst"].as_str().unwrap_or_default();
            tell(format!(
                "the route to {dst} is left out: cases have IPv4 only"
            ));
        }
    }
    told
}

/// The subnets that a list names.
fn in_place_of(ipam: &Value) -> String {
    let sets = ipam["ranges"].as_array().into_iter().flatten();
    let ranges = sets.flat_map(|set| set.as_array().into_iter().flatten());
    let subnets = ranges
        .chain([ipam])
        .filter_map(|range| range["subnet"].as_str());
    let subnets: Vec<&str> = subnets.collect();
    if subnets.is_empty() {
        String::new()
    } else {
        format!(", in place of {}", subnets.join(" and "))
    }
}

fn port_mappings(container: &ScenarioContainer) -> Vec<Value> {
    let mapping = |port: &PublishedPort| {
        let mut mapping = json!({
            "hostPort": port.host_port,
            "containerPort": port.container_port,
            "protocol": port.protocol,
        });
        if let Some(address) = port.host_address {
            mapping["hostIP"] = json!(address);
        }
        mapping
    };
    container.publish.iter().map(mapping).collect()
}

#[cfg(test)]
mod tests {
    use crate::adapter::Pool;
    use crate::address::{PerFamily, Subnet};

    use super::*;

    fn network(mtu: Option<u16>) -> ScenarioNetwork {
        ScenarioNetwork {
            name: "front".into(),
            pools: PerFamily::from(Pool::of(Subnet::around([10, 77, 1, 0].into(), 24))),
            internal: false,
            mtu,
        }
    }

    fn container() -> ScenarioContainer {
        ScenarioContainer {
            name: "c1".into(),
            attached: Attached::None,
            publish: vec![PublishedPort {
                host_address: None,
                host_port: 8080,
                container_port: 80,
                protocol: crate::case::Protocol::Tcp,
            }],
        }
    }

    #[test]
    fn each_plugin_gets_what_the_list_and_the_scenario_say() {
        let list = super::super::conflist::usual("0.4.0");
        let chain = chain(&list, &network(None), 1, &container());
        assert_eq!(chain[0]["bridge"], "cni1");
        assert_eq!(chain[0]["cniVersion"], "0.4.0");
        assert_eq!(chain[0]["ipam"]["ranges"][0][0]["subnet"], "10.77.1.0/24");
        assert_eq!(
            chain[1]["runtimeConfig"]["portMappings"][0]["hostPort"],
            8080
        );
        assert!(chain[1]["capabilities"].is_null());
    }

    /// flannel's delegate and containerd's default, in one.
    #[test]
    fn what_a_list_has_of_its_own_network_gives_way_and_is_told() {
        let bridge = json!({
            "type": "bridge", "mtu": 1450, "isGateway": true,
            "ipam": {
                "type": "host-local", "subnet": "10.42.0.0/24", "rangeStart": "10.42.0.9", "gateway": "10.42.0.1",
                "ranges": [[{ "subnet": "2001:db8::/64" }]],
                "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }],
            },
        });
        let list = json!({ "name": "cbr0", "cniVersion": "0.3.1", "plugins": [bridge] });
        let one = chain(&list, &network(None), 0, &container()).remove(0);
        assert_eq!(one["bridge"], "cni0");
        assert!(one["mtu"].is_null());
        let ipam = json!({
            "type": "host-local", "dataDir": format!("{}/ipam", Jail::FOLDER),
            "ranges": [[{ "subnet": "10.77.1.0/24", "gateway": "10.77.1.1" }]],
            "routes": [{ "dst": "0.0.0.0/0" }],
        });
        assert_eq!(one["ipam"], ipam);
        let wanted = chain(&list, &network(Some(1400)), 0, &container()).remove(0);
        assert_eq!(wanted["mtu"], 1400);
        assert_eq!(
            changes(&list),
            [
                "name: the network's, in place of cbr0",
                "bridge: bridge cni and the number of its network, as it names none",
                "bridge: mtu 1450 is left out; a case says which it wants",
                "bridge: the addresses are the case's, in place of 2001:db8::/64 and 10.42.0.0/24",
                "bridge: the route to ::/0 is left out: cases have IPv4 only",
            ]
        );
    }
}
