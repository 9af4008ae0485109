//! The table of what the suite notices of mutants and faults.

use std::fmt::Write as _;

use crate::mutate::Scores;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScoreRow {
    /// What is broken.
    pub(super) what: &'static str,
    /// How many were caught, where that is asked.
    pub(super) caught: Option<usize>,
    /// Of how many.
    pub(super) all: usize,
    /// Those that were not caught, by name.
    pub(super) survivors: Vec<String>,
}

/// Both scores, line by line.
pub(super) fn score_rows(scores: &Scores) -> Vec<ScoreRow> {
    let mut rows = Vec::new();
    let counted = |what, all| ScoreRow {
        what,
        caught: None,
        all,
        survivors: Vec::new(),
    };
    if let Some(score) = &scores.recipes {
        let names = score.survivors().map(|one| {
            let change = &one.change;
            format!("{}:{} {}", change.case, change.line, change.operator)
        });
        rows.push(ScoreRow {
            what: "recipes",
            caught: Some(score.caught),
            all: score.all,
            survivors: names.collect(),
        });
        rows.push(counted("declared equivalent", score.equivalent));
        rows.push(counted("refused as no network at all", score.invalid));
    }
    if let Some(score) = &scores.faults {
        let left = score.faults.iter().filter(|one| !one.caught());
        rows.push(ScoreRow {
            what: "faults",
            caught: Some(score.caught),
            all: score.all,
            survivors: left.map(|one| one.fault.name.clone()).collect(),
        });
    }
    rows
}

/// Both scores as a table, which is also Markdown.
pub fn score_table(scores: &Scores) -> String {
    let mut text = String::from(
        "| what is broken | caught | of all | survivors |\n| --- | ---: | ---: | --- |\n",
    );
    for row in score_rows(scores) {
        let caught = row.caught.map(|n| n.to_string()).unwrap_or_default();
        let survivors = row.survivors.join(", ");
        let _ = writeln!(
            text,
            "| {} | {caught} | {} | {survivors} |",
            row.what, row.all
        );
    }
    text
}
