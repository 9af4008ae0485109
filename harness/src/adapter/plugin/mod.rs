//! Any program in any language as an adapter: one JSON object on its standard input, one on its standard output.
//!
//! `harness/PLUGIN.md` teaches the protocol; `harness/plugin.schema.json` is generated from the types here.

mod message;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

pub use message::{Done, Info, Question, Work, plugin_schema};

use super::facts::{Argument, Facts, Own};
use super::{
    Adapter, AdapterError, Implementation, LabHost, Namespaces, Part, Program, Realised, Scenario,
    ScenarioContainer,
};
use crate::case::Feature;
use crate::lab::{Groups, Jail, JailOptions, Netns};
use crate::program::shown;

/// A program of somebody else's, as goldpath knows it.
pub static FACTS: Facts = Facts {
    name: "plugin",
    kind: "plugin",
    argument: Argument::Required("PROGRAM"),
    programs: &[],
    harness: &[],
    state_folders: &[],
    own: Own {
        tables: &[],
        chains: &[],
    },
    lacks: &[],
    idle: |_| Vec::new(),
    option: None,
    find: |selection| {
        let program = selection.argument.as_deref().unwrap_or_default();
        match Plugin::ask(Path::new(program)) {
            Ok(plugin) => Ok(Arc::new(plugin)),
            Err(error) => Err(error.to_string()),
        }
    },
};

/// A program that speaks the protocol.
#[derive(Debug)]
pub struct Plugin {
    program: String,
    info: Info,
    implementation: Implementation,
}

impl Plugin {
    /// Asks the program who it is, in a jail of its own without any interface.
    ///
    /// # Errors
    /// It is not there, or does not answer as the protocol asks.
    pub fn ask(program: &Path) -> Result<Self, AdapterError> {
        let file = |source| AdapterError::File {
            operation: "find",
            path: program.display().to_string(),
            source,
        };
        // The jail's working directory is another one.
        let program = program.canonicalize().map_err(file)?.display().to_string();
        let question = Question::info();
        let jail = Jail::open(
            &Netns::create()?,
            &JailOptions::default(),
            [],
            Groups::ReadOnly,
        )?;
        let said = Program::new([program.as_str()])
            .input(question.text())
            .run(&jail)?;
        let info: Info = message::answer(&question, &said)?;
        if let Some(reason) = info.is_not_spoken().or_else(|| info.mistake()) {
            let question = question.verb().to_owned();
            return Err(AdapterError::Answer { question, reason });
        }
        let tools = info.tools.iter();
        let parts = tools.map(|(name, version)| (name.clone(), Part::known(version)));
        let parts = parts.collect();
        Ok(Self {
            implementation: Implementation::known(FACTS.kind, &info.version, parts)
                .calling_itself(&info.name),
            program,
            info,
        })
    }

    fn put(&self, question: &Question, jail: &Jail) -> Result<Done, AdapterError> {
        let said = Program::new([self.program.as_str()])
            .input(question.text())
            .run(jail)?;
        let done: Done = message::answer(question, &said)?;
        self.may_name(&done.pids, question)?;
        match done.error {
            Some(message) => Err(AdapterError::Refused {
                question: format!("{} of {}", question.verb(), self.info.name),
                message: shown(&message),
            }),
            None => Ok(done),
        }
    }
}

impl Plugin {
    /// Whether processes may stand in this answer: only a plugin that brings namespaces has some to name, only when it has
    /// made containers, and only of these.
    fn may_name(
        &self,
        pids: &BTreeMap<String, u32>,
        question: &Question,
    ) -> Result<(), AdapterError> {
        let wrong = |reason: String| {
            Err(AdapterError::Answer {
                question: question.verb().to_owned(),
                reason,
            })
        };
        let Some(name) = pids.keys().next() else {
            return Ok(());
        };
        if !self.info.brings_namespaces {
            return wrong(format!(
                "it names a process of {name} in `pids`, and its `info` does not say \"brings-namespaces\": true"
            ));
        }
        let work = match question {
            Question::Setup { work, .. } | Question::Add { work, .. } => work,
            _ => {
                return wrong(String::from(
                    "`pids` belong to the answers to setup and add",
                ));
            }
        };
        let known = |name: &&String| work.scenario.container(name).is_some();
        match pids.keys().find(|name| !known(name)) {
            Some(name) => wrong(format!(
                "`pids` has {name}, which is no container of the scenario"
            )),
            None => Ok(()),
        }
    }
}

impl Adapter for Plugin {
    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn features(&self) -> BTreeSet<Feature> {
        Feature::with_implied(self.info.features())
    }

    fn namespaces(&self) -> Namespaces {
        if self.info.brings_namespaces {
            Namespaces::Brought
        } else {
            Namespaces::Given
        }
    }

    fn setup(
        &self,
        scenario: &Scenario,
        host: &LabHost,
    ) -> Result<Box<dyn Realised>, AdapterError> {
        let work = Work {
            scenario: scenario.clone(),
            namespaces: host
                .containers
                .keys()
                .map(|name| (name.clone(), LabHost::path(name)))
                .collect(),
            folder: Jail::FOLDER.to_owned(),
        };
        let done = self.put(&Question::setup(work.clone()), &host.jail)?;
        let plugin = Self {
            program: self.program.clone(),
            info: self.info.clone(),
            implementation: self.implementation.clone(),
        };
        Ok(Box::new(PluginNetwork {
            plugin,
            work,
            pids: done.pids,
        }))
    }
}

/// What the program made.
#[derive(Debug)]
struct PluginNetwork {
    plugin: Plugin,
    work: Work,
    pids: BTreeMap<String, u32>,
}

impl Realised for PluginNetwork {
    fn brought(&self, host: &LabHost) -> Result<BTreeMap<String, Netns>, AdapterError> {
        let open = |(name, pid): (&String, &u32)| {
            let netns = host.jail.netns_of(*pid);
            let netns = netns.map_err(|error| match host.jail.over() {
                Some(_) => AdapterError::from(error),
                None => AdapterError::Answer {
                    question: String::from("`pids`"),
                    reason: format!("container {name}: {error}"),
                },
            })?;
            Ok((name.clone(), netns))
        };
        self.pids.iter().map(open).collect()
    }

    fn remove(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        let mut work = self.work.clone();
        work.scenario = work.scenario.with_only(|name| name != container);
        let question = Question::remove(container, work.clone());
        self.plugin.put(&question, &host.jail)?;
        self.pids.remove(container);
        self.work = work;
        Ok(())
    }

    fn add(&mut self, container: &ScenarioContainer, host: &LabHost) -> Result<(), AdapterError> {
        let mut work = self.work.clone();
        work.scenario.containers.push(container.clone());
        let question = Question::add(&container.name, work.clone());
        let done = self.plugin.put(&question, &host.jail)?;
        self.pids.extend(done.pids);
        self.work = work;
        Ok(())
    }

    fn check(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let question = Question::check(self.work.clone());
        let done = self.plugin.put(&question, &host.jail);
        done.err().into_iter().collect()
    }

    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let question = Question::teardown(self.work.clone());
        let done = self.plugin.put(&question, &host.jail);
        done.err().into_iter().collect()
    }
}
