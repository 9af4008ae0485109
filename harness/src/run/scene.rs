//! A case's lab: built, configured step by step, and laid to rest.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};

use super::RunError;
use super::judge::Resolve;
use super::observe::Observer;
use crate::case::{Attachment, Backend, Case, Endpoint, Kind, LabName, Listen, Protocol, Step};
use crate::lab::article::{self, Container, Mode, Stage};
use crate::lab::{Graveyard, Lab};
use crate::probe::Service;

/// How Docker leaves a machine, which is where the article starts: INPUT lets in, and nothing is
/// forwarded unless a rule says so. One restore instead of a command for each policy, and all three
/// chains are there on both back ends: iptables-nft makes only those that it is told of.
const INITIAL_FIREWALL: &str = "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n";

/// The program that reads it.
pub(super) const RESTORE: &str = "iptables-restore";

/// A lab and the services that a case runs in it.
#[derive(Debug)]
pub(super) struct Scene {
    lab: Lab,
    backend: Backend,
    services: RefCell<Vec<Service>>,
    commands: Vec<String>,
}

impl Scene {
    /// Builds the lab that the case names, in the state where the article's experiments start.
    pub(super) fn set(case: &Case, backend: Backend) -> Result<Self, RunError> {
        let stage = match &case.kind {
            Kind::Recipe {
                lab: LabName::Bare, ..
            } => Stage::Bare,
            Kind::Recipe { .. } | Kind::Contract { .. } => Stage::Attached,
        };
        let mut containers = article::containers();
        containers.extend(case.containers.iter().map(|container| Container {
            name: container.name.to_string(),
            mode: mode(&container.attachment),
        }));
        let lab = Lab::build(&article::spec(stage, &containers))?;
        let mut scene = Self {
            lab,
            backend,
            services: RefCell::default(),
            commands: Vec::new(),
        };
        if names_a_namespace(case) {
            scene.lab.name_namespaces()?;
        }
        let argv = [String::from(RESTORE)];
        scene
            .lab
            .run_with_input("host", &argv, INITIAL_FIREWALL, backend)
            .map_err(RunError::Preparation)?;
        for policy in ["-P INPUT ACCEPT", "-P FORWARD DROP", "-P OUTPUT ACCEPT"] {
            scene.commands.push(format!("host: iptables {policy}"));
        }
        Ok(scene)
    }

    pub(super) fn lab(&self) -> &Lab {
        &self.lab
    }

    pub(super) fn services(&self) -> &RefCell<Vec<Service>> {
        &self.services
    }

    /// Commands run so far, as `node: command line`.
    pub(super) fn commands(&self) -> &[String] {
        &self.commands
    }

    /// Runs the step's commands as written and starts its services. Returns whether any command ran.
    pub(super) fn configure(&mut self, step: &Step) -> Result<bool, RunError> {
        for of_node in &step.commands {
            let node = of_node.node.as_str();
            for command in &of_node.commands {
                self.commands.push(format!("{node}: {}", command.text));
                self.lab
                    .run(node, &command.argv, self.backend)
                    .map_err(|source| RunError::Command {
                        line: command.line,
                        source,
                    })?;
            }
        }
        if !step.commands.is_empty() {
            self.lab.wait_for_links()?;
        }
        for listen in &step.listen {
            let service = self.listen(listen)?;
            self.services.borrow_mut().push(service);
        }
        Ok(!step.commands.is_empty())
    }

    fn listen(&self, listen: &Listen) -> Result<Service, RunError> {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let started = self
            .lab
            .netns(listen.at.as_str())?
            .run(|| match listen.protocol {
                Protocol::Tcp => Service::listen_tcp(any, listen.port),
                Protocol::Udp => Service::listen_udp(any, listen.port),
            })?;
        started.map_err(|source| RunError::Listen {
            node: listen.at.to_string(),
            protocol: listen.protocol.to_string(),
            port: listen.port,
            source,
        })
    }

    /// Hands everything whose closing takes the kernel long to where nobody waits for it.
    pub(super) fn bury(self, observer: Observer, graveyard: &Graveyard) {
        for tap in observer.into_taps() {
            graveyard.bury_tap(tap);
        }
        graveyard.bury(self.lab);
    }
}

/// Whether a command puts an interface into a node by its name, as `ip link set veth0 netns c1`.
fn names_a_namespace(case: &Case) -> bool {
    let commands = case
        .steps
        .iter()
        .flat_map(|step| &step.commands)
        .flat_map(|of| &of.commands);
    commands
        .flat_map(|command| &command.argv)
        .any(|word| word == "netns")
}

fn mode(attachment: &Attachment) -> Mode {
    match attachment {
        Attachment::None => Mode::None,
        Attachment::Host => Mode::Host,
        Attachment::Container(other) => Mode::Container(other.to_string()),
        Attachment::Network { .. } => Mode::Bridge,
    }
}

impl Resolve for Scene {
    fn resolve(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        let own = |node: &str| {
            let nodes = self.lab.read_nodes().ok()?;
            nodes
                .get(self.lab.canonical(node))?
                .addresses
                .first()
                .copied()
        };
        match endpoint {
            Endpoint::Address(address) => Some(*address),
            Endpoint::Node(node) => own(node.as_str()),
            Endpoint::HostUplink => own("host"),
            Endpoint::NetworkGateway(_) => None,
        }
    }
}
