//! A case's lab: built, configured step by step, and laid to rest.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};

use super::RunError;
use super::judge::Resolve;
use super::observe::Observer;
use super::timing::{Clock, Phase};
use crate::case::{Attachment, Backend, Case, Endpoint, Kind, LabName, Listen, Protocol, Step};
use crate::lab::article::{self, Container, Mode, Stage};
use crate::lab::{Graveyard, Lab};
use crate::probe::Service;

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
    pub(super) fn set(case: &Case, backend: Backend, clock: &mut Clock) -> Result<Self, RunError> {
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
        if stage == Stage::Bare {
            scene.lab.name_namespaces()?;
        }
        clock.lap(Phase::Lab);
        let policies = scene.lab.set_policies("host", backend);
        for command in policies.map_err(RunError::Preparation)? {
            scene.commands.push(format!("host: {command}"));
        }
        clock.lap(Phase::Firewall);
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
            }
            let argvs: Vec<&[String]> = of_node.commands.iter().map(|c| &c.argv[..]).collect();
            let failed = |(position, source): (usize, _)| RunError::Command {
                line: of_node.commands[position].line,
                source,
            };
            if one_by_one() {
                for (position, argv) in argvs.iter().enumerate() {
                    let run = self.lab.run(node, argv, self.backend);
                    run.map_err(|source| failed((position, source)))?;
                }
            } else {
                self.lab
                    .run_together(node, &argvs, self.backend)
                    .map_err(failed)?;
            }
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

/// Whether every command gets a process of its own, for whoever doubts that joined ones mean the same.
fn one_by_one() -> bool {
    std::env::var_os("GOLDPATH_ONE_BY_ONE").is_some()
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
