//! Engines with a command line of their own: Docker's, which Podman took over.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::daemon::Daemon;
use super::{
    AdapterError, Attached, LabHost, Program, PublishedPort, Realised, Scenario, ScenarioContainer,
    ScenarioNetwork, image,
};
use crate::address::Family;
use crate::lab::Netns;

const IMAGE: &str = "goldpath";

/// What two engines are told in different words.
#[derive(Debug)]
pub(super) struct Words {
    /// The client, with the options that stand before the verb.
    pub(super) client: Program,
    /// Options of `network create`.
    pub(super) network: &'static [&'static str],
    /// The option of `network create` that sets the MTU.
    pub(super) mtu: &'static str,
    /// Options of `rm`.
    pub(super) removal: &'static [&'static str],
}

/// A running engine and what it made.
#[derive(Debug)]
pub(super) struct Engine {
    words: Words,
    /// Held: dropping it ends the daemon.
    _daemon: Option<Daemon>,
    networks: Vec<String>,
    containers: Vec<String>,
    /// Those of them that use another one's namespace.
    guests: BTreeSet<String>,
    /// The first process of each container that runs, by its number in the jail.
    pids: BTreeMap<String, u32>,
    /// What the engine calls containers and networks by.
    ids: BTreeMap<String, String>,
}

impl Engine {
    /// Makes the scenario true. An engine without a daemon has none.
    pub(super) fn make(
        words: Words,
        daemon: Option<Daemon>,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let mut made = Self {
            words,
            _daemon: daemon,
            networks: Vec::new(),
            containers: Vec::new(),
            guests: BTreeSet::new(),
            pids: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        let archive = image::pack(&host.jail)?;
        made.ask(["import", &archive, IMAGE], host)?;
        for network in &scenario.networks {
            made.create(network, host)?;
        }
        for container in &scenario.containers {
            made.add(container, host)?;
        }
        Ok(Box::new(made))
    }

    fn client<T: Into<String>>(&self, arguments: impl IntoIterator<Item = T>) -> Program {
        self.words.client.clone().args(arguments)
    }

    fn ask<T: Into<String>>(
        &self,
        arguments: impl IntoIterator<Item = T>,
        host: &LabHost,
    ) -> Result<String, AdapterError> {
        self.client(arguments).run(&host.jail)
    }

    fn create(&mut self, network: &ScenarioNetwork, host: &LabHost) -> Result<(), AdapterError> {
        let mut create = self
            .client(["network", "create", "--driver=bridge"])
            .args(self.words.network.iter().copied());
        for pool in &network.pools {
            let (subnet, gateway) = (pool.subnet.to_string(), pool.gateway.to_string());
            create = create.args(["--subnet", &subnet, "--gateway", &gateway]);
        }
        if network.pools.get(Family::Ipv6).is_some() {
            create = create.args(["--ipv6"]);
        }
        if network.internal {
            create = create.args(["--internal"]);
        }
        let mtu = network.mtu.map(|mtu| format!("{}={mtu}", self.words.mtu));
        let said = create.args(mtu).args([&network.name]).run(&host.jail)?;
        self.learn_id(&network.name, &said);
        self.networks.push(network.name.clone());
        Ok(())
    }

    /// Both engines print the id of what they have made; Podman prints a network's name.
    fn learn_id(&mut self, name: &str, said: &str) {
        let id = said.trim();
        if id != name {
            self.ids.insert(name.to_owned(), id.to_owned());
        }
    }

    fn inspect(
        &self,
        container: &str,
        field: &str,
        host: &LabHost,
    ) -> Result<String, AdapterError> {
        let format = format!("--format={{{{{field}}}}}");
        let said = self.ask(["inspect", &format, container], host)?;
        Ok(said.trim().to_owned())
    }

    /// Both engines' manuals: `--force` ends what runs, and a container that is not there is no error.
    fn end(&self, containers: &[String], host: &LabHost) -> Result<(), AdapterError> {
        let remove = self.client(["rm", "--force"]);
        let remove = remove.args(self.words.removal.iter().copied());
        remove.args(containers).run(&host.jail).map(drop)
    }
}

impl Realised for Engine {
    fn brought(&self, host: &LabHost) -> Result<BTreeMap<String, Netns>, AdapterError> {
        let open = |(name, pid): (&String, &u32)| Ok((name.clone(), host.jail.netns_of(*pid)?));
        self.pids.iter().map(open).collect()
    }

    fn ids(&self) -> BTreeMap<String, String> {
        self.ids.clone()
    }

    fn remove(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        self.end(&[container.to_owned()], host)?;
        self.containers.retain(|one| one != container);
        self.pids.remove(container);
        Ok(())
    }

    fn add(&mut self, container: &ScenarioContainer, host: &LabHost) -> Result<(), AdapterError> {
        let name = &container.name;
        let options = run_options(container);
        let run = self
            .client(["run", "--detach", "--pull=never"])
            .args(options);
        let ran = run.args([IMAGE]).args(image::COMMAND).run(&host.jail);
        match ran {
            Ok(said) => self.learn_id(name, &said),
            Err(error) => {
                // `run` is `create` and `start`; what cannot start is the person's to remove.
                self.end(std::slice::from_ref(name), host)?;
                return Err(error);
            }
        }
        self.containers.push(name.clone());
        if matches!(container.attached, Attached::Container(_)) {
            self.guests.insert(name.clone());
        }
        let said = self.inspect(name, ".State.Pid", host)?;
        let pid = said.parse().map_err(|error| AdapterError::Answer {
            question: format!("the first process of {name}"),
            reason: format!("{error}: {said}"),
        })?;
        self.pids.insert(name.clone(), pid);
        Ok(())
    }

    fn lose(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        let key = self.inspect(container, ".NetworkSettings.SandboxKey", host)?;
        if let Some(pid) = self.pids.remove(container) {
            host.lose(&host.jail.netns_of(pid)?, &key)?;
            host.jail.kill(pid)?;
        }
        Ok(())
    }

    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let mut errors = Vec::new();
        // Podman removes several at once, in no order, and none whose namespace another one uses.
        let containers = std::mem::take(&mut self.containers);
        let (guests, others): (Vec<String>, Vec<String>) = containers
            .into_iter()
            .partition(|one| self.guests.contains(one));
        for group in [guests, others].iter().filter(|group| !group.is_empty()) {
            errors.extend(self.end(group, host).err());
        }
        // A network that is not there is an error of both, by their manuals.
        let networks = std::mem::take(&mut self.networks);
        if !networks.is_empty() {
            let remove = self.client(["network", "rm"]).args(networks);
            errors.extend(remove.run(&host.jail).err());
        }
        errors
    }
}

fn run_options(container: &ScenarioContainer) -> Vec<String> {
    let mut options = vec![format!("--name={}", container.name)];
    match &container.attached {
        Attached::None => options.push("--network=none".into()),
        Attached::Host => options.push("--network=host".into()),
        Attached::Container(other) => options.push(format!("--network=container:{other}")),
        Attached::Network { name, addresses } => {
            options.push(format!("--network={name}"));
            options.extend(addresses.into_iter().map(|address| match address {
                IpAddr::V4(v4) => format!("--ip={v4}"),
                IpAddr::V6(v6) => format!("--ip6={v6}"),
            }));
        }
    }
    options.extend(container.publish.iter().map(publish_option));
    options
}

fn publish_option(port: &PublishedPort) -> String {
    format!("--publish={port}")
}
