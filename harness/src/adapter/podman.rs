//! Podman, with netavark or with CNI plugins as its network back end. It has no daemon.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::engine::{Engine, Words};
use super::facts::{Argument, Facts, Found, Needed};
use super::{
    Adapter, AdapterError, Implementation, LabHost, Namespaces, Part, Realised, Scenario,
    Selection, cni, image, netavark,
};
use crate::case::Feature;
use crate::lab::Jail;

/// Read in place of the machine's own (`man containers.conf`).
const CONFIGURATION: &str = "/run/goldpath/containers.conf";

/// Who makes podman's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NetworkBackend {
    /// netavark.
    Netavark,
    /// CNI plugins.
    Cni,
}

impl NetworkBackend {
    fn as_str(self) -> &'static str {
        match self {
            Self::Netavark => "netavark",
            Self::Cni => "cni",
        }
    }
}

/// Programs of both, podman first.
const PODMAN: Needed = Needed::new("podman", "podman");
const CONMON: Needed = Needed::new("conmon", "conmon");
/// Either is enough; the first one that is there is used.
const RUNTIMES: [Needed; 2] = [
    Needed::new("runc", "runc").optional(),
    Needed::new("crun", "crun").optional(),
];
const STATE_FOLDERS: &[&str] = &[
    "/var/lib/containers",
    "/etc/containers/networks",
    "/var/cache/netavark",
    "/run/containers",
];

/// Podman on netavark, as goldpath knows it.
pub static FACTS: Facts = Facts {
    name: "podman",
    kind: "podman",
    argument: Argument::None,
    programs: &[
        PODMAN,
        CONMON,
        RUNTIMES[0],
        RUNTIMES[1],
        netavark::PROGRAM,
        Needed::new("iptables", "iptables").optional(),
        Needed::new("nft", "nftables").optional(),
    ],
    harness: &[image::WAITER],
    state_folders: STATE_FOLDERS,
    own: netavark::OWN,
    lacks: &netavark::LACKING,
    idle: netavark::idle,
    option: Some("a line of [network] in containers.conf, as firewall_driver=nftables"),
    find: |selection| find(selection, NetworkBackend::Netavark),
};

/// Podman on CNI plugins, as goldpath knows it.
pub static ON_CNI: Facts = Facts {
    name: "podman-cni",
    kind: "podman-cni",
    programs: &[
        PODMAN,
        CONMON,
        RUNTIMES[0],
        RUNTIMES[1],
        cni::plugin("bridge"),
        cni::plugin("portmap"),
        cni::plugin("firewall"),
        cni::plugin("tuning"),
        cni::plugin("host-local"),
        Needed::new("iptables", "iptables"),
    ],
    own: cni::OWN,
    lacks: &netavark::SHARED,
    idle: |_| Vec::new(),
    find: |selection| find(selection, NetworkBackend::Cni),
    ..FACTS
};

/// Podman as found on this machine.
#[derive(Debug)]
struct Podman {
    implementation: Implementation,
    backend: NetworkBackend,
    runtime: &'static str,
}

fn find(selection: &Selection, backend: NetworkBackend) -> Found {
    let mut implementation = Implementation::find(selection)?;
    let parts = &mut implementation.parts;
    let names = RUNTIMES.map(|runtime| runtime.program);
    let mut there = names.into_iter().filter(|name| parts.contains_key(*name));
    let runtime = there.next().ok_or_else(|| RUNTIMES[0].missing())?;
    if let Some(idle) = there.next() {
        parts.remove(idle);
    }
    Ok(Arc::new(Podman {
        implementation,
        backend,
        runtime,
    }))
}

impl Adapter for Podman {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        match self.backend {
            NetworkBackend::Netavark => FACTS.features(&self.implementation),
            NetworkBackend::Cni => ON_CNI.features(&self.implementation),
        }
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::Brought
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let text = self.configuration();
        host.jail
            .run(|| std::fs::write(CONFIGURATION, text))?
            .map_err(|source| AdapterError::File {
                operation: "write",
                path: CONFIGURATION.into(),
                source,
            })?;
        let folder = |name: &str| format!("--{name}={}/podman-{name}", Jail::FOLDER);
        let words = Words {
            client: self
                .implementation
                .program("podman", ["--storage-driver=vfs"])
                .args([folder("root"), folder("runroot"), folder("tmpdir")])
                .env("CONTAINERS_CONF", CONFIGURATION),
            // Podman's networks of one host reach each other unless they are asked not to.
            network: &["--disable-dns", "--opt=isolate=true"],
            mtu: "--opt=mtu",
            removal: &["--time=0", "--ignore"],
        };
        Engine::make(words, None, scenario, host)
    }
}

impl Podman {
    /// What this machine's own configuration may say otherwise (`man containers.conf`), and where this build has its
    /// helpers: Podman does not look for them in PATH.
    fn configuration(&self) -> String {
        let folder = Jail::FOLDER;
        let own = &self.implementation;
        let runtime = self.runtime;
        let place = |program: &str| {
            own.parts
                .get(program)
                .map(Part::program)
                .unwrap_or_default()
        };
        let beside = own.build.folders().map(Path::to_string_lossy);
        let beside: Vec<String> = beside.map(|folder| format!("{folder:?}, ")).collect();
        let (helpers, plugins) = (list(&netavark::FOLDERS), list(&cni::FOLDERS));
        let options: String = own.options.iter().map(|option| line(option)).collect();
        format!(
            "[containers]\n\
             default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
             [engine]\n\
             cgroup_manager = \"cgroupfs\"\n\
             events_logger = \"none\"\n\
             runtime = \"{runtime}\"\n\
             conmon_path = [{:?}]\n\
             helper_binaries_dir = [{}{helpers}]\n\
             [engine.runtimes]\n\
             {runtime} = [{:?}]\n\
             [network]\n\
             network_backend = \"{}\"\n\
             network_config_dir = \"{folder}/networks\"\n\
             cni_plugin_dirs = [{}{plugins}]\n\
             {options}",
            place("conmon"),
            beside.concat(),
            place(runtime),
            self.backend.as_str(),
            beside.concat(),
        )
    }
}

fn list(folders: &[&str]) -> String {
    let quoted = folders.iter().map(|folder| format!("{folder:?}"));
    quoted.collect::<Vec<_>>().join(", ")
}

/// `key = "value"` of `key=value`; what is no text stands as it is.
fn line(option: &str) -> String {
    let (key, value) = option.split_once('=').unwrap_or((option, "true"));
    let is_text = value.parse::<i64>().is_err()
        && !matches!(value, "true" | "false")
        && !value.starts_with(['[', '"']);
    if is_text {
        format!("{key} = {value:?}\n")
    } else {
        format!("{key} = {value}\n")
    }
}
