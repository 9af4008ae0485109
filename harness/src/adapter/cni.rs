//! CNI plugins by the exec protocol: any conflist, each plugin asked to ADD, CHECK and DEL in the order of the
//! specification (CNI specification 1.0.0, section 2 and 3; 0.4.0, which has no numbers, says the same).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::facts::{Argument, Facts, Found, Needed, Own};
use super::{
    Adapter, AdapterError, Attached, Build, Implementation, Part, Program, Realised, Scenario,
    ScenarioContainer, ScenarioNetwork, Selection, Site,
};
use crate::case::Feature;
use crate::lab::Room;

/// Where distributions and the project itself put the plugins.
pub(super) const FOLDERS: [&str; 4] = [
    "/opt/cni/bin",
    "/usr/lib/cni",
    "/usr/libexec/cni",
    "/usr/lib64/cni",
];
/// The variable with folders that come before these, as of every runtime (CNI specification, section 2, "Parameters").
const CNI_PATH: &str = "CNI_PATH";

/// What the plugins call their own.
pub(super) const OWN: Own = Own {
    tables: &[
        "inet cni_plugins_masquerade",
        "ip cni_hostport",
        "ip6 cni_hostport",
    ],
    chains: &["CNI-*"],
};

/// A chain of plugins in the newest version of the specification that is spoken, as goldpath knows it.
pub static FACTS: Facts = Facts {
    name: "cni",
    kind: "cni",
    argument: Argument::Optional("CONFLIST"),
    programs: &[
        plugin("bridge"),
        plugin("portmap"),
        plugin("firewall"),
        plugin("tuning"),
        plugin("host-local"),
        Needed::new("iptables", "iptables").optional(),
        Needed::new("nft", "nftables").optional(),
    ],
    harness: &[],
    state_folders: &["/var/lib/cni", "/etc/cni/net.d"],
    own: OWN,
    lacks: &[],
    idle,
    option: Some("a word of a plugin, as portmap.backend=nftables"),
    find: |selection| find(selection, "1.0.0"),
};

/// The same in 0.4.0, the first version with CHECK.
pub static OLDER: Facts = Facts {
    name: "cni-0.4.0",
    argument: Argument::None,
    find: |selection| find(selection, "0.4.0"),
    ..FACTS
};

pub(super) const fn plugin(name: &'static str) -> Needed {
    Needed::new(name, "containernetworking-plugins")
        .within(&FOLDERS)
        .asked(plugin_version)
}

/// A chain of plugins.
#[derive(Debug)]
struct Cni {
    implementation: Implementation,
    conflist: Value,
}

/// Looks for the plugins of the chain that was asked for: somebody else's, or that of bridge, portmap, firewall and
/// tuning.
fn find(selection: &Selection, version: &str) -> Found {
    let mut conflist = match &selection.argument {
        Some(path) => read(Path::new(path))?,
        None => usual(version),
    };
    for option in &selection.options {
        set(&mut conflist, option)?;
    }
    let wanted = types(&conflist);
    let main = wanted.first().cloned();
    let main = main.ok_or_else(|| String::from("the conflist has no \"plugins\""))?;
    let build = Build::of(selection.build.as_deref())?;
    let folders = folders(&build);
    let mut parts = BTreeMap::new();
    let mut missing = Vec::new();
    for one in wanted {
        match build.find(&one, &folders, one == main) {
            Some(path) => {
                parts.insert(one, Part::of(&build, path, plugin_version));
            }
            None => missing.push(one),
        }
    }
    if !missing.is_empty() {
        return Err(build.lacks(&missing.join(", "), "containernetworking-plugins"));
    }
    for needed in FACTS.programs.iter().filter(|needed| needed.is_optional) {
        if let Some(path) = build.find(needed.program, &[], false) {
            let part = Part::of(&build, path, needed.ask);
            parts.insert(needed.program.to_owned(), part);
        }
    }
    let implementation = Implementation::of(selection, build, parts, main);
    let implementation = match (&selection.argument, conflist["name"].as_str()) {
        (Some(_), Some(name)) => implementation.calling_itself(name),
        _ => implementation,
    };
    Ok(Arc::new(Cni {
        implementation: implementation.with_options(words(&conflist)),
        conflist,
    }))
}

/// The firewall's program that no plugin of the chain starts. bridge and portmap use iptables unless they are told
/// otherwise (cni.dev, `ipMasqBackend`, `backend`), firewall always.
fn idle(cni: &Implementation) -> Vec<&'static str> {
    let has = |plugin: &str| cni.parts.contains_key(plugin);
    let masquerade = cni.has_option("bridge.ipMasqBackend=nftables");
    let ports = cni.has_option("portmap.backend=nftables");
    let iptables = has("firewall")
        || has("portmap") && !ports
        || cni.has_option("bridge.ipMasq=true") && !masquerade
        || cni.has_option("ptp.ipMasq=true");
    let mut idle = Vec::new();
    idle.extend((!iptables).then_some("iptables"));
    idle.extend((!masquerade && !ports).then_some("nft"));
    idle
}

/// Folders in which plugins are looked for after those of the build.
fn folders(build: &Build) -> Vec<PathBuf> {
    let own = match build.root {
        Some(_) => None,
        None => std::env::var_os(CNI_PATH),
    };
    std::env::split_paths(&own.unwrap_or_default())
        .filter(|folder| folder.is_absolute())
        .chain(FOLDERS.map(PathBuf::from))
        .collect()
}

fn read(path: &Path) -> Result<Value, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| wrong(&e))?;
    let conflist: Value = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
    if !conflist["name"].is_string() {
        return Err(wrong(&"it has no \"name\""));
    }
    Ok(conflist)
}

/// Sets a word of a plugin: `portmap.backend=nftables`.
fn set(conflist: &mut Value, option: &str) -> Result<(), String> {
    let parted = option.split_once('=').and_then(|(place, value)| {
        let (plugin, key) = place.split_once('.')?;
        Some((plugin, key, value))
    });
    let (plugin, key, value) =
        parted.ok_or_else(|| format!("'{option}': write PLUGIN.KEY=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    let all = conflist["plugins"].as_array_mut();
    let mut found = false;
    for one in all
        .into_iter()
        .flatten()
        .filter(|one| one["type"] == plugin)
    {
        one[key] = value.clone();
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(format!("'{option}': the chain has no plugin {plugin}"))
    }
}

/// What the plugins are told, as options would tell them: also what a conflist says by itself is a condition for declared
/// defects.
fn words(conflist: &Value) -> Vec<String> {
    let mut words = Vec::new();
    for plugin in plugins(conflist) {
        let name = plugin["type"].as_str().unwrap_or_default();
        for (key, value) in plugin.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => words.push(format!("{name}.{key}={text}")),
                Value::Bool(_) | Value::Number(_) => words.push(format!("{name}.{key}={value}")),
                _ => {}
            }
        }
    }
    words
}

/// `1.1.1` of `CNI bridge plugin v1.1.1`, which a plugin says when it is asked for nothing.
fn plugin_version(path: &Path) -> String {
    let said = Program::new([path.display().to_string()]).complaint();
    let word = said.split_whitespace().find(|word| {
        let digits = word.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|c: char| c.is_ascii_digit())
    });
    match word {
        Some(word) => word.trim_start_matches('v').to_owned(),
        None => packaged_version(path),
    }
}

/// Distributions build the plugins without their version; then their package manager knows it.
fn packaged_version(path: &Path) -> String {
    let path = path.display().to_string();
    let owner = Program::new(["dpkg-query", "--search", &path]).version();
    let Some((package, _)) = owner.split_once(':') else {
        return String::from("unknown");
    };
    Program::new(["dpkg-query", "--showformat=${Version}", "--show", package]).version()
}

fn usual(version: &str) -> Value {
    json!({
        "cniVersion": version,
        "name": "goldpath",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni",
                "isGateway": true,
                "ipMasq": true,
                "hairpinMode": true,
                "ipam": { "type": "host-local", "routes": [{ "dst": "0.0.0.0/0" }] },
            },
            { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true },
            { "type": "firewall", "ingressPolicy": "same-bridge" },
            { "type": "tuning" },
        ],
    })
}

fn plugins(conflist: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    conflist["plugins"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

/// Plugins of the chain in their order, then those that give addresses; each once.
fn types(conflist: &Value) -> Vec<String> {
    let own = plugins(conflist).map(|plugin| &plugin["type"]);
    let addresses = plugins(conflist).map(|plugin| &plugin["ipam"]["type"]);
    let mut types: Vec<String> = Vec::new();
    for one in own.chain(addresses).filter_map(Value::as_str) {
        if !types.iter().any(|other| other == one) {
            types.push(one.to_owned());
        }
    }
    types
}

impl Adapter for Cni {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    /// What the chain's plugins are for. There is none for internal networks.
    fn features(&self) -> BTreeSet<Feature> {
        use Feature::{
            Bridge, Check, ContainerMode, Hairpin, HostMode, Isolation, Masquerade, Mtu, NoneMode,
            PublishAddress, PublishLocal, PublishTcp, PublishUdp, RepeatedTeardown, Replace,
            StableGateway, StaticAddress,
        };
        // "Plugins should generally complete a DEL action without error even if some resources are missing"
        // (CNI specification, section 2, DEL).
        let mut features = BTreeSet::from([
            NoneMode,
            HostMode,
            ContainerMode,
            Replace,
            RepeatedTeardown,
            Check,
        ]);
        for plugin in plugins(&self.conflist) {
            match plugin["type"].as_str() {
                Some("bridge") => {
                    features.extend([Bridge, Mtu, StableGateway, StaticAddress]);
                    features.extend((plugin["ipMasq"] == true).then_some(Masquerade));
                }
                Some("portmap") => {
                    features.extend([
                        PublishTcp,
                        PublishUdp,
                        PublishLocal,
                        PublishAddress,
                        Hairpin,
                    ]);
                }
                // It accepts new connections from containers only (its README, "Rules"), so that a policy DROP of FORWARD
                // ends those to published ports.
                Some("firewall") if plugin["ingressPolicy"].is_string() => {
                    features.extend([Isolation]);
                }
                _ => {}
            }
        }
        features
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let mut made = Made {
            implementation: self.implementation.clone(),
            conflist: self.conflist.clone(),
            networks: scenario.networks.clone(),
            attachments: Vec::new(),
        };
        for container in &scenario.containers {
            made.add(container, site)?;
        }
        Ok(Box::new(made))
    }
}

/// Each plugin's configuration for one container, as the specification derives it from the list.
fn chain(
    conflist: &Value,
    network: &ScenarioNetwork,
    number: usize,
    container: &ScenarioContainer,
) -> Vec<Value> {
    let derive = |plugin: &Value| {
        let mut derived = plugin.clone();
        derived["cniVersion"] = conflist["cniVersion"].clone();
        derived["name"] = json!(network.name);
        if let Some(bridge) = plugin["bridge"].as_str() {
            derived["bridge"] = json!(format!("{bridge}{number}"));
        }
        if let Some(mtu) = network.mtu.filter(|_| plugin["type"] == "bridge") {
            derived["mtu"] = json!(mtu);
        }
        if plugin["ipam"].is_object() {
            let range = json!({ "subnet": network.subnet, "gateway": network.gateway });
            derived["ipam"]["ranges"] = json!([[range]]);
            derived["ipam"]["dataDir"] = json!(format!("{}/ipam", Room::FOLDER));
        }
        if let Attached::Network {
            address: Some(address),
            ..
        } = &container.attached
        {
            let address = format!("{address}/{}", network.prefix_length());
            derived["args"] = json!({ "cni": { "ips": [address] } });
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

fn port_mappings(container: &ScenarioContainer) -> Vec<Value> {
    let mapping = |port: &super::PublishedPort| {
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

/// One container's attachment to one network.
#[derive(Debug)]
struct Attachment {
    container: String,
    chain: Vec<Value>,
    result: Value,
}

impl Attachment {
    fn add(&mut self, own: &Implementation, site: &Site) -> Result<(), AdapterError> {
        for plugin in self.chain.clone() {
            let said = self.ask("ADD", &plugin, own, site)?;
            self.result = serde_json::from_str(&said).map_err(|error| {
                AdapterError::unread(format!("ADD of {}", plugin["type"]), &error, &said)
            })?;
        }
        Ok(())
    }

    fn ask(
        &self,
        verb: &str,
        plugin: &Value,
        own: &Implementation,
        site: &Site,
    ) -> Result<String, AdapterError> {
        let mut question = plugin.clone();
        if !self.result.is_null() {
            question["prevResult"] = self.result.clone();
        }
        own.program(plugin["type"].as_str().unwrap_or_default(), [""; 0])
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", &format!("goldpath-{}", self.container))
            .env("CNI_NETNS", &Site::path(&self.container))
            .env("CNI_IFNAME", "eth0")
            .env(CNI_PATH, &own.folders())
            .input(question.to_string())
            .run(&site.room)
            .map_err(|error| AdapterError::Refused {
                question: format!("{verb} of {} for {}", plugin["type"], self.container),
                message: error.to_string(),
            })
    }
}

/// Attachments in the order in which they were made.
#[derive(Debug)]
struct Made {
    implementation: Implementation,
    conflist: Value,
    networks: Vec<ScenarioNetwork>,
    attachments: Vec<Attachment>,
}

impl Made {
    fn delete(&self, attachment: &Attachment, site: &Site) -> Vec<AdapterError> {
        let backwards = attachment.chain.iter().rev();
        backwards
            .filter_map(|plugin| {
                attachment
                    .ask("DEL", plugin, &self.implementation, site)
                    .err()
            })
            .collect()
    }
}

impl Realised for Made {
    fn check(&mut self, site: &Site) -> Vec<AdapterError> {
        let each = self.attachments.iter();
        each.flat_map(|one| one.chain.iter().map(move |plugin| (one, plugin)))
            .filter_map(|(one, plugin)| one.ask("CHECK", plugin, &self.implementation, site).err())
            .collect()
    }

    fn remove(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        let (gone, left) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(|one| one.container == container);
        self.attachments = left;
        let gone: Vec<Attachment> = gone;
        let mut errors = gone.iter().flat_map(|one| self.delete(one, site));
        errors.next().map_or(Ok(()), Err)
    }

    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let Attached::Network { name, .. } = &container.attached else {
            return Ok(());
        };
        let mut networks = self.networks.iter().enumerate();
        let Some((number, network)) = networks.find(|(_, one)| one.name == *name) else {
            let what = format!("{} is on {name}, which is no network here", container.name);
            return Err(AdapterError::NotRealised(what));
        };
        let mut attachment = Attachment {
            container: container.name.clone(),
            chain: chain(&self.conflist, network, number, container),
            result: Value::Null,
        };
        if let Err(error) = attachment.add(&self.implementation, site) {
            // "A delete must still be executed even if the add fails" (CNI specification, section 3). The first error is the
            // one to tell.
            drop(self.delete(&attachment, site));
            return Err(error);
        }
        self.attachments.push(attachment);
        Ok(())
    }

    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let each = self.attachments.iter().rev();
        each.flat_map(|one| self.delete(one, site)).collect()
    }

    /// All of it is in the lab's namespaces and the room.
    fn abandon(&mut self, _: &Site) -> Vec<AdapterError> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn each_plugin_gets_what_the_list_and_the_scenario_say() {
        let network = ScenarioNetwork {
            name: "front".into(),
            subnet: "10.77.1.0/24".into(),
            gateway: IpAddr::from([10, 77, 1, 1]),
            internal: false,
            mtu: None,
        };
        let container = ScenarioContainer {
            name: "c1".into(),
            attached: Attached::None,
            publish: vec![super::super::PublishedPort {
                host_address: None,
                host_port: 8080,
                container_port: 80,
                protocol: crate::case::Protocol::Tcp,
            }],
        };
        let chain = chain(&usual("0.4.0"), &network, 1, &container);
        assert_eq!(chain[0]["bridge"], "cni1");
        assert_eq!(chain[0]["cniVersion"], "0.4.0");
        assert_eq!(chain[0]["ipam"]["ranges"][0][0]["subnet"], "10.77.1.0/24");
        assert_eq!(
            chain[1]["runtimeConfig"]["portMappings"][0]["hostPort"],
            8080
        );
        assert!(chain[1]["capabilities"].is_null());
    }
}
