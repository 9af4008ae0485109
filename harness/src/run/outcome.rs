//! What came of a trial.

use goldpath_report::AnswersReport;
use std::time::Duration;

use super::{RuleTried, RunError, Timings};
use crate::case::Level;
use crate::finding::{Finding, What};
use crate::judge::{Outcome, ProbeRecord};
use crate::path::Drawing;

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
    /// Rules of the implementation that were taken away for a while, where that was asked for.
    pub tried: Vec<RuleTried>,
    /// What came of each question of its tables, where that was asked for.
    pub answers: Vec<AnswersReport>,
    /// SHA-256 of the golden that the paths were compared with.
    pub golden_sha256: Option<String>,
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
            tried: Vec::new(),
            answers: Vec::new(),
            golden_sha256: None,
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
