//! goldpath's own realisation of a scenario: bridges and veth pairs by rtnetlink, one nftables table of rules.
//!
//! It computes what is to be there (`plan.rs`), what an event changes of it (`event.rs`), and carries that out (`apply.rs`). It is the
//! measure that cases are written against, the text to read to learn how a container network is made, and what [`Fault`]s
//! are planted in, as edits of these values, to prove that the suite notices them.

mod alike;
mod apply;
mod event;
mod fault;
mod filter;
mod names;
mod normal;
mod plan;
mod rule;
#[cfg(test)]
mod tests;
mod translate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

pub use alike::changes;
pub use fault::{Fault, Faults, Generated, UnknownFault};

use event::{Event, State};

use super::facts::{Argument, Facts, Lack, Needed, Own, must_have};
use super::{
    Adapter, AdapterError, Build, Implementation, LabHost, Part, Realised, Scenario,
    ScenarioContainer,
};
use crate::case::Feature;

/// goldpath's own, as it knows itself. It is no program.
pub static FACTS: Facts = Facts {
    name: "native",
    kind: "native",
    argument: Argument::None,
    programs: &[],
    harness: &[NFT],
    state_folders: &[],
    own: Own {
        tables: &[],
        chains: &[],
    },
    lacks: &[
        Lack::of(Feature::Ipv6, "labs have no IPv6 yet"),
        Lack::of(Feature::Check, "it has nobody to ask"),
    ],
    idle: |_| Vec::new(),
    option: None,
    find: |selection| Ok(Arc::new(Native::with(selection.faults.clone())?)),
};
/// What its rules are loaded by.
const NFT: Needed = Needed::new("nft", "nftables");

/// The native implementation.
#[derive(Debug)]
pub struct Native {
    implementation: Implementation,
    faults: Faults,
}

impl Native {
    /// The native implementation with these faults.
    ///
    /// # Errors
    /// nft is missing.
    pub fn with(faults: Faults) -> Result<Self, String> {
        let nft = must_have(&NFT)?;
        let words: Vec<String> = faults.names().map(|name| format!("+{name}")).collect();
        let version = format!("{}{}", env!("CARGO_PKG_VERSION"), words.concat());
        let nft = Part::of(&Build::default(), nft, NFT.ask);
        let parts = BTreeMap::from([(String::from("nft"), nft)]);
        Ok(Self {
            implementation: Implementation::known(FACTS.kind, &version, parts),
            faults,
        })
    }
}

impl Adapter for Native {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        FACTS.features(&self.implementation)
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let mut standing = Standing {
            state: State {
                scenario: scenario.clone(),
                ..State::default()
            },
            faults: self.faults.clone(),
        };
        let wanted = standing.state.step(&Event::Setup, &self.faults);
        let names = wanted.after.plan.settings.iter();
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        let before = apply::read_settings(&names, host)?;
        let looks_for_rules = self.faults.has(Fault::EarlierDropOverruled);
        standing.state.found = apply::find(&before, looks_for_rules, host)?;
        standing.state.before = before;
        standing.happens(&Event::Setup, host)?;
        Ok(Box::new(standing))
    }
}

/// A network that stands.
#[derive(Debug)]
struct Standing {
    state: State,
    faults: Faults,
}

impl Standing {
    fn happens(&mut self, event: &Event<'_>, host: &LabHost) -> Result<(), AdapterError> {
        let step = self.state.step(event, &self.faults);
        step.edits.make(&step.after.plan, host)?;
        self.state = step.after;
        match step.refusal {
            None => Ok(()),
            Some(message) => Err(refused(event, message)),
        }
    }

    /// The first container whose namespace is gone.
    fn lost(&self, host: &LabHost) -> Result<Option<String>, AdapterError> {
        let containers = self.state.scenario.containers.iter();
        let names: Vec<String> = containers.map(|one| one.name.clone()).collect();
        let is_gone = |name: &String| !Path::new(&LabHost::path(name)).exists();
        Ok(host.jail.run(|| names.into_iter().find(is_gone))?)
    }
}

fn refused(event: &Event<'_>, message: String) -> AdapterError {
    let question = match event {
        Event::Setup => String::from("set up"),
        Event::Remove(name) => format!("remove {name}"),
        Event::Add(container) => format!("add {}", container.name),
        Event::Teardown { .. } => String::from("end all"),
    };
    AdapterError::Refused { question, message }
}

impl Realised for Standing {
    fn remove(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        self.happens(&Event::Remove(container), host)
    }

    fn add(&mut self, container: &ScenarioContainer, host: &LabHost) -> Result<(), AdapterError> {
        self.happens(&Event::Add(container), host)
    }

    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let lost = match self.lost(host) {
            Ok(lost) => lost,
            Err(error) => return vec![error],
        };
        let event = Event::Teardown { lost };
        let step = self.state.step(&event, &self.faults);
        let mut errors = step.edits.make_all(&step.after.plan, host);
        errors.extend(step.refusal.map(|message| refused(&event, message)));
        self.state = step.after;
        errors
    }

    /// All of it is in the lab's namespaces and the jail.
    fn abandon(&mut self, _: &LabHost) -> Vec<AdapterError> {
        Vec::new()
    }
}
