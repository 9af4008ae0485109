//! The counts of a run, and the one word that they come to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CaseReport, Outcome};

/// How many trials ended in which way. Nothing is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Summary {
    /// The path is the golden one and every expectation holds.
    pub passed: usize,
    /// The implementation did otherwise, in a case of level `must`.
    pub failed: usize,
    /// The implementation did otherwise, in a case of level `should` or `may`: there may be good reasons for it.
    #[serde(default)]
    pub recommendations_not_kept: usize,
    /// Failed as declared.
    pub expected_failure: usize,
    /// A required feature is not claimed.
    pub not_supported: usize,
    /// Switched off by the person who runs it.
    pub disabled: usize,
    /// The harness or the machine broke.
    pub errored: usize,
}

/// The run in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Conclusion {
    /// Every trial with level `must` passed. Recommendations may not be kept; the summary counts those.
    Conformant,
    /// Nothing failed, but of what must hold not all was proven: something is not supported, disabled, an expected
    /// failure, or planned and not run here.
    Partial,
    /// Something failed that must hold; in a strict run also a recommendation that is not kept.
    Failed,
    /// The harness or the machine broke, so not everything is known.
    Errored,
}

impl Summary {
    /// Counts trials.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a CaseReport>) -> Self {
        let mut summary = Self::default();
        for case in cases {
            *match case.outcome {
                Outcome::Passed => &mut summary.passed,
                Outcome::Failed if case.is_recommendation() => {
                    &mut summary.recommendations_not_kept
                }
                Outcome::Failed => &mut summary.failed,
                Outcome::ExpectedFailure => &mut summary.expected_failure,
                Outcome::NotSupported => &mut summary.not_supported,
                Outcome::Disabled => &mut summary.disabled,
                Outcome::Errored => &mut summary.errored,
            } += 1;
        }
        summary
    }

    /// Whether there were trials, and none of them could be put to anybody.
    pub fn asked_nothing(self) -> bool {
        self.not_supported > 0 && self.not_supported == self.total()
    }

    /// How many ended so, without recommendations that are not kept.
    pub fn of_outcome(self, outcome: Outcome) -> usize {
        match outcome {
            Outcome::Passed => self.passed,
            Outcome::Failed => self.failed,
            Outcome::ExpectedFailure => self.expected_failure,
            Outcome::NotSupported => self.not_supported,
            Outcome::Disabled => self.disabled,
            Outcome::Errored => self.errored,
        }
    }

    /// All trials.
    pub fn total(&self) -> usize {
        let Self {
            passed,
            failed,
            recommendations_not_kept,
            expected_failure,
            not_supported,
            disabled,
            errored,
        } = self;
        let failed = failed + recommendations_not_kept;
        passed + failed + expected_failure + not_supported + disabled + errored
    }
}

impl Conclusion {
    /// The conclusion from these trials, of `planned` ones. A strict run also fails by a recommendation.
    pub fn of<'a, Cases>(cases: Cases, planned: usize, strict: bool) -> Self
    where
        Cases: IntoIterator<Item = &'a CaseReport> + Clone,
    {
        let summary = Summary::of(cases.clone());
        let run = summary.total();
        let unproven =
            |case: &CaseReport| !case.is_recommendation() && case.outcome != Outcome::Passed;
        if summary.errored > 0 {
            Self::Errored
        } else if summary.failed > 0 || (strict && summary.recommendations_not_kept > 0) {
            Self::Failed
        } else if run == 0 || run < planned || cases.into_iter().any(unproven) {
            Self::Partial
        } else {
            Self::Conformant
        }
    }
}

impl std::fmt::Display for Conclusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Conformant => "conformant",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Errored => "errored",
        })
    }
}
