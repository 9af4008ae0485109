//! A contract case's lab: empty first, then made into what the case intends by the implementation under test.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::RunError;
use super::bystanders::Bystanders;
use super::containers::{missing, own_names, roles, shared_with, take_in};
use super::left::Left;
use super::observe::Observer;
use super::own_rules::OwnRules;
use super::person::{LATER_OWN_RULES, do_as_a_person, found, prepare};
use super::rule_words::{GATEWAY, RuleWords};
use super::trial::Trial;
use super::without_rules::delete_rules;
use crate::adapter::{Adapter, AdapterError, Kept, LabHost, Namespaces, Realised, Scenario};
use crate::case::{Attachment, Case, Damage, Endpoint, Finding, NetworkEvent};
use crate::finding::What;
use crate::intent::Moment;
use crate::lab::{FinishedLabs, Lab, LabError, Netns};
use crate::plan::{Roles, contract};
use crate::trace::InstalledRule;

/// What came of a change.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// What is wrong with it.
    pub(super) wrong: Vec<What>,
    /// What is worth telling.
    pub(super) told: Vec<What>,
    /// A node whose namespace is new.
    pub(super) came: Option<String>,
    /// How long what goes by itself was waited for.
    pub(super) waited: Duration,
}

/// What an implementation made in a lab.
#[derive(Debug)]
pub(super) struct ContractLab {
    /// With all containers, also those that are not there yet or no longer.
    scenario: Scenario,
    /// With those that are there.
    there: Scenario,
    host: LabHost,
    realised: Box<dyn Realised>,
    roles: Roles,
    /// What the host held before the implementation came, where the case asks for what is left of it.
    left: Option<Left>,
    /// What others asked each other before the implementation came, where the case asks for what is left of it.
    bystanders: Option<Bystanders>,
    /// What it found wrong when it was asked last whether all is as it made it.
    found: Vec<String>,
    /// Rules of the host that are not the implementation's.
    own_rules: OwnRules,
    /// Whether everything was undone already.
    ended: bool,
    /// What must be now, with the addresses as planned.
    moment: Moment,
}

impl ContractLab {
    /// Builds the lab and has the implementation make the case's network in it.
    /// `kept` is what the person who runs it says that it keeps. With `knows_own`, the rules that the host has without the
    /// implementation are noted.
    pub(super) fn build(
        trial: &Trial,
        adapter: &dyn Adapter,
        kept: &[Kept],
        knows_own: bool,
        finished: &FinishedLabs,
    ) -> Result<(Lab, Self), RunError> {
        let case = &trial.case;
        let scenario = Scenario::of(case);
        let own: Vec<&str> = match adapter.namespaces() {
            Namespaces::Given => own_names(&scenario).collect(),
            Namespaces::Brought => Vec::new(),
        };
        let found = found(case);
        let mut lab = Lab::build(&case.plan(&own))?;
        for address in passed_on(case) {
            lab.may_pass_on(address);
        }
        prepare(&mut lab, &found)?;
        let mut own_rules = OwnRules::before(&lab, knows_own)?;
        let mut given = BTreeMap::new();
        for name in &own {
            given.insert((*name).to_owned(), lab.netns(name)?.try_clone()?);
        }
        let count = scenario.containers.len();
        let host = LabHost::open(adapter, lab.netns("host")?, given, count)?;
        let changes = || case.steps.iter().filter_map(|step| step.change.as_ref());
        let mut ends = changes().filter_map(|change| match change {
            NetworkEvent::Teardown { transit, .. } => Some(*transit),
            _ => None,
        });
        let (mut left, mut bystanders) = (None, None);
        let transit = ends.next();
        if let Some(transit) = transit {
            bystanders = Some(Bystanders::before(&lab, &scenario, transit, finished)?);
        }
        let removes = changes()
            .any(|change| matches!(change, NetworkEvent::Remove(_) | NetworkEvent::Lose(_)));
        if removes || transit.is_some() {
            left = Some(Left::before(
                &host,
                &scenario,
                adapter.implementation(),
                kept,
            )?);
        }
        let there = case.at_first();
        let first = scenario.with_only(|name| there.iter().any(|one| one.as_str() == name));
        let realised = adapter
            .setup(&first, &host)
            .map_err(RunError::Implementation)?;
        let mut brought = realised.brought(&host).map_err(RunError::Implementation)?;
        // Who shares a namespace comes after the one that has it.
        let (own, sharing): (Vec<_>, Vec<_>) = first
            .containers
            .iter()
            .partition(|one| shared_with(&one.attached).is_none());
        for container in own.into_iter().chain(sharing) {
            take_in(&mut lab, container, brought.remove(&container.name))?;
        }
        if found.own_rules {
            let mut add =
                || own_rules.while_added(&mut lab, |lab| do_as_a_person(lab, LATER_OWN_RULES));
            match &mut left {
                Some(left) => left.adopt(&host, add)?,
                None => add()?,
            }
        }
        lab.wait_for_links().map_err(not_ready)?;
        let roles = roles(case, &scenario, &first, &lab)?;
        if let Some(left) = &mut left {
            left.learn(realised.as_ref(), &lab, &host)?;
        }
        let contract = Self {
            scenario,
            there: first,
            host,
            realised,
            roles,
            left,
            bystanders,
            found: Vec::new(),
            own_rules,
            ended: false,
            moment: Moment::of(case, trial.family, &adapter.features()),
        };
        Ok((lab, contract))
    }

    /// Makes a change. Returns what is wrong with it, and what is worth telling.
    pub(super) fn change(
        &mut self,
        case: &Case,
        change: &NetworkEvent,
        lab: &mut Lab,
        observer: &mut Observer,
    ) -> Result<Changed, RunError> {
        let mut changed = Changed::default();
        self.moment = self.moment(lab)?.after(case, change);
        let lost = self.moment.gone.iter().flat_map(|gone| &gone.addresses);
        let lost: Vec<IpAddr> = lost.map(|(_, address)| *address).collect();
        lab.let_neighbours_age(&lost)?;
        match change {
            NetworkEvent::Remove(name) | NetworkEvent::Lose(name) => {
                let name = name.as_str();
                if matches!(change, NetworkEvent::Lose(_)) {
                    self.lose(name)?;
                }
                self.realised
                    .remove(name, &self.host)
                    .map_err(RunError::Implementation)?;
                self.there = self.there.with_only(|one| one != name);
                if let Some(left) = &self.left {
                    let is_there = |name: &str| self.there.container(name).is_some();
                    let (told, waited) = left.after_removal(&self.host, is_there)?;
                    changed.waited = waited;
                    changed.wrong.extend(told.leftovers);
                }
            }
            NetworkEvent::Add(name) => {
                if let Some(container) = self.scenario.container(name.as_str()).cloned() {
                    if self.moment.vanished {
                        self.host.find_again(name.as_str())?;
                    }
                    self.realised
                        .add(&container, &self.host)
                        .map_err(RunError::Implementation)?;
                    let brought = self.brought(name.as_str())?;
                    if take_in(lab, &container, brought)? {
                        changed.came = Some(name.to_string());
                    }
                    self.there.containers.push(container);
                }
            }
            NetworkEvent::Refuse(name) => {
                if let Some(container) = self.scenario.container(name.as_str())
                    && self.realised.add(container, &self.host).is_ok()
                {
                    let container = name.to_string();
                    changed.wrong.push(What::Accepted { container });
                }
            }
            NetworkEvent::Check { finds, damage } => {
                for one in damage {
                    take_away(lab, one)?;
                }
                changed.wrong = self.check(*finds);
                return Ok(changed);
            }
            NetworkEvent::Teardown { again, gone, .. } => {
                if let Some(name) = gone {
                    self.lose(name.as_str())?;
                }
                self.end(*again, &mut changed)?;
                if let Some(bystanders) = &self.bystanders {
                    changed.wrong.extend(bystanders.after(lab, observer)?);
                }
                return Ok(changed);
            }
        }
        lab.wait_for_links().map_err(not_ready)?;
        self.roles = roles(case, &self.scenario, &self.there, lab)?;
        if let Some(left) = &mut self.left {
            left.learn(self.realised.as_ref(), lab, &self.host)?;
        }
        Ok(changed)
    }

    /// Has a container vanish with its namespace.
    fn lose(&mut self, name: &str) -> Result<(), RunError> {
        self.realised
            .lose(name, &self.host)
            .map_err(RunError::Implementation)?;
        if let Some(left) = &mut self.left {
            left.forget_file(&LabHost::path(name));
        }
        Ok(())
    }

    fn brought(&self, name: &str) -> Result<Option<Netns>, RunError> {
        let mut brought = self
            .realised
            .brought(&self.host)
            .map_err(RunError::Implementation)?;
        Ok(brought.remove(name))
    }

    /// Asks whether all is as it was made. What is wrong with the answer.
    fn check(&mut self, wanted: Finding) -> Vec<What> {
        let errors = self.realised.check(&self.host);
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let before = std::mem::replace(&mut self.found, found.clone());
        match wanted {
            Finding::Nothing => found.into_iter().map(|said| What::Check { said }).collect(),
            Finding::Something if found.iter().any(|one| !before.contains(one)) => Vec::new(),
            Finding::Something => vec![What::Unnoticed],
        }
    }

    fn end(&mut self, again: bool, changed: &mut Changed) -> Result<(), RunError> {
        let times = if again { 2 } else { 1 };
        for _ in 0..times {
            let errors = self.realised.teardown(&self.host);
            changed
                .wrong
                .extend(errors.iter().map(|error| What::Teardown {
                    said: error.to_string(),
                }));
        }
        self.ended = true;
        // What ended its jail early is told already.
        let left = self.left.as_ref();
        if let Some(left) = left.filter(|_| self.host.jail.over().is_none()) {
            let (told, waited) = left.after(&self.host)?;
            changed.waited = waited;
            changed.wrong.extend(told.leftovers);
            changed.told.extend(told.kept);
        }
        Ok(())
    }

    /// What must be now, with the addresses that containers have in truth.
    pub(super) fn moment(&self, lab: &Lab) -> Result<Moment, LabError> {
        let nodes = lab.read_nodes()?;
        let held = nodes.into_iter().map(|(name, node)| (name, node.addresses));
        Ok(self.moment.clone().located(&held.collect()))
    }

    /// Whether no program of the implementation runs: only the kernel handles packets.
    pub(super) fn is_idle(&self) -> bool {
        self.host.jail.is_idle()
    }

    pub(super) fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Whether a rule of the host is not the implementation's.
    pub(super) fn is_own(&self, rule: &InstalledRule) -> bool {
        self.own_rules.hold(rule)
    }

    /// What rules of the host say, in words that mean the same in every lab.
    pub(super) fn rule_words(&self) -> RuleWords {
        let mut addresses: BTreeMap<IpAddr, &'static str> = self
            .moment
            .found
            .addresses
            .iter()
            .map(|own| (*own, "HOST"))
            .collect();
        let networks = &self.scenario.networks;
        let gateways = networks.iter().flat_map(|one| one.gateways());
        addresses.extend(gateways.map(|gateway| (gateway, GATEWAY)));
        RuleWords {
            addresses,
            subnets: networks
                .iter()
                .flat_map(|one| one.pools.map(|pool| pool.subnet))
                .collect(),
            ports: self.roles.ports.iter().copied().collect(),
            interfaces: BTreeMap::new(),
        }
    }

    /// The address of an endpoint, where the lab or the scenario fixes it.
    pub(super) fn address(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        match endpoint {
            Endpoint::HostUplink => Some(contract::UPLINK.address),
            Endpoint::HostSecond => Some(contract::SECOND_UPLINK.address),
            Endpoint::Node(node) => match node.as_str() {
                "host" => Some(contract::UPLINK.address),
                "outside" => Some(contract::OUTSIDE.address),
                contract::LAN2_NODE => Some(contract::LAN2.address),
                _ => None,
            },
            Endpoint::NetworkGateway(network) => {
                let network = self.scenario.network(network.as_str())?;
                network.gateways().get(self.moment.family).copied()
            }
            Endpoint::Address(address) => Some(*address),
        }
    }

    /// Whether a node is a container with a namespace of its own.
    pub(super) fn is_container(&self, node: &str) -> bool {
        let mut own = own_names(&self.scenario);
        own.any(|name| name == node)
    }

    /// Has the implementation end what would outlive the lab.
    pub(super) fn clear(&mut self) -> Vec<AdapterError> {
        if self.ended {
            return Vec::new();
        }
        self.realised.abandon(&self.host)
    }
}

/// Addresses of containers that come or go.
fn passed_on(case: &Case) -> impl Iterator<Item = IpAddr> {
    let changes = case.steps.iter().filter_map(|step| step.change.as_ref());
    let named = changes.filter_map(|change| match change {
        NetworkEvent::Remove(name) | NetworkEvent::Lose(name) | NetworkEvent::Add(name) => {
            Some(name)
        }
        NetworkEvent::Refuse(_) | NetworkEvent::Check { .. } | NetworkEvent::Teardown { .. } => {
            None
        }
    });
    named.filter_map(|name| {
        let container = case.containers.iter().find(|one| one.name == *name)?;
        match &container.attachment {
            Attachment::Network { address, .. } => *address,
            _ => None,
        }
    })
}

fn take_away(lab: &Lab, damage: &Damage) -> Result<(), RunError> {
    match damage {
        Damage::Interfaces(name) => lab.remove_interfaces(name.as_str())?,
        Damage::Addresses(name) => lab.remove_addresses(name.as_str())?,
        Damage::DefaultRoute(name) => lab.remove_default_routes(name.as_str())?,
        Damage::Rules => delete_rules(lab)?,
    }
    Ok(())
}

/// A port that stays disabled with a carrier is as the implementation made it.
fn not_ready(error: LabError) -> RunError {
    match error {
        LabError::Overdue { .. } => missing(error.to_string()),
        other => other.into(),
    }
}
