//! The implementations that goldpath knows how to ask, and whether they are on this machine.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::Adapter;
use super::cni::Cni;
use super::docker::Docker;
use super::native::{Faults, Native};
use super::netavark::Netavark;
use super::plugin::Plugin;
use super::podman::{NetworkBackend, Podman};
use super::recipe::Recipe;
use crate::case::Feature;
use crate::program::find_program;

/// What a person asks for by `--implementation`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// Every one with a fixed name; those that are not here are listed as not supported.
    All,
    /// goldpath's own.
    Native(Faults),
    /// The article's commands.
    Recipe,
    /// Docker, as installed here.
    Docker,
    /// CNI plugins in this version of the specification.
    Cni(CniVersion),
    /// A CNI conflist.
    Conflist(PathBuf),
    /// netavark without podman.
    Netavark,
    /// Podman with this network back end.
    Podman(NetworkBackend),
    /// A program of somebody else's.
    Plugin(PathBuf),
}

/// Versions of the CNI specification that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CniVersion {
    /// 0.4.0, the first with CHECK.
    V0_4_0,
    /// 1.0.0.
    V1_0_0,
}

/// Not an implementation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no implementation is called `{0}`; there are all, native, recipe, docker, podman, podman-cni, netavark, cni, cni-0.4.0, cni:CONFLIST, plugin:PROGRAM"
)]
pub struct SelectionError(String);

impl Selection {
    /// Every implementation that has a fixed name.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Native(Faults::default()),
            Self::Recipe,
            Self::Docker,
            Self::Podman(NetworkBackend::Netavark),
            Self::Podman(NetworkBackend::Cni),
            Self::Netavark,
            Self::Cni(CniVersion::V1_0_0),
            Self::Cni(CniVersion::V0_4_0),
        ]
    }

    /// Plants faults, where the implementation can have some.
    #[must_use]
    pub fn with_faults(self, faults: &Faults) -> Self {
        match self {
            Self::Native(_) => Self::Native(faults.clone()),
            other => other,
        }
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            None if text == "native" => Ok(Self::Native(Faults::default())),
            None if text == "recipe" => Ok(Self::Recipe),
            None if text == "docker" => Ok(Self::Docker),
            None if text == "podman" => Ok(Self::Podman(NetworkBackend::Netavark)),
            None if text == "podman-cni" => Ok(Self::Podman(NetworkBackend::Cni)),
            None if text == "netavark" => Ok(Self::Netavark),
            None if text == "cni" => Ok(Self::Cni(CniVersion::V1_0_0)),
            None if text == "cni-0.4.0" => Ok(Self::Cni(CniVersion::V0_4_0)),
            Some(("cni", path)) if !path.is_empty() => Ok(Self::Conflist(path.into())),
            Some(("plugin", program)) if !program.is_empty() => Ok(Self::Plugin(program.into())),
            _ => Err(SelectionError(text.to_owned())),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Native(_) => f.write_str("native"),
            Self::Recipe => f.write_str("recipe"),
            Self::Docker => f.write_str("docker"),
            Self::Podman(NetworkBackend::Netavark) => f.write_str("podman"),
            Self::Podman(NetworkBackend::Cni) => f.write_str("podman-cni"),
            Self::Netavark => f.write_str("netavark"),
            Self::Cni(CniVersion::V1_0_0) => f.write_str("cni"),
            Self::Cni(CniVersion::V0_4_0) => f.write_str("cni-0.4.0"),
            Self::Conflist(path) => write!(f, "cni:{}", path.display()),
            Self::Plugin(program) => write!(f, "plugin:{}", program.display()),
        }
    }
}

/// A selected implementation, or why this machine does not have it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name in reports, and the one by which known defects and kept state are looked up: what the person typed. What
    /// a program calls itself decides nothing.
    pub name: String,
    /// What the person typed for it.
    pub selection: Selection,
    /// The adapter, or what is missing.
    pub adapter: Result<Arc<dyn Adapter>, String>,
}

impl Candidate {
    /// Looks for an implementation. Programs are only asked for their versions; a plugin is asked for `info`, so this is to
    /// be called inside the sandbox.
    pub fn find(selection: &Selection) -> Self {
        Self {
            name: selection.to_string(),
            selection: selection.clone(),
            adapter: look(selection),
        }
    }

    /// The name that it gives itself, where that is another one: a plugin's, or a conflist's.
    pub fn calls_itself(&self) -> Option<&str> {
        let own = &self.adapter.as_ref().ok()?.implementation().name;
        (*own != self.name).then_some(own.as_str())
    }

    /// Looks for every implementation that has a fixed name.
    pub fn every() -> Vec<Self> {
        Selection::all().iter().map(Self::find).collect()
    }

    /// Why a case that requires these features can't be put to it, if it can't.
    pub fn refuses(&self, requires: &[Feature]) -> Option<String> {
        let adapter = match &self.adapter {
            Ok(adapter) => adapter,
            Err(reason) => return Some(reason.clone()),
        };
        let claimed = adapter.features();
        let lacking: Vec<&str> = requires
            .iter()
            .filter(|feature| !claimed.contains(feature))
            .map(|feature| feature.as_str())
            .collect();
        (!lacking.is_empty())
            .then(|| format!("{} does not claim {}", self.name, lacking.join(", ")))
    }
}

fn look(selection: &Selection) -> Result<Arc<dyn Adapter>, String> {
    match selection {
        Selection::All => Err(String::from("it is not one implementation")),
        Selection::Native(faults) => {
            find_program("nft").map_err(|error| error.to_string())?;
            Ok(Arc::new(Native::with(faults.clone())))
        }
        Selection::Recipe => Ok(Arc::new(Recipe::find()?)),
        Selection::Docker => Ok(Arc::new(Docker::find()?)),
        Selection::Podman(backend) => Ok(Arc::new(Podman::find(*backend)?)),
        Selection::Netavark => Ok(Arc::new(Netavark::find()?)),
        Selection::Cni(CniVersion::V1_0_0) => Ok(Arc::new(Cni::usual("1.0.0")?)),
        Selection::Cni(CniVersion::V0_4_0) => Ok(Arc::new(Cni::usual("0.4.0")?)),
        Selection::Conflist(path) => Ok(Arc::new(Cni::of_file(path)?)),
        Selection::Plugin(program) => Plugin::ask(program)
            .map(|plugin| Arc::new(plugin) as Arc<dyn Adapter>)
            .map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_here_refuses_every_case_with_the_reason() {
        let candidate = Candidate {
            name: "docker".into(),
            selection: Selection::Docker,
            adapter: Err("'dockerd' is not installed".into()),
        };
        let reason = candidate.refuses(&[]);
        assert_eq!(reason.as_deref(), Some("'dockerd' is not installed"));
    }

    #[test]
    fn a_feature_that_is_not_claimed_is_named() {
        let native = Candidate {
            name: "native".into(),
            selection: Selection::Native(Faults::default()),
            adapter: Ok(Arc::new(Native::with(Faults::default()))),
        };
        assert_eq!(native.refuses(&[Feature::Bridge]), None);
        let reason = native.refuses(&[Feature::Bridge, Feature::Ipv6]);
        assert_eq!(reason.as_deref(), Some("native does not claim ipv6"));
    }

    #[test]
    fn a_selection_reads_what_it_writes() {
        for text in [
            "native",
            "recipe",
            "docker",
            "podman",
            "podman-cni",
            "netavark",
            "cni",
            "cni-0.4.0",
            "cni:./x.conflist",
            "plugin:./mine",
        ] {
            let read = text.parse::<Selection>().map(|s| s.to_string());
            assert_eq!(read.as_deref(), Ok(text));
        }
        assert!("plugin:".parse::<Selection>().is_err());
        assert!("dokcer".parse::<Selection>().is_err());
    }
}
