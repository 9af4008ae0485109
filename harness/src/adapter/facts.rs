//! What goldpath has to know of an implementation before it asks it for anything. The value stands beside its adapter;
//! [`registry`](super::registry) has the list of all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::part::by_option;
use super::{Adapter, Implementation, Selection, Versions};
use crate::case::Feature;

/// An implementation, as data.
#[derive(Debug)]
pub struct Facts {
    /// Its name on the command line.
    pub name: &'static str,
    /// How declared defects and kept state call it: `cni` for each chain of CNI plugins.
    pub kind: &'static str,
    /// What may follow its name after a colon.
    pub argument: Argument,
    /// Its programs; the first tells the version. One without programs has no builds to choose from.
    pub programs: &'static [Needed],
    /// What the harness itself needs of the machine to ask it.
    pub harness: &'static [Needed],
    /// Folders in which it keeps state: each lab has empty ones.
    pub state_folders: &'static [&'static str],
    /// Tables and chains of its own, with `*` for any text.
    pub own: Own,
    /// Features that it lacks, of those that an adapter claims as a whole.
    pub lacks: &'static [Lack],
    /// Those of its programs that do not run, as its options and versions are.
    pub idle: fn(&Implementation) -> Vec<&'static str>,
    /// What an engine option of it is; none if it takes none.
    pub option: Option<&'static str>,
    /// Looks for it.
    pub find: fn(&Selection) -> Found,
}

/// An adapter, or what is missing and how to get it.
pub type Found = Result<Arc<dyn Adapter>, String>;

/// What may follow a name after a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// It may be told more.
    Optional(&'static str),
    /// There is no implementation without it.
    Required(&'static str),
}

/// Tables and chains that an implementation calls its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Own {
    /// nftables tables, as `inet netavark`.
    pub tables: &'static [&'static str],
    /// Chains, in whatever table.
    pub chains: &'static [&'static str],
}

/// A program that an implementation needs.
#[derive(Debug, Clone, Copy)]
pub struct Needed {
    /// Its name.
    pub program: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
    /// Folders in which the implementation looks for it; PATH if there are none.
    pub folders: &'static [&'static str],
    /// Whether it can do without.
    pub is_optional: bool,
    /// Asks the program at this path for its version.
    pub ask: fn(&Path) -> String,
}

impl Needed {
    /// A program in PATH that says its version by `--version`.
    pub const fn new(program: &'static str, package: &'static str) -> Self {
        Self {
            program,
            package,
            folders: &[],
            is_optional: false,
            ask: |path| by_option(path, "--version"),
        }
    }

    /// One that is there in some releases or for some options only.
    pub const fn optional(self) -> Self {
        Self {
            is_optional: true,
            ..self
        }
    }

    /// One that is looked for in these folders.
    pub const fn within(self, folders: &'static [&'static str]) -> Self {
        Self { folders, ..self }
    }

    /// One that says its version in another way.
    pub const fn asked(self, ask: fn(&Path) -> String) -> Self {
        Self { ask, ..self }
    }

    /// What to type where it is missing.
    pub fn missing(&self) -> String {
        let Self {
            program, package, ..
        } = self;
        format!("'{program}' is not installed; please run: sudo apt-get install {package}")
    }
}

/// A feature that an implementation lacks.
#[derive(Debug, Clone, Copy)]
pub struct Lack {
    /// The feature.
    pub feature: Feature,
    /// Versions of a program in which it is lacking, as `("netavark", "<1.9")`; all if absent.
    pub versions: Option<(&'static str, &'static str)>,
    /// The program without which it is lacking, as `iptables` where the firewall driver is another one.
    pub without: Option<&'static str>,
    /// Why, or where that is documented.
    pub why: &'static str,
}

impl Lack {
    /// A feature that is lacking in every version.
    pub const fn of(feature: Feature, why: &'static str) -> Self {
        Self {
            feature,
            versions: None,
            without: None,
            why,
        }
    }

    /// One that is lacking in these versions of a program.
    pub const fn in_versions(self, program: &'static str, versions: &'static str) -> Self {
        Self {
            versions: Some((program, versions)),
            ..self
        }
    }

    /// One that is lacking where this program takes no part.
    pub const fn without(self, program: &'static str) -> Self {
        Self {
            without: Some(program),
            ..self
        }
    }

    fn holds(&self, found: &Implementation) -> bool {
        let in_version = self.versions.is_none_or(|(program, range)| {
            // A test reads the ranges: they are well-formed.
            Versions::try_from(range.to_owned())
                .is_ok_and(|range| range.contain(found.version_of(program)))
        });
        let takes_part = |program: &str| found.running().any(|(name, _)| name == program);
        in_version && self.without.is_none_or(|program| !takes_part(program))
    }
}

impl Facts {
    /// Every feature that is not lacking in what was found.
    pub fn features(&self, found: &Implementation) -> BTreeSet<Feature> {
        let lacks = self.lacks.iter().filter(|lack| lack.holds(found));
        let lacking: Vec<Feature> = lacks.map(|lack| lack.feature).collect();
        Feature::all_but(&lacking)
    }

    /// Whether there is one without anything after a colon.
    pub fn is_whole(&self) -> bool {
        !matches!(self.argument, Argument::Required(_))
    }
}

/// Where this machine has what the harness needs.
///
/// # Errors
/// It is missing, and what brings it.
pub(super) fn must_have(needed: &Needed) -> Result<PathBuf, String> {
    crate::program::find_program(needed.program).map_err(|_| needed.missing())
}
