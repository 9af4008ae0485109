//! CNI plugins by the exec protocol: any conflist, as its owner has it.

mod attachment;
mod conflist;
mod fit;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::facts::{Argument, Facts, Found, Needed, Own};
use super::{
    Adapter, AdapterError, Build, Implementation, LabHost, Part, Realised, Scenario, Selection,
};
use crate::case::Feature;
use attachment::CniNetwork;
use conflist::{is_checked, plugins, read, set, types, usual, words};
use version::plugin_version;

/// Where distributions and the project itself put the plugins.
pub(super) const FOLDERS: [&str; 4] = [
    "/opt/cni/bin",
    "/usr/lib/cni",
    "/usr/libexec/cni",
    "/usr/lib64/cni",
];
/// The variable with folders that come before these, as of every runtime (CNI specification, section 2, "Parameters").
const CNI_PATH: &str = "CNI_PATH";

/// Debian's package of plugins, and what it has.
const PACKAGE: &str = "containernetworking-plugins";
const PACKAGED: [&str; 18] = [
    "bandwidth",
    "bridge",
    "dhcp",
    "dummy",
    "firewall",
    "host-device",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "portmap",
    "ptp",
    "sbr",
    "static",
    "tap",
    "tuning",
    "vlan",
    "vrf",
];

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
    Needed::new(name, PACKAGE)
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
    let optional = FACTS.programs.iter().map(|needed| needed.program);
    let programs: Vec<&str> = wanted.iter().map(String::as_str).chain(optional).collect();
    build.must_have_one_of(&programs)?;
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
        return Err(lacks(&build, &missing));
    }
    for needed in FACTS.programs.iter().filter(|needed| needed.is_optional) {
        if let Some(path) = build.find(needed.program, &[], false) {
            let part = Part::of(&build, path, needed.ask);
            parts.insert(needed.program.to_owned(), part);
        }
    }
    let implementation = Implementation::of(selection, build, parts, main);
    let implementation = match (&selection.argument, conflist["name"].as_str()) {
        (Some(_), Some(name)) => implementation
            .calling_itself(name)
            .adjusted(fit::changes(&conflist)),
        _ => implementation,
    };
    Ok(Arc::new(Cni {
        implementation: implementation.with_options(words(&conflist)),
        conflist,
    }))
}

/// What to say of plugins that are not here.
fn lacks(build: &Build, missing: &[String]) -> String {
    let (packaged, foreign): (Vec<&str>, Vec<&str>) = missing
        .iter()
        .map(String::as_str)
        .partition(|one| PACKAGED.contains(one));
    if foreign.is_empty() {
        return build.lacks(&packaged.join(", "), PACKAGE);
    }
    let mut text = format!(
        "'{}' is in no folder of plugins, and not of {PACKAGE}; please name the folder that has it: {CNI_PATH}=FOLDER",
        foreign.join(", ")
    );
    if !packaged.is_empty() {
        let also = build.lacks(&packaged.join(", "), PACKAGE);
        text.push_str(&format!("; {also}"));
    }
    text
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

impl Adapter for Cni {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    /// What the chain's plugins are for. There is none for internal networks.
    fn features(&self) -> BTreeSet<Feature> {
        features(&self.conflist)
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let mut made = CniNetwork::new(
            self.implementation.clone(),
            self.conflist.clone(),
            scenario.networks.clone(),
        );
        for container in &scenario.containers {
            made.add(container, host)?;
        }
        Ok(Box::new(made))
    }
}

/// What the plugins of a list are for, as it tells them.
fn features(conflist: &Value) -> BTreeSet<Feature> {
    use Feature::{
        Bridge, Check, ContainerMode, EarlierPolicyOutward, Gateway, Hairpin, HostMode, Isolation,
        Masquerade, Mtu, NoneMode, PublishAddress, PublishLocal, PublishTcp, PublishUdp,
        RepeatedTeardown, Replace, StableGateway, StaticAddress,
    };
    // "Plugins should generally complete a DEL action without error even if some resources are missing"
    // (CNI specification, section 2, DEL).
    let mut features =
        BTreeSet::from([NoneMode, HostMode, ContainerMode, Replace, RepeatedTeardown]);
    features.extend(is_checked(conflist).then_some(Check));
    for plugin in plugins(conflist) {
        let is = |word: &str| plugin[word] == true;
        match plugin["type"].as_str() {
            Some("bridge") => {
                features.extend([Bridge, Mtu, StableGateway, StaticAddress]);
                features.extend(keeps_addresses(plugin));
                let has_host = is("isGateway") || is("isDefaultGateway");
                features.extend((has_host && fit::leads_out(plugin)).then_some(Gateway));
                features.extend(is("ipMasq").then_some(Masquerade));
            }
            // Each container has a link of its own to the host (cni.dev, ptp plugin).
            Some("ptp") => {
                features.extend([StaticAddress]);
                features.extend(keeps_addresses(plugin));
                features.extend(fit::leads_out(plugin).then_some(Gateway));
                features.extend(is("ipMasq").then_some(Masquerade));
            }
            Some("portmap") if plugin["capabilities"]["portMappings"] == true => {
                features.extend([PublishTcp, PublishUdp, PublishAddress]);
                // Who shares the container's network or is the host needs another source (cni.dev, portmap plugin, `snat`).
                if plugin["snat"] != false {
                    features.extend([PublishLocal, Hairpin]);
                }
            }
            // It accepts new connections from containers only (its README, "Rules"), so that a policy DROP of FORWARD
            // ends those to published ports.
            Some("firewall") => {
                let by_iptables =
                    matches!(plugin["backend"].as_str(), None | Some("" | "iptables"));
                features.extend(by_iptables.then_some(EarlierPolicyOutward));
                features.extend(plugin["ingressPolicy"].is_string().then_some(Isolation));
            }
            _ => {}
        }
    }
    features
}

/// Who gives out addresses by a store of those in use refuses one of them (cni.dev, host-local plugin).
fn keeps_addresses(plugin: &Value) -> Option<Feature> {
    (plugin["ipam"]["type"] == "host-local").then_some(Feature::AddressConflict)
}
