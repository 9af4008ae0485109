//! CNI plugins by the exec protocol: any conflist, each plugin asked to ADD, CHECK and DEL in the order of the
//! specification (CNI specification 1.0.0, section 2 and 3; 0.4.0, which has no numbers, says the same).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    Adapter, AdapterError, Attached, Implementation, Part, Program, Realised, Scenario,
    ScenarioContainer, ScenarioNetwork, Site,
};
use crate::case::Feature;
use crate::lab::Room;

/// Where distributions and the project itself put the plugins.
const FOLDERS: [&str; 4] = [
    "/opt/cni/bin",
    "/usr/lib/cni",
    "/usr/libexec/cni",
    "/usr/lib64/cni",
];

/// A chain of plugins.
#[derive(Debug)]
pub struct Cni {
    implementation: Implementation,
    folder: PathBuf,
    conflist: Value,
}

impl Cni {
    /// The chain of bridge, portmap, firewall and tuning, in this version of the specification.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn usual(version: &str) -> Result<Self, String> {
        let name = match version {
            "1.0.0" => String::from("cni"),
            other => format!("cni-{other}"),
        };
        Self::find(name, usual(version))
    }

    /// A chain of somebody else's.
    ///
    /// # Errors
    /// The file is no conflist, or plugins of it are missing.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| wrong(&e))?;
        let conflist: Value = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
        let name = conflist["name"]
            .as_str()
            .ok_or_else(|| wrong(&"it has no \"name\""))?;
        Self::find(format!("cni:{name}"), conflist.clone())
    }

    fn find(name: String, conflist: Value) -> Result<Self, String> {
        let wanted: Vec<&str> = types(&conflist).collect();
        if wanted.is_empty() {
            return Err(String::from("the conflist has no \"plugins\""));
        }
        let own = std::env::var_os("CNI_PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&own)
            .chain(FOLDERS.map(PathBuf::from))
            .collect();
        let has_all = |folder: &&PathBuf| wanted.iter().all(|one| folder.join(one).is_file());
        let folder = folders.iter().find(has_all).cloned().ok_or_else(|| {
            format!(
                "no folder has the CNI plugins {}; please run: sudo apt-get install containernetworking-plugins",
                wanted.join(", ")
            )
        })?;
        let part = |plugin| (plugin, Part::asked(folder.join(plugin), plugin_version));
        // They are released together.
        let parts = wanted.iter().map(|plugin| part(*plugin));
        let implementation = Implementation::of(name, wanted[0], parts);
        Ok(Self {
            implementation,
            folder,
            conflist,
        })
    }
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

fn types(conflist: &Value) -> impl Iterator<Item = &str> {
    plugins(conflist).filter_map(|plugin| plugin["type"].as_str())
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
            folder: self.folder.clone(),
            conflist: self.conflist.clone(),
            networks: scenario.networks.clone(),
            attachments: Vec::new(),
        };
        for network in &scenario.networks {
            for (container, _) in scenario.members(&network.name) {
                made.add(container, site)?;
            }
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
    fn add(&mut self, folder: &Path, site: &Site) -> Result<(), AdapterError> {
        for plugin in self.chain.clone() {
            let said = self.ask("ADD", &plugin, folder, site)?;
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
        folder: &Path,
        site: &Site,
    ) -> Result<String, AdapterError> {
        let mut question = plugin.clone();
        if !self.result.is_null() {
            question["prevResult"] = self.result.clone();
        }
        let program = folder.join(plugin["type"].as_str().unwrap_or_default());
        Program::new([program.display().to_string()])
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", &format!("goldpath-{}", self.container))
            .env("CNI_NETNS", &Site::path(&self.container))
            .env("CNI_IFNAME", "eth0")
            .env("CNI_PATH", &folder.display().to_string())
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
    folder: PathBuf,
    conflist: Value,
    networks: Vec<ScenarioNetwork>,
    attachments: Vec<Attachment>,
}

impl Made {
    fn delete(&self, attachment: &Attachment, site: &Site) -> Vec<AdapterError> {
        let backwards = attachment.chain.iter().rev();
        backwards
            .filter_map(|plugin| attachment.ask("DEL", plugin, &self.folder, site).err())
            .collect()
    }
}

impl Realised for Made {
    fn check(&mut self, site: &Site) -> Vec<AdapterError> {
        let each = self.attachments.iter();
        each.flat_map(|one| one.chain.iter().map(move |plugin| (one, plugin)))
            .filter_map(|(one, plugin)| one.ask("CHECK", plugin, &self.folder, site).err())
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
            return Ok(());
        };
        let mut attachment = Attachment {
            container: container.name.clone(),
            chain: chain(&self.conflist, network, number, container),
            result: Value::Null,
        };
        if let Err(error) = attachment.add(&self.folder, site) {
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
