//! What the native implementation has made of a scenario: changed while containers come and go, and undone.

use std::path::Path;

use super::{Fault, Native, flows, names, port, rules, settings};
use crate::adapter::{
    AdapterError, Attached, Program, Realised, Scenario, ScenarioContainer, ScenarioNetwork, Site,
};
use crate::lab::attach::{remove_all, remove_link};

/// What was made, to be undone.
#[derive(Debug)]
pub(super) struct Made {
    scenario: Scenario,
    pub(super) links: Vec<String>,
    rules: bool,
    /// Rules of FORWARD for containers.
    passed: Vec<String>,
    /// Settings as they were before.
    found: Vec<(String, String)>,
    native: Native,
    /// Containers that are gone and whose rules a fault keeps.
    stale: Vec<ScenarioContainer>,
    ended: bool,
}

impl Made {
    /// Nothing yet.
    pub(super) fn of(native: Native, scenario: &Scenario, found: Vec<(String, String)>) -> Self {
        Self {
            scenario: scenario.clone(),
            links: Vec::new(),
            rules: false,
            passed: Vec::new(),
            found,
            native,
            stale: Vec::new(),
            ended: false,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.native.faults.has(fault)
    }

    /// Puts all rules in the place of those before, at once.
    pub(super) fn write_rules(&mut self, site: &Site) -> Result<(), AdapterError> {
        let mut scenario = self.scenario.clone();
        scenario.containers.splice(0..0, self.stale.clone());
        let text = rules::ruleset(&scenario, &self.native.faults);
        // The first line makes sure that there is something to delete.
        let table = names::TABLE;
        let text = format!("table ip {table}\ndelete table ip {table}\n{text}");
        Program::new(["nft", "-f", "-"])
            .input(text)
            .run(&site.room)?;
        self.rules = true;
        Ok(())
    }

    /// FORWARD's policy is a person's own; only faults change it.
    pub(super) fn set_policy(&self, site: &Site) -> Result<(), AdapterError> {
        let forwarded = self
            .found
            .iter()
            .any(|(name, value)| name == "ipv4/ip_forward" && value == "1");
        if self.has(Fault::PolicyDrop) || (self.has(Fault::PolicyNotRestored) && !forwarded) {
            Program::new(["iptables", "-P", "FORWARD", "DROP"]).run(&site.room)?;
        }
        Ok(())
    }

    /// A policy of FORWARD ends what no rule of it has accepted, whatever another table says. Behind a person's own rules,
    /// so that these hold.
    pub(super) fn pass_policy(&mut self, site: &Site) -> Result<(), AdapterError> {
        let overrules = self.has(Fault::EarlierDropOverruled) && settings::has_forward(site);
        let has_policy = settings::has_policy(site)? && !self.has(Fault::PolicyNotPassed);
        if !overrules && !has_policy {
            return Ok(());
        }
        let place = if overrules { "-I" } else { "-A" };
        let bridges = self.links.clone();
        for rule in bridges
            .iter()
            .flat_map(|name| ["-i", "-o"].map(|end| format!("{end} {name}")))
        {
            Program::new(["iptables", place, "FORWARD"])
                .args(settings::accept(&rule))
                .run(&site.room)?;
            self.passed.push(rule);
        }
        Ok(())
    }

    fn number_of(&self, container: &ScenarioContainer) -> Option<(usize, ScenarioNetwork)> {
        let Attached::Network { name, .. } = &container.attached else {
            return None;
        };
        let mut networks = self.scenario.networks.iter().enumerate();
        let (number, network) = networks.find(|(_, one)| one.name == *name)?;
        Some((number, network.clone()))
    }

    /// Gives a bridge an address that goes with the number of its containers.
    fn change_mac(&self, network: &ScenarioNetwork, site: &Site) -> Result<(), AdapterError> {
        if self.has(Fault::BridgeMacChanges) {
            let address = format!("02:42:00:00:00:{:02x}", self.scenario.containers.len());
            let bridge = names::bridge(&network.name);
            Program::new(["ip", "link", "set", "dev", &bridge, "address", &address])
                .run(&site.room)?;
        }
        Ok(())
    }

    /// The first container whose namespace is gone.
    fn lost(&self, site: &Site) -> Result<Option<String>, AdapterError> {
        let names = self.scenario.containers.iter().map(|one| one.name.clone());
        let names: Vec<String> = names.collect();
        let is_gone = |name: &String| !Path::new(&Site::path(name)).exists();
        Ok(site.room.run(|| names.into_iter().find(is_gone))?)
    }
}

fn failed(what: &str) -> AdapterError {
    AdapterError::Refused {
        question: String::from("end all"),
        message: what.to_owned(),
    }
}

fn refused(container: &ScenarioContainer, what: &str) -> AdapterError {
    AdapterError::Refused {
        question: format!("add {}", container.name),
        message: what.to_owned(),
    }
}

impl Realised for Made {
    fn remove(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        let gone = self.scenario.container(container).cloned();
        self.scenario = self.scenario.with_only(|name| name != container);
        if self.has(Fault::StalePublishFirst) {
            self.stale.extend(gone.clone());
        }
        self.write_rules(site)?;
        let Some(gone) = gone else { return Ok(()) };
        if let Some((number, network)) = self.number_of(&gone) {
            remove_link(&site.host, &port(number, container))?;
            self.change_mac(&network, site)?;
        }
        flows::forget(&[gone], &self.native.faults, site)
    }

    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let taken = self.scenario.containers.iter().flat_map(|one| &one.publish);
        let mut asked = container.publish.iter();
        if let Some(port) = asked.find(|port| taken.clone().any(|taken| taken.collides(port)))
            && !self.has(Fault::TakenPortAccepted)
        {
            let what = format!("port {}/{} is taken", port.host_port, port.protocol);
            if self.has(Fault::TakenPortTakenOver) {
                self.stale.push(container.clone());
                self.write_rules(site)?;
            }
            return Err(refused(container, &what));
        }
        let Some((number, network)) = self.number_of(container) else {
            return Ok(());
        };
        let mut with = self.scenario.clone();
        with.containers.push(container.clone());
        let members = rules::members(&with, &network.name, &self.native.faults);
        let own = members.iter().find(|(one, _)| one.name == container.name);
        if let Some((_, address)) = own {
            self.native
                .attach(&network, number, container, *address, site)?;
        }
        self.scenario = with;
        self.change_mac(&network, site)?;
        self.write_rules(site)?;
        flows::forget(std::slice::from_ref(container), &self.native.faults, site)
    }

    fn teardown(&mut self, site: &Site) -> Vec<AdapterError> {
        let mut errors = Vec::new();
        if self.has(Fault::SecondTeardownFails) && self.ended {
            return vec![failed("nothing is there any more")];
        }
        self.ended = true;
        if self.has(Fault::TeardownNeedsContainer)
            && let Ok(Some(name)) = self.lost(site)
        {
            return vec![failed(&format!("{name} is not there"))];
        }
        if self.rules && !self.has(Fault::RulesStay) {
            let removed = Program::new(["nft", "delete", "table", "ip", names::TABLE]);
            errors.extend(removed.run(&site.room).err());
        }
        for rule in std::mem::take(&mut self.passed) {
            let removed = Program::new(["iptables", "-D", "FORWARD"]).args(settings::accept(&rule));
            errors.extend(removed.run(&site.room).err());
        }
        if self.has(Fault::RuleLeftFirst) {
            let left = Program::new(["iptables", "-I", "FORWARD", "-o", "gp-+", "-j", "ACCEPT"]);
            errors.extend(left.run(&site.room).err());
        }
        if !self.has(Fault::BridgeStays) && !std::mem::take(&mut self.links).is_empty() {
            errors.extend(remove_all(&site.host).err().map(AdapterError::from));
        }
        let mut found = std::mem::take(&mut self.found);
        found.retain(|(name, _)| !self.has(Fault::SettingsStay) && !name.starts_with("bridge/"));
        errors.extend(settings::write(&found, site).err());
        let gone = std::mem::take(&mut self.scenario.containers);
        errors.extend(flows::forget(&gone, &self.native.faults, site).err());
        self.rules = false;
        errors
    }
}
