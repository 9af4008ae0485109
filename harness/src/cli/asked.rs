//! Which implementations contract cases are put to, in the same words for every verb.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::declared;
use crate::adapter::native::{Fault, Faults};
use crate::adapter::{Asked, Candidate, EngineOption, Selection};
use crate::case::{Case, CaseKind};
use crate::run::TrialId;

/// Implementations, and how they differ from what is installed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Implementations {
    /// Run contract cases against this implementation. May be given several times; the default is `native`. `NAME=PATH` is
    /// another build: a program, a folder of programs, or the tree of another system. One that is not installed is an
    /// error; with `all`, its trials are listed as not supported.
    #[arg(short, long, value_name = "NAME")]
    pub implementation: Vec<Asked>,
    /// Give an engine one of its own options, such as `docker=--userland-proxy=false` or
    /// `podman=firewall_driver=nftables`. May be given several times. `-i 'NAME{OPTION}'` does so for one column.
    #[arg(long, value_name = "NAME=OPTION")]
    pub engine_option: Vec<EngineOption>,
    /// Plant a known bug in the native implementation, to see it caught. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub fault: Vec<Fault>,
    /// Known defects of your own beside goldpath's, in the format of harness/src/adapter/expected.toml; may be given several
    /// times. `implementations` names what was asked for, or what a plugin or conflist calls itself.
    #[arg(long, value_name = "FILE")]
    pub expected: Vec<PathBuf>,
    /// What your implementations keep after teardown, in the format of harness/src/adapter/kept.toml; may be given several
    /// times.
    #[arg(long, value_name = "FILE")]
    pub kept: Vec<PathBuf>,
}

impl Implementations {
    /// Whether there is a native implementation to plant faults in, and a contract case to notice them.
    pub(super) fn must_mean_something(&self, cases: &[Arc<Case>]) -> Result<(), String> {
        let Some(fault) = self.fault.first() else {
            return Ok(());
        };
        let what = format!("--fault {fault} plants bugs in the native implementation");
        if cases
            .iter()
            .all(|case| matches!(case.kind, CaseKind::Recipe { .. }))
        {
            return Err(format!(
                "{what}, and no contract case is chosen that could notice it; goldpath faults lists which do"
            ));
        }
        let is_native = |one: &Asked| match one {
            Asked::All => true,
            Asked::One(selection) => selection.is_native(),
        };
        if !self.implementation.is_empty() && !self.implementation.iter().any(is_native) {
            return Err(format!("{what}, and it is not asked for; add: -i native"));
        }
        Ok(())
    }

    /// These, or where none is asked for the ones that patterns `CASE::SUBJECT/FAMILY` name.
    pub(super) fn or_named_by(&self, patterns: &[String]) -> Self {
        let mut asked = self.clone();
        if asked.are_absent() {
            let ids = patterns
                .iter()
                .filter_map(|one| one.parse::<TrialId>().ok());
            let named = ids.filter_map(|id| id.subject.parse::<Selection>().ok());
            asked.implementation = named.map(Asked::One).collect();
        }
        asked
    }

    /// Files that were named: conflists, plugins, other builds.
    pub(super) fn files(&self) -> Vec<&Path> {
        let asked = self.implementation.iter();
        let named = asked.filter_map(|one| match one {
            Asked::All => None,
            Asked::One(selection) => Some([&selection.argument, &selection.build]),
        });
        let declared = self.expected.iter().chain(&self.kept);
        let named = named.flatten().flatten().map(Path::new);
        named.chain(declared.map(PathBuf::as_path)).collect()
    }

    /// Whether nothing is asked for.
    pub(super) fn are_absent(&self) -> bool {
        self.implementation.is_empty() && self.engine_option.is_empty() && self.fault.is_empty()
    }

    /// What the command line asks for, `native` if nothing. What is asked for by name must be there. Called inside the
    /// sandbox, since a plugin is asked who it is.
    pub(super) fn find(&self) -> Result<Vec<Candidate>, String> {
        let mut found = Vec::new();
        let declared = Arc::new(declared::read(&self.expected, &self.kept)?);
        for (selection, must_be_here) in self.selections()? {
            let candidate = Candidate {
                declared: Arc::clone(&declared),
                ..Candidate::find(&selection)
            };
            if let (true, Err(reason)) = (must_be_here, &candidate.adapter) {
                let is_plugin = selection.to_string().starts_with("plugin:");
                let next = match (&selection.argument, is_plugin) {
                    (Some(_), true) => "goldpath init plugin, which writes a plugin that passes",
                    (Some(path), false) if !Path::new(path).exists() => "name a file that is there",
                    _ => "goldpath doctor, which lists what there is",
                };
                return Err(format!(
                    "implementation {selection}: {reason}\nnext: {next}"
                ));
            }
            found.push(candidate);
        }
        Ok(found)
    }

    /// What the command line asks for, each once, and whether it is asked for by its name.
    pub(super) fn selections(&self) -> Result<Vec<(Selection, bool)>, String> {
        let faults: Faults = self.fault.iter().copied().collect();
        let native = [Asked::One(Selection::native(&Faults::default()))];
        let asked = match self.implementation.as_slice() {
            [] => native.as_slice(),
            some => some,
        };
        let mut all: Vec<(Selection, bool)> = Vec::new();
        for one in asked {
            let (selections, is_named) = match one {
                Asked::All => (Selection::all(), false),
                Asked::One(selection) => (vec![selection.clone()], true),
            };
            for selection in selections {
                let selection = self.with_options(selection.with_faults(&faults))?;
                let name = selection.to_string();
                // Asked for twice, it would have each trial twice.
                if all.iter().all(|(one, _)| one.to_string() != name) {
                    all.push((selection, is_named));
                }
            }
        }
        let is_asked = |option: &&EngineOption| {
            let mut names = all.iter().map(|(one, _)| one.facts.name);
            names.any(|name| name == option.engine)
        };
        match self.engine_option.iter().find(|option| !is_asked(option)) {
            Some(option) => Err(format!(
                "--engine-option {option}: please add -i {}, nothing else has the option",
                option.engine
            )),
            None => Ok(all),
        }
    }

    fn with_options(&self, selection: Selection) -> Result<Selection, String> {
        let engine = selection.facts.name;
        let own = self.engine_option.iter();
        own.filter(|option| option.engine == engine)
            .try_fold(selection, |selection, option| {
                selection.with_option(&option.option)
            })
            .map_err(|error| error.to_string())
    }
}
