//! What a person sees while and after a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{CaseReport, Matrix, Report};
use crate::run::Outcome;

/// One trial's line, and below it why it did not pass.
pub fn trial_line(case: &CaseReport) -> String {
    let level = if case.is_not_kept() {
        format!("  (level {}: a recommendation)", case.level)
    } else {
        String::new()
    };
    let mut text = format!(
        "{:16}  {}  {:.0} ms{level}\n",
        case.outcome.to_string(),
        case.trial(),
        case.duration_ms
    );
    for line in case.message.lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// The closing line: all outcomes are counted, those that did not happen are left out, except `passed` and `failed`. Then
/// how many recommendations were not kept, if any.
pub fn summary_line(report: &Report) -> String {
    let summary = report.summary;
    let counts = Outcome::ALL.map(|outcome| (summary.of_outcome(outcome), outcome));
    let always = [Outcome::Passed, Outcome::Failed];
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, outcome)| *count > 0 || always.contains(outcome))
        .map(|(count, outcome)| format!("{count} {outcome}"))
        .collect();
    let mut line = words.join(", ");
    if summary.recommendations_not_kept > 0 {
        let count = summary.recommendations_not_kept;
        let _ = write!(line, "; recommendations not kept: {count}");
    }
    line
}

/// How many trials were not run because their engine cannot start, a line for each engine.
pub fn not_run_lines(report: &Report) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in report.cases.iter().filter(|case| case.is_not_run()) {
        *counts.entry(&case.implementation).or_default() += 1;
    }
    let lines = counts.iter().map(|(name, count)| {
        format!(
            "{name} cannot start on this machine: {count} more trials errored, none of them run\n"
        )
    });
    lines.collect()
}

/// Who was asked nothing, and why not the first case, a line for each.
pub fn unasked_lines(report: &Report) -> String {
    let mut first: BTreeMap<&str, Option<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        let kept = first.entry(&case.implementation).or_insert(Some(case));
        if case.outcome != Outcome::NotSupported {
            *kept = None;
        }
    }
    let unasked = first.into_values().flatten();
    unasked
        .map(|case| {
            let (name, id, reason) = (&case.implementation, &case.id, &case.message);
            format!("nothing was put to {name}: {id}: {reason}\n")
        })
        .collect()
}

/// Cases by implementations, one symbol a cell; empty where there is nothing to compare.
pub fn matrix_table(report: &Report) -> String {
    let matrix = Matrix::of(report);
    let mut text = String::new();
    if matrix.columns.len() < 2 {
        return text;
    }
    let ids = matrix.rows.iter().map(|row| row.id.chars().count());
    let width = ids.max().unwrap_or(0);
    for (position, column) in matrix.columns.iter().enumerate() {
        let _ = writeln!(text, "{:width$}  {}{column}", "", "│ ".repeat(position));
    }
    for row in &matrix.rows {
        let cells: Vec<&str> = row
            .cells
            .iter()
            .map(|cell| cell.map_or("·", |case| case.outcome.symbol()))
            .collect();
        let _ = writeln!(text, "{:width$}  {}", row.id, cells.join(" "));
    }
    let legend = Outcome::ALL.map(|outcome| format!("{} {outcome}", outcome.symbol()));
    let _ = writeln!(text, "{}  · no such trial", legend.join("  "));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_recommendation_that_is_not_kept_is_no_failure() {
        let report = sample::report();
        let line = summary_line(&report);
        assert!(line.contains("1 failed,"), "{line}");
        assert!(line.ends_with("; recommendations not kept: 1"), "{line}");
        let advice = report.cases.iter().find(|case| case.is_not_kept());
        let line = advice.map(trial_line).unwrap_or_default();
        assert!(line.contains("(level should: a recommendation)"), "{line}");
    }

    #[test]
    fn the_table_has_a_symbol_for_each_trial() {
        insta::assert_snapshot!(matrix_table(&sample::report()));
    }
}
