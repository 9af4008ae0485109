//! Faults of the native implementation as mutants: each must fail the cases that it declares, and no others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapter::native::Fault;
use crate::finding::Finding;
use crate::run::{Outcome, TrialResult};

/// What a fault is held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultReport {
    /// Its name, as `no-masquerade`.
    pub name: String,
    /// What it does, in one sentence.
    pub what: String,
    /// An issue, a CVE or a text that tells of the real thing.
    pub bug: String,
    /// The cases that must catch it.
    pub cases: Vec<String>,
}

impl From<Fault> for FaultReport {
    fn from(fault: Fault) -> Self {
        Self {
            name: fault.to_string(),
            what: fault.what().to_owned(),
            bug: fault.bug().to_owned(),
            cases: fault.cases().to_vec(),
        }
    }
}

/// One fault's result.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ScoredFault {
    /// What was planted.
    pub fault: FaultReport,
    /// Cases that failed, with what they found.
    pub failed: Vec<FailedCase>,
    /// Declared cases that did not fail.
    pub missing: Vec<String>,
    /// Cases that failed and are not declared.
    pub extra: Vec<String>,
    /// Cases that broke, so that nothing is known.
    pub errored: Vec<FailedCase>,
}

/// A case that noticed a fault.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FailedCase {
    /// The case's id.
    pub case: String,
    /// What it found.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

impl ScoredFault {
    /// Holds what the cases said against what the fault declares. Only declared cases among `chosen` count as missing, so
    /// that a part of the contract can be asked alone; one that does not exist is always missing.
    pub fn of<'a>(
        fault: Fault,
        results: impl Iterator<Item = (&'a str, &'a TrialResult)>,
        left_out: &[&str],
    ) -> Self {
        let results: Vec<(&str, &TrialResult)> = results.collect();
        let with = |outcome: Outcome| -> Vec<FailedCase> {
            let with = results.iter().filter(|(_, one)| one.outcome == outcome);
            with.map(|(case, result)| FailedCase {
                case: (*case).to_owned(),
                findings: result.findings.clone(),
            })
            .collect()
        };
        let (failed, errored) = (with(Outcome::Failed), with(Outcome::Errored));
        let declared = FaultReport::from(fault);
        let has_failed = |id: &str| failed.iter().any(|one| one.case == id);
        let missing = declared.cases.iter();
        let missing = missing.filter(|id| !has_failed(id) && !left_out.contains(&id.as_str()));
        let extra = failed.iter().map(|one| &one.case);
        let extra = extra.filter(|id| !declared.cases.contains(id));
        Self {
            missing: missing.cloned().collect(),
            extra: extra.cloned().collect(),
            failed,
            errored,
            fault: declared,
        }
    }

    /// Whether nothing noticed it.
    pub fn survived(&self) -> bool {
        self.failed.is_empty()
    }

    /// Whether it failed what it declares, and nothing else.
    pub fn caught(&self) -> bool {
        let right = self.missing.is_empty() && self.extra.is_empty() && self.errored.is_empty();
        right && !self.survived()
    }
}

/// The score of a run over faults.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct FaultScore {
    /// Faults that failed what they declare, and nothing else.
    pub caught: usize,
    /// All faults that ran.
    pub all: usize,
    /// Every fault.
    pub faults: Vec<ScoredFault>,
}

impl FaultScore {
    /// Counts results.
    pub fn of(faults: Vec<ScoredFault>) -> Self {
        Self {
            caught: faults.iter().filter(|fault| fault.caught()).count(),
            all: faults.len(),
            faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::What;

    fn result(outcome: Outcome) -> TrialResult {
        TrialResult::without_run(outcome, What::NoGolden)
    }

    #[test]
    fn a_fault_is_caught_by_the_declared_cases_and_no_others() {
        let (failed, passed) = (result(Outcome::Failed), result(Outcome::Passed));
        let declared = Fault::StaticAddressIgnored.cases();
        let right: Vec<_> = declared.iter().map(|id| (id.as_str(), &failed)).collect();
        let score = |results: &[(&'static str, &TrialResult)]| {
            ScoredFault::of(Fault::StaticAddressIgnored, results.iter().copied(), &[])
        };
        assert!(score(&right).caught());
        let one_passed: Vec<_> = right.iter().map(|(id, _)| (*id, &passed)).collect();
        assert_eq!(score(&one_passed).missing, declared);
        let more: Vec<_> = right.into_iter().chain([("x/y", &failed)]).collect();
        assert_eq!(score(&more).extra, ["x/y"]);
        let broken = result(Outcome::Errored);
        let right = declared.iter().map(|id| (id.as_str(), &failed));
        let one_broken: Vec<_> = right.chain([("x/y", &broken)]).collect();
        assert!(!score(&one_broken).caught(), "nothing is known of x/y");
    }

    #[test]
    fn what_was_left_out_is_not_missing() {
        let declared = Fault::StaticAddressIgnored.cases().iter();
        let left_out: Vec<&str> = declared.map(String::as_str).collect();
        let scored = ScoredFault::of(Fault::StaticAddressIgnored, [].into_iter(), &left_out);
        assert!(scored.missing.is_empty() && scored.survived());
    }
}
