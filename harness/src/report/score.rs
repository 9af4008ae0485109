//! The table of what the suite notices of mutants and faults.

use std::fmt::Write as _;

use crate::mutate::Scores;

/// Both scores as a table, which is also Markdown.
pub fn score_table(scores: &Scores) -> String {
    let mut text = String::from(
        "| what is broken | caught | of all | survivors |\n| --- | ---: | ---: | --- |\n",
    );
    if let Some(score) = &scores.recipes {
        let names = score.survivors().map(|one| {
            let change = &one.change;
            format!("`{}:{}` {}", change.case, change.line, change.operator)
        });
        let row = (score.caught, score.all, listed(names.collect()));
        let _ = writeln!(text, "| recipes | {} | {} | {} |", row.0, row.1, row.2);
        let _ = writeln!(
            text,
            "| declared equivalent | | {} | |\n| refused, so no network | | {} | |",
            score.equivalent, score.invalid
        );
    }
    if let Some(score) = &scores.faults {
        let names = score.faults.iter().filter(|one| !one.caught());
        let names = names.map(|one| format!("`{}`", one.fault.name));
        let row = (score.caught, score.all, listed(names.collect()));
        let _ = writeln!(text, "| faults | {} | {} | {} |", row.0, row.1, row.2);
    }
    text
}

fn listed(names: Vec<String>) -> String {
    if names.is_empty() {
        String::from("none")
    } else {
        names.join(", ")
    }
}
