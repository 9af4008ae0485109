//! The report as Markdown, for a step summary or a comment.

use std::fmt::Write as _;

use super::claims::{Standing, standing};
use super::words::line_words;
use super::{
    CaseReport, Matrix, NOT_ASKED, Report, TruthTable, alike, profile_lines, score_table,
    summary_line, truth_summary,
};
use crate::case::Claim;
use crate::mutate::Scores;
use crate::program::plain;
use crate::run::Outcome;

/// The report as GitHub's Markdown, whatever names there are in it.
pub fn markdown(report: &Report, score: Option<&Scores>) -> String {
    let mut text = format!(
        "## goldpath: {}\n\n{}\n\n",
        report.result,
        summary_line(report)
    );
    versions(&mut text, report);
    let profiles = profile_lines(report);
    for line in profiles.lines() {
        let _ = writeln!(text, "- {}", escape(line));
    }
    if !profiles.is_empty() {
        text.push('\n');
    }
    let matrix = Matrix::of(report);
    table(&mut text, &matrix);
    claims(&mut text, report);
    partings(&mut text, &matrix);
    if let Some(table) = TruthTable::of(report) {
        truth(&mut text, &table);
    }
    if let Some(score) = score {
        let _ = writeln!(text, "{}", score_table(score));
    }
    troubles(&mut text, report);
    let _ = writeln!(text, "Run it again:\n");
    for command in &report.commands {
        text.push_str(&fenced(command));
    }
    plain(&text).into_owned()
}

fn versions(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "goldpath {}, kernel {}",
        escape(&report.goldpath),
        escape(&report.kernel)
    );
    for implementation in &report.implementations {
        let tools: Vec<String> = implementation
            .tools
            .iter()
            .map(|tool| match tool.version.as_str() {
                "" => escape(tool.place()),
                version => format!("{} ({})", escape(tool.place()), escape(version)),
            })
            .collect();
        let _ = writeln!(
            text,
            "- {}: {}",
            escape(&implementation.title()),
            tools.join(", ")
        );
        for adjusted in &implementation.adjusted {
            let _ = writeln!(text, "  - goldpath changes {}", escape(adjusted));
        }
    }
    text.push('\n');
}

fn table(text: &mut String, matrix: &Matrix<'_>) {
    let heads: Vec<String> = matrix.columns.iter().map(|column| escape(column)).collect();
    let _ = writeln!(text, "| case | {} |", heads.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(heads.len()));
    for row in &matrix.rows {
        let cells: Vec<String> = row
            .cells
            .iter()
            .map(|cell| cell.map_or_else(|| String::from("–"), mark))
            .collect();
        let _ = writeln!(text, "| {} | {} |", escape(row.id), cells.join(" | "));
    }
    text.push('\n');
}

fn truth(text: &mut String, table: &TruthTable) {
    let heads: Vec<String> = table.columns.iter().map(|column| escape(column)).collect();
    let _ = writeln!(
        text,
        "| rule | questions | {} | for example |",
        heads.join(" | ")
    );
    let _ = writeln!(text, "| --- | ---: |{} --- |", " --- |".repeat(heads.len()));
    for line in &table.lines {
        let cells = line.cells.iter().map(|cell| match cell {
            Some(cell) => escape(&cell.text()),
            None => NOT_ASKED.to_owned(),
        });
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            escape(&line.rule),
            line.questions,
            cells.join(" | "),
            escape(&line.example)
        );
    }
    let _ = writeln!(text, "\n{}.\n", truth_summary(table));
}

fn mark(case: &CaseReport) -> String {
    let outcome = case.outcome;
    let level = if case.is_not_kept() {
        format!(" ({})", case.level)
    } else {
        String::new()
    };
    format!("{} {outcome}{level}", outcome.symbol())
}

fn claims(text: &mut String, report: &Report) {
    let standings = Claim::ALL
        .iter()
        .map(|claim| (claim, standing(report, *claim).0));
    let asked: Vec<_> = standings
        .filter(|(_, standing)| *standing != Standing::NotAsked)
        .collect();
    if asked.is_empty() {
        return;
    }
    text.push_str("| claim | | |\n| --- | --- | --- |\n");
    for (claim, standing) in asked {
        let _ = writeln!(text, "| {claim} | {standing} | {} |", escape(claim.text()));
    }
    text.push('\n');
}

fn partings(text: &mut String, matrix: &Matrix<'_>) {
    for row in &matrix.rows {
        for group in alike(row) {
            let Some(parting) = &group.parting else {
                continue;
            };
            let columns: Vec<String> = group.trials.iter().map(|trial| trial.column()).collect();
            let _ = writeln!(
                text,
                "**{}** parts on {}:\n",
                escape(row.id),
                escape(&columns.join(", "))
            );
            let known = parting.from.join(", ");
            let difference = &parting.difference;
            text.push_str(&fenced(&format!(
                "{known}: {}\n{}: {}",
                line_words(difference.first.expected.as_ref()),
                columns.join(", "),
                line_words(difference.first.seen.as_ref())
            )));
        }
    }
}

fn troubles(text: &mut String, report: &Report) {
    let told = |case: &&CaseReport| {
        !case.message.is_empty() && case.outcome != Outcome::Passed && !case.is_not_run()
    };
    for case in report.cases.iter().filter(told) {
        let _ = writeln!(
            text,
            "<details><summary>{} {} on {}</summary>\n\n{}</details>\n",
            mark(case),
            escape(&case.id),
            escape(&case.column()),
            fenced(&case.message)
        );
    }
}

/// A code block whose fence is longer than any run of backticks in it.
fn fenced(content: &str) -> String {
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n\n", content.trim_end())
}

/// Text that is neither markup nor the end of a table's cell.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_document_reads_well() {
        insta::assert_snapshot!(markdown(&sample::report(), None));
    }

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(escape("<b>|`x`"), "&lt;b&gt;\\|\\`x\\`");
        assert!(fenced("a ```` b").starts_with("`````text\n"));
    }
}
