//! Podman, with netavark or with CNI plugins as its network back end. It has no daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::docker::{number, publish_option, remove_groups};
use super::group::own_name;
use super::netavark::find_netavark;
use super::{
    Adapter, AdapterError, Attached, Implementation, Namespaces, Program, Realised, Scenario,
    ScenarioContainer, Site, image,
};
use crate::case::Feature;
use crate::lab::{Netns, Room, find_program};

const IMAGE: &str = "goldpath";
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
        for (program, package) in [("podman", "podman"), ("conmon", "conmon"), ("runc", "runc")] {
            find_program(program).map_err(|_| {
                format!("'{program}' is not installed; please run: sudo apt-get install {package}")
            })?;
        }
        image::is_here()?;
        let version = |program| Program::new([program, "--version"]).version();
        let podman = version("podman");
        let mut tools = BTreeMap::from([
            (String::from("podman"), podman.clone()),
            (String::from("runc"), version("runc")),
            (String::from("iptables"), version("iptables")),
        ]);
        let name = match backend {
            NetworkBackend::Netavark => {
                let netavark = find_netavark()?.display().to_string();
                let said = Program::new([netavark.as_str(), "--version"]).version();
                tools.insert(String::from("netavark"), said);
                "podman"
            }
            NetworkBackend::Cni => {
                super::cni::Cni::usual("0.4.0")?;
                "podman-cni"
            }
        };
        Ok(Self {
            implementation: Implementation {
                name: name.to_owned(),
                version: number(&podman),
                tools,
            },
            backend,
        })
    }
}

impl Adapter for Podman {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        // Neither back end keeps what is routed to a container away.
        // Both put their rules before a person's, and `podman rm` of what is gone is an error.
        let lacking = [
            Feature::Ipv6,
            Feature::HiddenPorts,
            Feature::InternalHost,
            Feature::EarlierRules,
            Feature::EarlierPolicy,
            Feature::RepeatedTeardown,
            Feature::StableGateway,
        ];
        let all = Feature::ALL.iter().copied();
        all.filter(|feature| !lacking.contains(feature)).collect()
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::Brought
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let room = &site.room;
        let group = own_name("podman");
        let text = configuration(self.backend);
        room.run(|| std::fs::write(CONFIGURATION, text))?
            .map_err(|source| AdapterError::File {
                operation: "write",
                path: CONFIGURATION.into(),
                source,
            })?;
        let mut made = Made {
            group,
            containers: Vec::new(),
            networks: Vec::new(),
            pids: BTreeMap::new(),
        };
        podman(["import", &image::pack(room)?, IMAGE]).run(room)?;
        for network in &scenario.networks {
            let gateway = network.gateway.to_string();
            let mut create = podman(["network", "create", "--driver=bridge", "--disable-dns"]);
            create = create.args(["--subnet", &network.subnet, "--gateway", &gateway]);
            // Podman's networks of one host reach each other unless they are asked not to.
            create = create.args(["--opt=isolate=true"]);
            if network.internal {
                create = create.args(["--internal"]);
            }
            if let Some(mtu) = network.mtu {
                create = create.args([format!("--opt=mtu={mtu}")]);
            }
            create.args([&network.name]).run(room)?;
            made.networks.push(network.name.clone());
        }
        for container in &scenario.containers {
            made.add(container, site)?;
        }
        Ok(Box::new(made))
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

fn podman<T: Into<String>>(arguments: impl IntoIterator<Item = T>) -> Program {
    let folder = |name: &str| format!("--{name}={}/podman-{name}", Room::FOLDER);
    Program::new(["podman", "--storage-driver=vfs"])
        .args([folder("root"), folder("runroot"), folder("tmpdir")])
        .args(arguments)
        .env("CONTAINERS_CONF", CONFIGURATION)
}

fn run_options(container: &ScenarioContainer, group: &str) -> Program {
    let name = format!("--name={}", container.name);
    let parent = format!("--cgroup-parent=/{group}");
    let mut run = podman(["run", "--detach", "--pull=never", &name, &parent]);
    run = match &container.attached {
        Attached::None => run.args(["--network=none"]),
        Attached::Host => run.args(["--network=host"]),
        Attached::Container(other) => run.args([format!("--network=container:{other}")]),
        Attached::Network { name, address } => {
            let run = run.args([format!("--network={name}")]);
            run.args(address.map(|address| format!("--ip={address}")))
        }
    };
    run.args(container.publish.iter().map(publish_option))
        .args([IMAGE])
        .args(image::command())
}

/// What podman made.
#[derive(Debug)]
struct Made {
    group: String,
    containers: Vec<String>,
    networks: Vec<String>,
    pids: BTreeMap<String, String>,
}

impl Realised for Made {
    fn brought(&self) -> Result<BTreeMap<String, Netns>, AdapterError> {
        let open = |(name, pid): (&String, &String)| {
            let path = format!("/proc/{pid}/ns/net");
            Ok((name.clone(), Netns::open(Path::new(&path))?))
        };
        self.pids.iter().map(open).collect()
    }

    fn remove(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        podman(["rm", "--force", "--time=0", container]).run(&site.room)?;
        self.containers.retain(|one| one != container);
        self.pids.remove(container);
        Ok(())
    }

    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let room = &site.room;
        let name = &container.name;
        if let Err(error) = run_options(container, &self.group).run(room) {
            // `podman run` is `create` and `start`; what can't start is the person's to remove.
            podman(["rm", "--force", "--time=0", name]).run(room)?;
            return Err(error);
        }
        self.containers.push(name.clone());
        let pid = podman(["inspect", "--format={{.State.Pid}}", name]).run(room)?;
        self.pids.insert(name.clone(), pid.trim().to_owned());
        Ok(())
    }

    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let mut errors = Vec::new();
        if !self.containers.is_empty() {
            let remove = podman(["rm", "--force", "--time=0"]).args(&self.containers);
            errors.extend(remove.run(&site.room).err());
        }
        if !self.networks.is_empty() {
            let remove = podman(["network", "rm"]).args(&self.networks);
            errors.extend(remove.run(&site.room).err());
        }
        errors
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        remove_groups(&self.group);
    }
}
