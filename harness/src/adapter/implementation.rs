//! What an adapter is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::part::number;
use super::{AdapterError, Part, Scenario, ScenarioContainer, Site};
use crate::case::Feature;
use crate::lab::Netns;

/// What is under test, as found on this machine.
#[derive(Debug, Clone)]
pub struct Implementation {
    /// The name that it gives itself. Reports show it beside the one that the person typed.
    pub name: String,
    /// The programs that take part, by the name that reports give them.
    pub parts: BTreeMap<String, Part>,
    version: Version,
}

/// Where its version comes from.
#[derive(Debug, Clone)]
enum Version {
    Told(String),
    /// From this program of its parts.
    Of(String),
}

impl Implementation {
    /// One whose version is that of its program `main`.
    pub fn of<'a>(
        name: impl Into<String>,
        main: &str,
        parts: impl IntoIterator<Item = (&'a str, Part)>,
    ) -> Self {
        let parts = parts.into_iter();
        Self {
            name: name.into(),
            parts: parts.map(|(name, part)| (name.to_owned(), part)).collect(),
            version: Version::Of(main.to_owned()),
        }
    }

    /// One that tells its version by itself.
    pub fn known(name: impl Into<String>, version: &str, parts: BTreeMap<String, Part>) -> Self {
        Self {
            name: name.into(),
            version: Version::Told(version.to_owned()),
            parts,
        }
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

    /// Asks every program for its version now, so that nobody has to wait for it later.
    pub fn ask(&self) {
        self.parts.values().for_each(|part| {
            part.version();
        });
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
    fn setup(&self, scenario: &Scenario, site: &Site) -> Result<Box<dyn Realised>, AdapterError>;
}

/// A scenario that was made true. Dropping it ends every process of it.
pub trait Realised: fmt::Debug + Send {
    /// Namespaces that the implementation made, by container.
    fn brought(&self) -> Result<BTreeMap<String, Netns>, AdapterError> {
        Ok(BTreeMap::new())
    }

    /// Asks the implementation whether all is still as it made it: [`Feature::Check`]. Returns what it finds wrong.
    fn check(&mut self, site: &Site) -> Vec<AdapterError> {
        let _ = site;
        Vec::new()
    }

    /// Ends a container while the others stay.
    ///
    /// # Errors
    /// What the implementation said no to; in its own words where it does not claim [`Feature::Replace`].
    fn remove(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        let _ = site;
        Err(AdapterError::NotRealised(format!("{container} can't go")))
    }

    /// Starts a container of a network that is there.
    ///
    /// # Errors
    /// What the implementation said no to. Then nothing of the container may be left.
    fn add(&mut self, container: &ScenarioContainer, site: &Site) -> Result<(), AdapterError> {
        let _ = site;
        let name = &container.name;
        Err(AdapterError::NotRealised(format!("{name} can't come")))
    }

    /// Takes a container away behind the implementation's back: it is gone with its namespace, and nobody was asked.
    ///
    /// # Errors
    /// The lab refused, or the implementation does not say where the container is.
    fn lose(&mut self, container: &str, site: &Site) -> Result<(), AdapterError> {
        match site.containers.get(container) {
            Some(netns) => Ok(site.lose(netns, &Site::path(container))?),
            None => Err(AdapterError::NotRealised(format!(
                "{container} can't be lost"
            ))),
        }
    }

    /// Undoes everything. Goes on after errors and returns all of them.
    fn teardown(&mut self, site: &Site) -> Vec<AdapterError>;
}
