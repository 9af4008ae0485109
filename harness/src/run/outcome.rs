//! What came of a trial. Results are outcomes; a verdict is netfilter's word and nothing else.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunError, Timings};
use crate::case::Level;
use crate::finding::{Finding, What};
use crate::path::{Drawing, Line, PacketPath};

/// How a trial ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The path is the golden one and every expectation holds.
    Passed,
    /// The implementation did otherwise.
    Failed,
    /// It failed as declared, with an issue or CVE id.
    ExpectedFailure,
    /// The implementation does not claim a feature that the case requires.
    NotSupported,
    /// Switched off by the person who runs it.
    Disabled,
    /// The harness or the machine broke; nothing is known about the implementation.
    Errored,
}

impl Outcome {
    /// Every outcome, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Passed,
        Self::Failed,
        Self::ExpectedFailure,
        Self::NotSupported,
        Self::Disabled,
        Self::Errored,
    ];

    /// A sign of one column; tables say the word with it or in a legend.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Failed => "✗",
            Self::ExpectedFailure => "≈",
            Self::NotSupported => "○",
            Self::Disabled => "⊘",
            Self::Errored => "!",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::ExpectedFailure => "expected-failure",
            Self::NotSupported => "not-supported",
            Self::Disabled => "disabled",
            Self::Errored => "errored",
        })
    }
}

/// One probe of a trial and the path that it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// Heading, as `c1 → 8.8.8.8  icmp echo`.
    pub title: String,
    /// Its path.
    pub path: PacketPath,
    /// The path as the golden shows it: by roles in a contract.
    pub drawn: Vec<Line>,
}

/// The result of one trial: one case on one back end or implementation.
#[derive(Debug, Clone)]
pub struct TrialResult {
    /// How it ended.
    pub outcome: Outcome,
    /// How strongly what it failed by binds: the case's level, or less if nothing but questions of weaker rules differ.
    pub level: Level,
    /// Why it did not pass, and what must not be hidden where it did.
    pub findings: Vec<Finding>,
    /// What the golden holds, as seen, as far as the trial got.
    pub drawing: Drawing,
    /// The paths with their real names and rules.
    pub detail: Drawing,
    /// Probes in order.
    pub probes: Vec<ProbeRecord>,
    /// Folder with the evidence, if it was saved.
    pub evidence: Option<std::path::PathBuf>,
    /// The command line that runs this trial again.
    pub rerun: String,
    /// Wall-clock time of the trial.
    pub duration: Duration,
    /// Where it went.
    pub timings: Timings,
}

impl TrialResult {
    /// A result of a trial that did not run, and why.
    pub fn without_run(outcome: Outcome, why: What) -> Self {
        Self {
            outcome,
            level: Level::Must,
            findings: vec![Finding::of(why)],
            drawing: Drawing::default(),
            detail: Drawing::default(),
            probes: Vec::new(),
            evidence: None,
            rerun: String::new(),
            duration: Duration::ZERO,
            timings: Timings::default(),
        }
    }

    /// A result of a trial that broke before its first step.
    pub fn errored(error: &RunError) -> Self {
        let said = error.to_string();
        match error {
            RunError::Implementation(_) => {
                Self::without_run(Outcome::Failed, What::Implementation { said })
            }
            _ => Self::without_run(Outcome::Errored, What::Broken { said }),
        }
    }
}
