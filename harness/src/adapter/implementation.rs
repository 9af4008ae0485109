//! What an adapter is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::facts::must_have;
use super::part::number;
use super::{AdapterError, Build, LabHost, Part, Program, Scenario, ScenarioContainer, Selection};
use crate::case::Feature;
use crate::lab::Netns;

/// What is under test, as found on this machine.
#[derive(Debug, Clone)]
pub struct Implementation {
    /// What was asked for, without its build and options: how declared defects and kept state call it.
    pub name: String,
    /// The name that it gives itself, if it gives itself one.
    pub calls_itself: Option<String>,
    /// Which programs it is made of.
    pub build: Build,
    /// Options of its own that were asked for.
    pub options: Vec<String>,
    /// What the harness fills in, leaves out or sets otherwise in a configuration that it was given.
    pub adjusted: Vec<String>,
    /// The programs that take part, by the name that reports give them.
    pub parts: BTreeMap<String, Part>,
    version: Version,
    idle: fn(&Self) -> Vec<&'static str>,
}

/// Where its version comes from.
#[derive(Debug, Clone)]
enum Version {
    Told(String),
    /// From this program of its parts.
    Of(String),
}

impl Implementation {
    /// Looks for its programs, and starts none. Its version is that of the first one.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub(super) fn find(selection: &Selection) -> Result<Self, String> {
        let facts = selection.facts;
        for needed in facts.harness {
            must_have(needed)?;
        }
        let build = Build::of(selection.build.as_deref())?;
        let programs: Vec<&str> = facts.programs.iter().map(|one| one.program).collect();
        build.must_have_one_of(&programs)?;
        let mut parts = BTreeMap::new();
        for (number, needed) in facts.programs.iter().enumerate() {
            let within: Vec<PathBuf> = needed.folders.iter().map(PathBuf::from).collect();
            match build.find(needed.program, &within, number == 0) {
                Some(path) => {
                    let part = Part::of(&build, path, needed.ask);
                    parts.insert(needed.program.to_owned(), part);
                }
                None if needed.is_optional => {}
                None => return Err(build.lacks(needed.program, needed.package)),
            }
        }
        let main = facts.programs.first().map_or("", |needed| needed.program);
        Ok(Self::of(selection, build, parts, main))
    }

    /// One of these programs, whose version is that of its program `main`.
    pub(super) fn of(
        selection: &Selection,
        build: Build,
        parts: BTreeMap<String, Part>,
        main: impl Into<String>,
    ) -> Self {
        Self {
            name: selection.facts.kind.to_owned(),
            calls_itself: None,
            build,
            options: selection.options.clone(),
            adjusted: Vec::new(),
            parts,
            version: Version::Of(main.into()),
            idle: selection.facts.idle,
        }
    }

    /// One that tells its version by itself.
    pub fn known(name: &str, version: &str, parts: BTreeMap<String, Part>) -> Self {
        Self {
            name: name.to_owned(),
            calls_itself: None,
            build: Build::default(),
            options: Vec::new(),
            adjusted: Vec::new(),
            parts,
            version: Version::Told(version.to_owned()),
            idle: |_| Vec::new(),
        }
    }

    /// The same with these options, where they come from elsewhere, too.
    pub(super) fn with_options(self, options: Vec<String>) -> Self {
        Self { options, ..self }
    }

    /// The same, with the name that it gives itself.
    pub(super) fn calling_itself(self, name: &str) -> Self {
        Self {
            calls_itself: Some(name.to_owned()),
            ..self
        }
    }

    /// The same, where the configuration that was given had to be changed.
    pub(super) fn adjusted(self, adjusted: Vec<String>) -> Self {
        Self { adjusted, ..self }
    }

    /// Its version: what it tells, or the number that its program tells.
    pub fn version(&self) -> &str {
        match &self.version {
            Version::Told(version) => version,
            Version::Of(part) => self.version_of(part),
        }
    }

    /// The version of a program that takes part, empty if it does not or has none.
    pub fn version_of(&self, part: &str) -> &str {
        self.parts
            .get(part)
            .map_or("", |part| number(part.version()))
    }

    /// Whether it was asked for with this option, or says so by itself.
    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option)
    }

    /// The programs that run with its options and in its version. To know that, it may have to be started.
    pub fn running(&self) -> impl Iterator<Item = (&str, &Part)> {
        let idle = (self.idle)(self);
        let all = self.parts.iter().map(|(name, part)| (name.as_str(), part));
        all.filter(move |(name, _)| !idle.contains(name))
    }

    /// Asks every program for its version now, so that nobody has to wait for it later.
    pub fn ask(&self) {
        for (_, part) in self.running() {
            part.version();
        }
    }

    /// The folders of its programs, each once, as PATH has them.
    pub(super) fn folders(&self) -> String {
        let mut folders: Vec<String> = Vec::new();
        for program in self.parts.values().map(Part::program) {
            let folder = Path::new(&program)
                .parent()
                .map(|path| path.display().to_string());
            folders.extend(folder.filter(|folder| !folders.contains(folder)));
        }
        folders.join(":")
    }

    /// One of its programs with these arguments, in its own environment.
    pub(super) fn program<T: Into<String>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = T>,
    ) -> Program {
        let path = self.parts.get(name).map(Part::program);
        Program::new([path.unwrap_or_else(|| name.to_owned())])
            .args(arguments)
            .env("PATH", &self.build.path())
    }
}

/// Who makes the containers' namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespaces {
    /// The harness: the implementation is given each one.
    Given,
    /// The implementation: the harness finds each one by a process in it.
    Brought,
}

/// An implementation that can be asked to make scenarios true. Nothing is kept between two of them.
pub trait Adapter: fmt::Debug + Send + Sync {
    /// What is under test.
    fn implementation(&self) -> &Implementation;

    /// What it claims to be able to do.
    fn features(&self) -> BTreeSet<Feature>;

    /// Who makes the containers' namespaces.
    fn namespaces(&self) -> Namespaces {
        Namespaces::Given
    }

    /// Makes the scenario true.
    ///
    /// # Errors
    /// What the implementation said no to. Nothing needs to be undone: the lab is thrown away.
    fn setup(&self, scenario: &Scenario, host: &LabHost)
    -> Result<Box<dyn Realised>, AdapterError>;
}

/// A scenario that was made true. Dropping it ends every process of it.
pub trait Realised: fmt::Debug + Send {
    /// Namespaces that the implementation made, by container.
    ///
    /// # Errors
    /// One is not there.
    fn brought(&self, host: &LabHost) -> Result<BTreeMap<String, Netns>, AdapterError> {
        let _ = host;
        Ok(BTreeMap::new())
    }

    /// What the implementation calls containers and networks by, of 12 or more digits each, by name.
    fn ids(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Asks the implementation whether all is still as it made it: [`Feature::Check`]. Returns what it finds wrong.
    fn check(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let _ = host;
        Vec::new()
    }

    /// Ends a container while the others stay.
    ///
    /// # Errors
    /// What the implementation said no to; in its own words where it does not list [`Feature::Replace`].
    fn remove(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        let _ = host;
        Err(AdapterError::NotRealised(format!("{container} cannot go")))
    }

    /// Starts a container of a network that is there.
    ///
    /// # Errors
    /// What the implementation said no to. Then nothing of the container may be left.
    fn add(&mut self, container: &ScenarioContainer, host: &LabHost) -> Result<(), AdapterError> {
        let _ = host;
        let name = &container.name;
        Err(AdapterError::NotRealised(format!("{name} cannot come")))
    }

    /// Takes a container away behind the implementation's back: it is gone with its namespace, and nobody was asked.
    ///
    /// # Errors
    /// The lab refused, or the implementation does not say where the container is.
    fn lose(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        match host.containers.get(container) {
            Some(netns) => Ok(host.lose(netns, &LabHost::path(container))?),
            None => Err(AdapterError::NotRealised(format!(
                "{container} cannot be lost"
            ))),
        }
    }

    /// Undoes everything. Goes on after errors and returns all of them.
    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError>;

    /// Ends what would outlive the lab's namespaces and the jail's files, which are thrown away next: what is thrown away need
    /// not be taken down with care. Whether teardown does what it should is for the cases about it.
    fn abandon(&mut self, host: &LabHost) -> Vec<AdapterError> {
        self.teardown(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(facts: &'static super::super::Facts, options: &[&str]) -> Vec<String> {
        let selection = Selection {
            options: options.iter().map(ToString::to_string).collect(),
            ..Selection::of(facts)
        };
        let parts = facts.programs.iter();
        let parts = parts.map(|needed| (needed.program.to_owned(), Part::known("1")));
        let found = Implementation::of(&selection, Build::default(), parts.collect(), "");
        found.running().map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn a_program_that_does_not_run_is_not_reported() {
        let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
        let docker = running(&super::super::docker::FACTS, &[]);
        assert!(has(&docker, "docker-proxy") && has(&docker, "iptables") && !has(&docker, "nft"));
        let docker = running(&super::super::docker::FACTS, &["userland-proxy=false"]);
        assert!(!has(&docker, "docker-proxy") && has(&docker, "containerd"));
        let nft = ["firewall_driver=nftables"];
        let podman = running(&super::super::podman::FACTS, &nft);
        assert!(has(&podman, "nft") && !has(&podman, "iptables") && has(&podman, "conmon"));
        let netavark = running(
            &super::super::netavark::FACTS,
            &["firewall_driver=iptables"],
        );
        assert_eq!(netavark, ["iptables", "netavark"]);
    }
}
