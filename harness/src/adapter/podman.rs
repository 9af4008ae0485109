//! Podman, with netavark or with CNI plugins as its network back end. It has no daemon.

use std::collections::BTreeSet;

use super::engine::{Engine, Words, must_have};
use super::netavark::{LACKING, find_netavark};
use super::{
    Adapter, AdapterError, Implementation, Namespaces, Part, Program, Realised, Scenario, Site,
    image,
};
use crate::case::Feature;
use crate::lab::{ControlGroup, Room};

/// Read in place of the machine's own (`man containers.conf`).
const CONFIGURATION: &str = "/run/goldpath/containers.conf";

/// Who makes podman's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkBackend {
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

/// Podman as found on this machine.
#[derive(Debug)]
pub struct Podman {
    implementation: Implementation,
    backend: NetworkBackend,
}

impl Podman {
    /// Looks for podman and its network back end.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn find(backend: NetworkBackend) -> Result<Self, String> {
        let mut parts = Vec::new();
        for (program, package) in [
            ("podman", "podman"),
            ("conmon", "conmon"),
            ("runc", "runc"),
            ("iptables", "iptables"),
        ] {
            parts.push((program, Part::at(must_have(program, package)?)));
        }
        image::is_here()?;
        let name = match backend {
            NetworkBackend::Netavark => {
                parts.push(("netavark", Part::at(find_netavark()?)));
                "podman"
            }
            NetworkBackend::Cni => {
                super::cni::Cni::usual("0.4.0")?;
                "podman-cni"
            }
        };
        Ok(Self {
            implementation: Implementation::of(name, "podman", parts),
            backend,
        })
    }
}

impl Adapter for Podman {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        Feature::all_but(&LACKING)
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::Brought
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let text = configuration(self.backend);
        site.room
            .run(|| std::fs::write(CONFIGURATION, text))?
            .map_err(|source| AdapterError::File {
                operation: "write",
                path: CONFIGURATION.into(),
                source,
            })?;
        let folder = |name: &str| format!("--{name}={}/podman-{name}", Room::FOLDER);
        let words = Words {
            client: Program::new(["podman", "--storage-driver=vfs"])
                .args([folder("root"), folder("runroot"), folder("tmpdir")])
                .env("CONTAINERS_CONF", CONFIGURATION),
            // Podman's networks of one host reach each other unless they are asked not to.
            network: &["--disable-dns", "--opt=isolate=true"],
            mtu: "--opt=mtu",
            removal: &["--time=0", "--ignore"],
        };
        Engine::make(words, (None, ControlGroup::named("podman")), scenario, site)
    }
}

/// What this machine's own configuration may say otherwise (`man containers.conf`).
fn configuration(backend: NetworkBackend) -> String {
    let folder = Room::FOLDER;
    format!(
        "[containers]\n\
         default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
         [engine]\n\
         cgroup_manager = \"cgroupfs\"\n\
         events_logger = \"none\"\n\
         runtime = \"runc\"\n\
         [network]\n\
         network_backend = \"{}\"\n\
         network_config_dir = \"{folder}/networks\"\n\
         cni_plugin_dirs = [\"/opt/cni/bin\", \"/usr/lib/cni\", \"/usr/libexec/cni\"]\n",
        backend.as_str()
    )
}
