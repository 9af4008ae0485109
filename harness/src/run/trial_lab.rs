//! A case's lab: built, configured step by step, and ended.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::contract_lab::{Changed, ContractLab};
use super::observe::Observer;
use super::services::start;
use super::timing::{Clock, Phase};
use super::{RunError, Tables, Trial};
use crate::adapter::AdapterError;
use crate::address::Family;
use crate::case::{AddedRoute, Backend, Case, Endpoint, Exchange, NetworkEvent, Step};
use crate::judge::{Known, endpoints};
use crate::lab::{FinishedLabs, Lab, LabError};
use crate::path::{Evidence, Node};
use crate::plan::{Roles, ServiceSpec, Services};
use crate::probe::Service;

/// What a case has added to ask its own questions, while all others are asked.
#[derive(Debug)]
pub(super) struct Additions {
    services: Services,
    routes: Vec<AddedRoute>,
}

/// A lab and the services that a case runs in it.
#[derive(Debug)]
pub(super) struct TrialLab {
    lab: Lab,
    /// The family of every address that it resolves to.
    family: Family,
    /// What `iptables` means in a recipe's commands; none where the machine's own is meant.
    backend: Option<Backend>,
    services: RefCell<Vec<Service>>,
    commands: Vec<String>,
    /// What the implementation made; none for a recipe.
    contract: Option<ContractLab>,
    /// Routes that a person has added.
    routes: Vec<Added>,
    /// The lab's nodes as they are since the last step's commands: several parts of a step ask for them.
    nodes: RefCell<Option<BTreeMap<String, Node>>>,
}

/// A route that a person has added.
#[derive(Debug)]
struct Added {
    route: AddedRoute,
    /// Its destination, as `ip route` has it.
    to: String,
    /// Whether that is a node's own loopback.
    loopback: bool,
    /// What was there before.
    before: Option<String>,
}

impl TrialLab {
    /// Builds a trial's lab: a recipe's in the state where the article's experiments start, a contract's as its
    /// implementation makes it.
    pub(super) fn build(
        trial: &Trial,
        tables: Tables,
        clock: &mut Clock,
        finished: &FinishedLabs,
    ) -> Result<Self, RunError> {
        match (trial.adapter(), trial.implementation()) {
            (Some(adapter), Some(candidate)) => {
                let kept = &candidate.declared.kept;
                let knows_own = tables == Tables::WithoutEachRule;
                let (lab, contract) =
                    ContractLab::build(trial, adapter, kept, knows_own, finished)?;
                clock.lap(Phase::Lab);
                Ok(Self {
                    lab,
                    family: trial.family,
                    backend: None,
                    services: RefCell::default(),
                    commands: Vec::new(),
                    contract: Some(contract),
                    routes: Vec::new(),
                    nodes: RefCell::default(),
                })
            }
            _ => Self::recipe(trial, clock),
        }
    }

    fn recipe(trial: &Trial, clock: &mut Clock) -> Result<Self, RunError> {
        let (case, backend) = (&trial.case, trial.backend());
        let lab = Lab::build(&case.plan(&[]))?;
        let mut built = Self {
            lab,
            family: trial.family,
            backend,
            services: RefCell::default(),
            commands: Vec::new(),
            contract: None,
            routes: Vec::new(),
            nodes: RefCell::default(),
        };
        if names_a_namespace(case) {
            built.lab.name_namespaces()?;
        }
        clock.lap(Phase::Lab);
        let policies = built.lab.set_policies("host", backend);
        for command in policies.map_err(RunError::Preparation)? {
            built.commands.push(format!("host: {command}"));
        }
        clock.lap(Phase::Firewall);
        Ok(built)
    }

    pub(super) fn live(&self) -> &Lab {
        &self.lab
    }

    /// The lab's nodes, read once for each step.
    pub(super) fn nodes(&self) -> Result<BTreeMap<String, Node>, LabError> {
        let mut nodes = self.nodes.borrow_mut();
        match &*nodes {
            Some(known) => Ok(known.clone()),
            None => Ok(nodes.insert(self.lab.read_nodes()?).clone()),
        }
    }

    pub(super) fn services(&self) -> &RefCell<Vec<Service>> {
        &self.services
    }

    /// What the implementation made; none for a recipe.
    pub(super) fn contract(&self) -> Option<&ContractLab> {
        self.contract.as_ref()
    }

    /// Makes a change of a contract's implementation or its containers.
    pub(super) fn change(
        &mut self,
        case: &Case,
        change: &NetworkEvent,
        observer: &mut Observer,
    ) -> Result<Changed, RunError> {
        if matches!(change, NetworkEvent::Teardown { .. }) {
            // Their sockets are none of the implementation's leftovers.
            self.services.borrow_mut().clear();
        }
        match &mut self.contract {
            Some(contract) => contract.change(case, change, &mut self.lab, observer),
            None => Ok(Changed::default()),
        }
    }

    /// Has the implementation end what would outlive the lab; nothing for a recipe.
    pub(super) fn clear(&mut self) -> Vec<AdapterError> {
        self.contract
            .as_mut()
            .map(ContractLab::clear)
            .unwrap_or_default()
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
        if !step.commands.is_empty() {
            self.lab.wait_for_links()?;
        }
        self.nodes.take();
        for route in &step.added_routes {
            self.add_route(route)?;
        }
        for service in &step.listen {
            self.start(service)?;
        }
        Ok(!step.commands.is_empty())
    }

    fn add_route(&mut self, route: &AddedRoute) -> Result<(), RunError> {
        let via = self
            .resolve(&route.via)
            .ok_or_else(|| RunError::NoAddress {
                endpoint: route.via.to_string(),
            })?;
        let family = Family::of(via);
        let subnet = route.to.map(|to| {
            let of_family = to.get(family).copied();
            of_family.ok_or_else(|| RunError::NoAddress {
                endpoint: format!("an {family} route by {}", route.via),
            })
        });
        let subnet = subnet.transpose()?;
        let to = subnet.map_or_else(|| String::from("default"), |subnet| subnet.to_string());
        let loopback = subnet.is_some_and(|subnet| subnet.address().is_loopback());
        let node = route.at.as_str();
        let before = self.known_route(node, &to)?;
        self.routes.push(Added {
            route: route.clone(),
            to: to.clone(),
            loopback,
            before,
        });
        // A node knows its own loopback first, takes nothing of it to a wire, and nothing from one that has its address.
        let own = [
            "ip address flush dev lo",
            "ip route flush table local root 127.0.0.0/8",
            "sysctl -q -w net.ipv4.conf.all.route_localnet=1",
        ];
        let own = own.into_iter().filter(|_| loopback).map(String::from);
        for text in own.chain([format!("ip route replace {to} via {via}")]) {
            self.run(node, &text, route.line)?;
        }
        Ok(())
    }

    /// Takes away what the case has added to ask its own questions: services, and routes, the last one first. Returns it.
    pub(super) fn take_additions(&mut self) -> Result<Additions, RunError> {
        let services = self.services.take();
        let specs = services
            .iter()
            .map(|one| ServiceSpec::of(one.node(), one.protocol(), one.port()));
        let mut additions = Additions {
            services: specs.collect(),
            routes: Vec::new(),
        };
        while let Some(added) = self.routes.pop() {
            let Added {
                route,
                to,
                loopback,
                before,
            } = added;
            let own = [
                "ip address add 127.0.0.1/8 dev lo",
                "sysctl -q -w net.ipv4.conf.all.route_localnet=0",
            ];
            let own = own.into_iter().filter(|_| loopback).map(String::from);
            let back = before.map_or_else(
                || format!("ip route delete {to}"),
                |before| format!("ip route replace {before}"),
            );
            let node = route.at.as_str();
            // With the interface of a container that is gone its routes are gone, too.
            let there = self.known_route(node, &to)?.is_some();
            for text in own.chain(there.then_some(back)) {
                self.run(node, &text, route.line)?;
            }
            additions.routes.insert(0, route);
        }
        Ok(additions)
    }

    /// Gives the case back what was set additions.
    pub(super) fn restore_additions(&mut self, additions: &Additions) -> Result<(), RunError> {
        self.services.take();
        for service in &additions.services {
            self.start(service)?;
        }
        for route in &additions.routes {
            self.add_route(route)?;
        }
        Ok(())
    }

    /// Starts a service, in the place of one on the same port: its node may have come back.
    pub(super) fn start(&self, service: &ServiceSpec) -> Result<(), RunError> {
        self.stop(&Services::from([service.clone()]));
        let started = start(&self.lab, service, self.family)?;
        self.services.borrow_mut().push(started);
        Ok(())
    }

    /// Stops these services.
    pub(super) fn stop(&self, which: &Services) {
        let is_one = |service: &Service| {
            which.iter().any(|spec| {
                self.lab.canonical(&spec.node) == service.node()
                    && spec.protocol == service.protocol()
                    && spec.port == service.port()
            })
        };
        self.services.borrow_mut().retain(|one| !is_one(one));
    }

    /// A node's route to exactly this destination, in the words of `ip route`.
    fn known_route(&self, node: &str, to: &str) -> Result<Option<String>, LabError> {
        let start = format!("{} ", to.trim_end_matches("/32"));
        let known = self.lab.routes(node)?;
        Ok(known.into_iter().find(|route| route.starts_with(&start)))
    }

    /// Runs a command that a line of the case stands for.
    fn run(&mut self, node: &str, text: &str, line: usize) -> Result<(), RunError> {
        let argv: Vec<String> = text.split(' ').map(str::to_owned).collect();
        self.commands.push(format!("{node}: {text}"));
        let ran = self.lab.run(node, &argv, self.backend);
        ran.map(drop)
            .map_err(|source| RunError::Command { line, source })
    }

    /// Hands everything whose closing takes the kernel long to where nobody waits for it.
    pub(super) fn end(self, observer: Observer, finished: &FinishedLabs) {
        observer.end(finished);
        finished.keep(self.lab);
        for service in self.services.into_inner() {
            finished.close(service);
        }
        finished.close(self.contract);
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

/// Whether every command gets a process of its own, for whoever doubts that joined ones mean the same.
fn one_by_one() -> bool {
    std::env::var_os("GOLDPATH_ONE_BY_ONE").is_some()
}

impl TrialLab {
    /// The address of an endpoint, if the lab has one for it.
    pub(super) fn resolve(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        let own = |node: &str| {
            let nodes = self.nodes().ok()?;
            let mut held = nodes.get(self.lab.canonical(node))?.addresses.iter();
            held.find(|own| Family::of(**own) == self.family).copied()
        };
        let fixed = self.contract.as_ref().and_then(|c| c.address(endpoint));
        if fixed.is_some() {
            return fixed;
        }
        match endpoint {
            Endpoint::Address(address) => Some(*address),
            Endpoint::Node(node) => own(node.as_str()),
            Endpoint::HostUplink => own("host"),
            Endpoint::HostSecond | Endpoint::NetworkGateway(_) => None,
        }
    }

    /// Who is who, in a contract.
    pub(super) fn roles(&self) -> Roles {
        let contract = self.contract.as_ref();
        contract.map(|one| one.roles().clone()).unwrap_or_default()
    }

    /// What the words of an exchange mean now.
    pub(super) fn known(&self, exchange: &Exchange, evidence: &Evidence) -> Known {
        let named = endpoints(exchange).filter(|one| !matches!(one, Endpoint::Address(_)));
        let nodes = evidence.nodes.keys();
        Known {
            addresses: named
                .filter_map(|one| Some((one.to_string(), self.resolve(one)?)))
                .collect(),
            kept_out: nodes
                .filter(|node| self.keeps_out(node, &exchange.probe.to))
                .cloned()
                .collect(),
        }
    }

    /// Whether a blocked packet to `to` must not get to `node`: to no container, and not to its destination.
    fn keeps_out(&self, node: &str, to: &Endpoint) -> bool {
        let container = self.contract.as_ref().is_some_and(|c| c.is_container(node));
        let target =
            matches!(to, Endpoint::Node(target) if self.lab.canonical(target.as_str()) == node);
        container || (target && node != "host")
    }
}
