//! A saved trial, judged again.

use super::{Judgement, Outcome, ProbeRecord, Recording};
use crate::case::Case;
use crate::finding::{Defect, Finding, What};
use crate::golden::Golden;
use crate::path::Drawing;

/// What comes of a saved trial.
#[derive(Debug)]
pub struct Replayed {
    /// How it ends.
    pub outcome: Outcome,
    /// What is found.
    pub findings: Vec<Finding>,
    /// What the golden holds.
    pub drawing: Drawing,
    /// The paths with their real names and rules.
    pub detail: Drawing,
    /// The probes in order.
    pub probes: Vec<ProbeRecord>,
}

/// Judges a saved trial of this case; `golden` is none where it is not to be compared, and `Some(None)` where there is none.
pub fn replay(recording: &Recording, case: &Case, golden: Option<Option<&Golden>>) -> Replayed {
    let mut judgement = Judgement::default();
    for seen in &recording.seen {
        judgement.take(case, seen);
    }
    // A trial that broke was not compared.
    if let Some(golden) = golden
        && judgement.outcome() != Outcome::Errored
        && !recording.was_refused()
    {
        judgement.compare(case, golden);
    }
    let (mut outcome, mut findings) = (judgement.outcome(), judgement.findings());
    if let Some(defect) = &recording.defect {
        let has_probes = !judgement.probes.is_empty();
        hold_against(defect, &mut outcome, &mut findings, has_probes);
    }
    Replayed {
        outcome,
        findings,
        drawing: judgement.drawing,
        detail: judgement.detail,
        probes: judgement.probes,
    }
}

/// A known defect that shows itself is no news; one that doesn't is.
pub fn hold_against(
    defect: &Defect,
    outcome: &mut Outcome,
    findings: &mut Vec<Finding>,
    has_probes: bool,
) {
    let defect = defect.clone();
    match outcome {
        // Without a probe it failed for another reason: set-up broke.
        Outcome::Failed if has_probes => {
            // Its table is another matter, and has entries of its own.
            if !findings.iter().any(Finding::is_undeclared) {
                *outcome = Outcome::ExpectedFailure;
            }
            findings.insert(0, Finding::of(What::Known(defect)));
        }
        Outcome::Passed => {
            *outcome = Outcome::Failed;
            findings.push(Finding::of(What::Stale(defect)));
        }
        _ => {}
    }
}
