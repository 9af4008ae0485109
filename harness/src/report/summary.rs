//! The counts of a run, and the one word that they come to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CaseReport;
use crate::run::Outcome;

/// How many trials ended in which way. Nothing is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The path is the golden one and every expectation holds.
    pub passed: usize,
    /// The implementation did otherwise.
    pub failed: usize,
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
pub enum Conclusion {
    /// Every trial with level `must` passed, and none failed.
    Conformant,
    /// Nothing failed, but of what must hold not all was proven: something is not supported, disabled, an expected
    /// failure, or planned and not run here.
    Partial,
    /// Something failed.
    Failed,
    /// The harness or the machine broke, so not everything is known.
    Errored,
}

impl Summary {
    /// Counts outcomes.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut summary = Self::default();
        for outcome in outcomes {
            *summary.count(outcome) += 1;
        }
        summary
    }

    fn count(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::ExpectedFailure => &mut self.expected_failure,
            Outcome::NotSupported => &mut self.not_supported,
            Outcome::Disabled => &mut self.disabled,
            Outcome::Errored => &mut self.errored,
        }
    }

    /// How many ended so.
    pub fn of_outcome(mut self, outcome: Outcome) -> usize {
        *self.count(outcome)
    }

    /// All trials.
    pub fn total(&self) -> usize {
        let Self {
            passed,
            failed,
            expected_failure,
            not_supported,
            disabled,
            errored,
        } = self;
        passed + failed + expected_failure + not_supported + disabled + errored
    }
}

impl Conclusion {
    /// The conclusion from these trials, of `planned` ones.
    pub fn of(cases: &[CaseReport], planned: usize) -> Self {
        let any = |outcome| cases.iter().any(|case| case.outcome == outcome);
        let unproven = |case: &CaseReport| case.level == "must" && case.outcome != Outcome::Passed;
        if any(Outcome::Errored) {
            Self::Errored
        } else if any(Outcome::Failed) {
            Self::Failed
        } else if cases.is_empty() || cases.len() < planned || cases.iter().any(unproven) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_must_that_is_not_supported_makes_the_run_partial() {
        let mut cases = vec![sample::report().cases.swap_remove(1)];
        assert_eq!(Conclusion::of(&cases, 1), Conclusion::Conformant);
        cases[0].outcome = Outcome::NotSupported;
        assert_eq!(Conclusion::of(&cases, 1), Conclusion::Partial);
        cases[0].level = String::from("may");
        assert_eq!(Conclusion::of(&cases, 1), Conclusion::Conformant);
    }

    #[test]
    fn what_was_planned_and_not_run_makes_the_run_partial() {
        let cases = vec![sample::report().cases.swap_remove(1)];
        assert_eq!(Conclusion::of(&cases, 2), Conclusion::Partial);
        assert_eq!(Conclusion::of(&[], 0), Conclusion::Partial);
    }
}
