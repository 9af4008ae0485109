//! What an event changes, as a value: from the plan before it to the plan after it.

use std::net::IpAddr;

use super::fault::Faults;
use super::plan::{Bridge, Found, Pass, Plan, Port};
use crate::adapter::{Attached, Pool, PublishedPort, Scenario, ScenarioContainer};
use crate::address::OfFamily;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// The scenario is to be made true.
    Setup,
    /// A container ends.
    Remove(&'a str),
    /// A container starts.
    Add(&'a ScenarioContainer),
    /// Everything ends. A container may have vanished before.
    Teardown { lost: Option<String> },
}

/// A network that stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Who is there, each with its address.
    pub(super) scenario: Scenario,
    /// The host as it was found.
    pub(super) found: Found,
    /// Settings as they were before, of those that exist then.
    pub(super) before: Vec<(String, String)>,
    /// What is there.
    pub(super) plan: Plan,
    /// Containers that are not there any more.
    pub(super) gone: Vec<ScenarioContainer>,
    /// Containers that were refused.
    pub(super) refused: Vec<ScenarioContainer>,
    /// Whether everything has ended.
    pub(super) ended: bool,
}

/// What an event changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Why the implementation says no, if it does. Then the edits are still made: there are some only by a fault.
    pub(super) refusal: Option<String>,
    /// How it stands afterwards.
    pub(super) after: State,
    /// What is to be done.
    pub(super) edits: Edits,
}

/// Changes of the host, in the order in which they are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) bridges: Vec<Bridge>,
    pub(super) ports: Vec<Port>,
    pub(super) table: Table,
    /// Rulesets in a table that nobody deletes: always a fault.
    pub(super) left: Vec<&'static str>,
    pub(super) policy: Option<&'static str>,
    pub(super) passed: Vec<Pass>,
    pub(super) passed_no_more: Vec<Pass>,
    /// Links that go one by one.
    pub(super) unlinked: Vec<String>,
    /// Whether all links go at once.
    pub(super) unlinks_all: bool,
    /// Hardware addresses that bridges get.
    pub(super) addresses: Vec<(String, String)>,
    pub(super) settings: Vec<(String, String)>,
    /// Connections that are to begin anew.
    pub(super) forgotten: Vec<Flows>,
}

/// What becomes of the table of rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Table {
    #[default]
    Stays,
    /// There was none.
    Made,
    /// The plan's takes the place of the one before, at once.
    Replaced,
    Deleted,
}

/// Connections, as conntrack remembers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flows {
    /// By a published port: of this address of the host if it has one.
    By(PublishedPort),
    /// All that have ports: always a fault.
    All,
}

impl State {
    /// What an event changes here.
    pub(super) fn step(&self, event: &Event<'_>, faults: &Faults) -> Step {
        let mut step = Step {
            after: self.clone(),
            ..Step::default()
        };
        match event {
            Event::Setup => {
                step.after.scenario = settled(&self.scenario);
                step.replan(self, faults);
                step.edits.settings.clone_from(&step.after.plan.settings);
            }
            Event::Remove(name) => {
                let gone = self.scenario.container(name);
                step.after.scenario = self.scenario.with_only(|one| one != *name);
                step.after.gone.extend(gone.cloned());
                step.replan(self, faults);
                step.edits.forgotten = gone.map(flows).unwrap_or_default();
            }
            Event::Add(container) => {
                step.refusal = self.refusal(container);
                if step.refusal.is_some() {
                    step.after.refused.push((*container).clone());
                    faults.spoil(&mut step, self, event);
                    if step.refusal.is_some() {
                        return step;
                    }
                }
                step.after.scenario.containers.push((*container).clone());
                step.after.scenario = settled(&step.after.scenario);
                step.replan(self, faults);
                step.edits.forgotten = flows(container);
            }
            Event::Teardown { .. } => {
                step.after.ended = true;
                step.after.plan = Plan::default();
                step.after.scenario.containers.clear();
                step.difference(&self.plan);
                step.edits.table = if self.plan.chains.is_empty() {
                    Table::Stays
                } else {
                    Table::Deleted
                };
                step.edits.settings.clone_from(&self.before);
                step.edits.forgotten = self.scenario.containers.iter().flat_map(flows).collect();
                step.after.before.clear();
            }
        }
        faults.spoil(&mut step, self, event);
        step
    }

    /// Why a container may not start.
    fn refusal(&self, container: &ScenarioContainer) -> Option<String> {
        let port = self.taken_port(container);
        port.or_else(|| self.taken_address(container))
    }

    /// Which of its ports another container publishes.
    pub(super) fn taken_port(&self, container: &ScenarioContainer) -> Option<String> {
        let taken = self.scenario.containers.iter().flat_map(|one| &one.publish);
        let mut asked = container.publish.iter();
        let port = asked.find(|port| taken.clone().any(|taken| taken.collides(port)))?;
        let (number, protocol) = (port.host_port, port.protocol);
        Some(format!("port {number}/{protocol} is taken"))
    }

    /// Why it can have no address: another container has the one that it asks for, or none is left.
    pub(super) fn taken_address(&self, container: &ScenarioContainer) -> Option<String> {
        let Attached::Network { name, addresses } = &container.attached else {
            return None;
        };
        let held = self.scenario.members(name);
        let is_held = |one: &IpAddr| {
            held.iter()
                .any(|(_, given)| given.iter().any(|own| own == one))
        };
        if let Some(asked) = addresses.iter().find(|asked| is_held(asked)) {
            return Some(format!("address {asked} is taken"));
        }
        let network = self.scenario.network(name)?;
        let chosen = |pool: &&Pool| addresses.get(pool.family()).is_none();
        let mut chosen = network.pools.iter().filter(chosen);
        let is_full = chosen.any(|pool| pool.hosts().all(|one| is_held(&one)));
        is_full.then(|| format!("no address of {name} is left"))
    }
}

impl Step {
    /// Makes the plan of the scenario as it is afterwards.
    pub(super) fn replan(&mut self, before: &State, faults: &Faults) {
        let mut plan = Plan::of(&self.after.scenario, &self.after.found);
        faults.edit(&mut plan, &self.after);
        self.after.plan = plan;
        self.difference(&before.plan);
        self.edits.table = if before.plan.chains.is_empty() {
            Table::Made
        } else {
            Table::Replaced
        };
    }

    /// What leads from the plan before to the one afterwards.
    fn difference(&mut self, before: &Plan) {
        let (after, edits) = (&self.after.plan, &mut self.edits);
        let name = |bridge: &Bridge| bridge.name.clone();
        let had: Vec<String> = before.bridges.iter().map(name).collect();
        let new = after.bridges.iter().filter(|one| !had.contains(&one.name));
        edits.bridges = new.cloned().collect();
        let is_in = |port: &Port, ports: &[Port]| {
            let mut ports = ports.iter();
            ports.any(|other| other.host_interface == port.host_interface)
        };
        let new = after.ports.iter().filter(|one| !is_in(one, &before.ports));
        edits.ports = new.cloned().collect();
        if after.bridges.is_empty() {
            edits.unlinks_all = !before.bridges.is_empty();
        } else {
            let old = before.ports.iter().filter(|one| !is_in(one, &after.ports));
            edits.unlinked = old.map(|port| port.host_interface.clone()).collect();
        }
        let only = |these: &[Pass], those: &[Pass]| -> Vec<Pass> {
            let these = these.iter();
            these.filter(|one| !those.contains(one)).cloned().collect()
        };
        edits.policy = after.policy.filter(|_| before.policy.is_none());
        edits.passed = only(&after.passes, &before.passes);
        edits.passed_no_more = only(&before.passes, &after.passes);
    }
}

/// Connections by a container's ports begin anew, wherever they led: an entry outlives the rule that made it, and one that
/// was made before there was a rule hides it (moby/moby#8795).
fn flows(container: &ScenarioContainer) -> Vec<Flows> {
    container.publish.iter().cloned().map(Flows::By).collect()
}

/// The scenario with the address of each container on a network. Who has one keeps it, whoever else comes and goes.
fn settled(scenario: &Scenario) -> Scenario {
    let mut settled = scenario.clone();
    for network in &scenario.networks {
        for (member, given) in scenario.members(&network.name) {
            let containers = settled.containers.iter_mut();
            for container in containers.filter(|one| one.name == member.name) {
                if let Attached::Network { addresses, .. } = &mut container.attached {
                    *addresses = given;
                }
            }
        }
    }
    settled
}
