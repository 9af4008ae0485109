//! Docker: a daemon of its own in each lab, with user-defined bridge networks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::daemon::Daemon;
use super::group::own_name;
use super::{
    Adapter, AdapterError, Attached, Implementation, Namespaces, Program, PublishedPort, Realised,
    Scenario, ScenarioContainer, Site, image,
};
use crate::case::Feature;
use crate::lab::{Netns, Room, find_program};

const SOCKET: &str = "unix:///run/goldpath/docker.sock";
const IMAGE: &str = "goldpath";

/// Docker as found on this machine.
#[derive(Debug)]
pub struct Docker {
    implementation: Implementation,
}

impl Docker {
    /// Looks for dockerd and its client.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn find() -> Result<Self, String> {
        for program in ["dockerd", "docker"] {
            find_program(program).map_err(|_| {
                format!("'{program}' is not installed; please run: sudo apt-get install docker.io")
            })?;
        }
        image::is_here()?;
        let version = |program| Program::new([program, "--version"]).version();
        let daemon = version("dockerd");
        Ok(Self {
            implementation: Implementation {
                name: String::from("docker"),
                version: number(&daemon),
                tools: BTreeMap::from([
                    (String::from("dockerd"), daemon),
                    (String::from("docker"), version("docker")),
                    (String::from("iptables"), version("iptables")),
                ]),
            },
        })
    }
}

/// `20.10.24` of `Docker version 20.10.24+dfsg1, build 5d6db84`.
pub(super) fn number(text: &str) -> String {
    let word = text
        .split_whitespace()
        .find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    let digits = |c: char| !c.is_ascii_digit() && c != '.';
    let word = word.unwrap_or_default();
    word.split(digits).next().unwrap_or_default().to_owned()
}

impl Adapter for Docker {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        // Its rules stand before those that a person has put into FORWARD (Docker's manual, "Packet filtering and
        // firewalls": DOCKER-USER is the chain for them), and a daemon that has ended can't be asked again.
        let lacking = [
            Feature::Ipv6,
            Feature::EarlierRules,
            Feature::RepeatedTeardown,
        ];
        let all = Feature::ALL.iter().copied();
        all.filter(|feature| !lacking.contains(feature)).collect()
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::Brought
    }

    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError> {
        let group = own_name("docker");
        let room = &site.room;
        let file = |name: &str| format!("{}/{name}", Room::FOLDER);
        let dockerd =
            Program::new(["dockerd", "--host", SOCKET, "--storage-driver", "vfs"]).args([
                format!("--data-root={}", file("data")),
                format!("--exec-root={}", file("exec")),
                format!("--pidfile={}", file("docker.pid")),
                format!("--cgroup-parent=/{group}"),
            ]);
        let daemon = Daemon::start(&dockerd, "API listen on", room)?;
        let mut made = Made {
            daemon,
            group,
            containers: Vec::new(),
            networks: Vec::new(),
            pids: BTreeMap::new(),
        };
        docker(["import", &image::pack(room)?, IMAGE]).run(room)?;
        for network in &scenario.networks {
            let gateway = network.gateway.to_string();
            let mut create = docker(["network", "create", "--driver=bridge"]);
            create = create.args(["--subnet", &network.subnet, "--gateway", &gateway]);
            if network.internal {
                create = create.args(["--internal"]);
            }
            if let Some(mtu) = network.mtu {
                create = create.args([format!("--opt=com.docker.network.driver.mtu={mtu}")]);
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

fn docker<T: Into<String>>(arguments: impl IntoIterator<Item = T>) -> Program {
    Program::new(["docker", "--host", SOCKET]).args(arguments)
}

fn run_options(container: &ScenarioContainer) -> Program {
    let name = format!("--name={}", container.name);
    let mut run = docker(["run", "--detach", "--pull=never", &name]);
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

/// As `docker run` and `podman run` read it.
pub(super) fn publish_option(port: &PublishedPort) -> String {
    let address = port
        .host_address
        .map_or_else(String::new, |a| format!("{a}:"));
    format!(
        "--publish={address}{}:{}/{}",
        port.host_port, port.container_port, port.protocol
    )
}

/// The daemon and what it made.
#[derive(Debug)]
struct Made {
    daemon: Daemon,
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
        docker(["rm", "--force", container]).run(&site.room)?;
        self.containers.retain(|one| one != container);
        self.pids.remove(container);
        Ok(())
    }

    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let room = &site.room;
        let name = &container.name;
        if let Err(error) = run_options(container).run(room) {
            // `docker run` is `create` and `start`; what can't start is the person's to remove.
            docker(["rm", "--force", name]).run(room)?;
            return Err(error);
        }
        self.containers.push(name.clone());
        let pid = docker(["inspect", "--format={{.State.Pid}}", name]).run(room)?;
        self.pids.insert(name.clone(), pid.trim().to_owned());
        Ok(())
    }

    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let mut errors = Vec::new();
        if !self.containers.is_empty() {
            let remove = docker(["rm", "--force"]).args(&self.containers);
            errors.extend(remove.run(&site.room).err());
        }
        if !self.networks.is_empty() {
            let remove = docker(["network", "rm"]).args(&self.networks);
            errors.extend(remove.run(&site.room).err());
        }
        errors.extend(self.daemon.stop().err());
        errors
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        remove_groups(&self.group);
    }
}

/// Removes control groups of this name. Those that containers have left are empty, and can be removed like folders.
pub(super) fn remove_groups(name: &str) {
    let root = Path::new("/sys/fs/cgroup");
    // Version 1 has a hierarchy for each controller.
    let controllers = std::fs::read_dir(root).into_iter().flatten().flatten();
    for folder in controllers
        .map(|entry| entry.path())
        .chain([root.to_owned()])
    {
        remove_empty(&folder.join(name));
    }
}

fn remove_empty(group: &Path) {
    let inner = std::fs::read_dir(group).into_iter().flatten().flatten();
    for folder in inner.filter(|entry| entry.path().is_dir()) {
        remove_empty(&folder.path());
    }
    // One that is not there, or not empty, stays as it is.
    let _ = std::fs::remove_dir(group);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_first_number() {
        assert_eq!(
            number("Docker version 20.10.24+dfsg1, build 5d6db84"),
            "20.10.24"
        );
        assert_eq!(number("podman version 4.3.1"), "4.3.1");
    }
}
