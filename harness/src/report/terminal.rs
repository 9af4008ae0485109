//! What a person sees while and after a run.

use std::fmt::Write as _;

use super::{CaseReport, Report};
use crate::run::Outcome;

/// One trial's line, and below it why it did not pass.
pub fn trial_line(case: &CaseReport) -> String {
    let backend = case.backend.as_deref().unwrap_or(&case.implementation);
    let mut text = format!(
        "{:16}  {}  {backend}  {:.0} ms\n",
        case.outcome.to_string(),
        case.id,
        case.duration_ms
    );
    for line in case.message.lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// The closing line: all outcomes are counted, those that did not happen are left out, except `passed` and `failed`.
pub fn summary_line(report: &Report) -> String {
    let summary = report.summary;
    let counts = [
        (summary.passed, Outcome::Passed),
        (summary.failed, Outcome::Failed),
        (summary.expected_failure, Outcome::ExpectedFailure),
        (summary.not_supported, Outcome::NotSupported),
        (summary.disabled, Outcome::Disabled),
        (summary.errored, Outcome::Errored),
    ];
    let always = [Outcome::Passed, Outcome::Failed];
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, outcome)| *count > 0 || always.contains(outcome))
        .map(|(count, outcome)| format!("{count} {outcome}"))
        .collect();
    words.join(", ")
}
