//! The article's claims and what the run says about them.

use std::fmt::Write as _;

use super::{CaseReport, Report};
use crate::case::Claim;
use crate::run::Outcome;

/// What the evidence says about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Every case that checks it passed.
    Holds,
    /// A case that refutes it passed.
    DoesNotHold,
    /// A case about it did not pass.
    Unproven,
    /// No case about it ran.
    NotAsked,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Unproven => "unproven",
            Self::NotAsked => "not asked",
        })
    }
}

/// What this run says about a claim, and the ids of the cases that say it.
pub fn standing(report: &Report, claim: Claim) -> (Standing, Vec<&str>) {
    let word = claim.as_str();
    let about = |case: &CaseReport| {
        case.checks
            .iter()
            .chain(&case.refutes)
            .any(|claim| claim == word)
    };
    let cases: Vec<&CaseReport> = report.cases.iter().filter(|case| about(case)).collect();
    let refuting = |case: &CaseReport| case.refutes.iter().any(|claim| claim == word);
    let passed = |case: &CaseReport| case.outcome == Outcome::Passed;
    let standing = if cases.is_empty() {
        Standing::NotAsked
    } else if !cases.iter().all(|case| passed(case)) {
        Standing::Unproven
    } else if cases.iter().any(|case| refuting(case)) {
        Standing::DoesNotHold
    } else {
        Standing::Holds
    };
    let mut ids: Vec<&str> = cases
        .iter()
        .filter(|case| match standing {
            Standing::DoesNotHold => refuting(case),
            Standing::Unproven => !passed(case),
            Standing::Holds | Standing::NotAsked => true,
        })
        .map(|case| case.id.as_str())
        .collect();
    ids.dedup();
    (standing, ids)
}

/// The table of claims, empty if no case of the run is about any.
pub fn claims_table(report: &Report) -> String {
    let mut text = String::new();
    let asked = Claim::ALL
        .iter()
        .any(|claim| standing(report, *claim).0 != Standing::NotAsked);
    if !asked {
        return text;
    }
    text.push_str("the article's claims\n");
    for claim in Claim::ALL {
        let (standing, ids) = standing(report, *claim);
        let _ = writeln!(
            text,
            "  {:4} {standing:14} {}",
            claim.as_str(),
            claim.text()
        );
        for id in ids {
            let _ = writeln!(text, "       {:14} {id}", "");
        }
    }
    text
}
