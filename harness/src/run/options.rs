//! How trials run.

use std::path::PathBuf;

use super::{Rerun, Watch};
use crate::finding::Finding;

/// What is done with the golden of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoldenUse {
    /// Compare; what differs or is new is written beside it as pending.
    Compare,
    /// Compare, and write nothing: for machines that nobody reviews on.
    CompareOnly,
    /// Leave it alone: what was seen is for the caller.
    Ignore,
}

impl GoldenUse {
    /// CI never writes goldens, as insta has it.
    pub fn from_environment() -> Self {
        match std::env::var("CI") {
            Ok(value) if !["", "0", "false"].contains(&value.as_str()) => Self::CompareOnly,
            _ => Self::Compare,
        }
    }
}

/// Which tables of a contract are asked: where a step says so, and after the last step if none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// None of them.
    None,
    /// Those up to the first in which something differs that nobody has declared, and that only once: for many trials of
    /// which is asked whether something differs.
    ToTheFirst,
    /// The same, and the first rules that differ are asked again alone, with their paths: for what is reported of many trials.
    ToTheFirstWithPaths,
    /// All of them. What differs is asked again alone, with its path.
    All,
    /// None of these, but after set-up and each event what is answered as it must be, once more for each rule that the
    /// implementation has installed, without that rule. What came of it is no outcome: [`TrialResult::tried`](super::TrialResult::tried).
    WithoutEachRule,
}

/// How trials run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the goldens.
    pub golden: PathBuf,
    /// Folder for the evidence of failures, `None` to keep none.
    pub evidence: Option<PathBuf>,
    /// Folder for recordings of all trials, `None` to keep none.
    pub record: Option<PathBuf>,
    /// What is done with goldens.
    pub golden_use: GoldenUse,
    /// Whether the lab is watched.
    pub watch: Watch,
    /// Which of contracts' tables are asked.
    pub tables: Tables,
    /// Whether what came of each of their questions is kept.
    pub answers: bool,
    /// How a person runs one trial again.
    pub rerun: Rerun,
    /// Makes words of findings, for the evidence folder.
    pub words: fn(&[Finding]) -> String,
}

impl Options {
    /// Trials that are looked at and leave nothing: no golden is read, no evidence kept, no table asked. What differs from
    /// that, a caller says.
    pub fn unsaved(rerun: Rerun, words: fn(&[Finding]) -> String) -> Self {
        Self {
            golden: PathBuf::new(),
            evidence: None,
            record: None,
            golden_use: GoldenUse::Ignore,
            watch: Watch::All,
            tables: Tables::None,
            answers: false,
            rerun,
            words,
        }
    }
}
