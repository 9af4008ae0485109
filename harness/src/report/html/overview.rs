//! The page's head, tables and foot.

use std::collections::BTreeSet;

use goldpath_report::ProfileReport;
use maud::{Markup, html};

use super::anchor;
use crate::case::{Claim, profiles as case_profiles};
use crate::mutate::Scores;
use crate::report::claims::{Standing, standing};
use crate::report::score::score_rows;
use crate::report::truth::{NOT_ASKED, TruthTable, truth_summary};
use crate::report::{CaseReport, Matrix, Report, Row, Summary};
use crate::run::Outcome;

/// The run in one word, its counts, and what took part.
pub(super) fn head(report: &Report) -> Markup {
    let total = report.summary.total();
    html! {
        header {
            p.brand { "goldpath " span { (report.goldpath) } }
            h1 { span.result.{ (report.result) } { (report.result) } }
            p.lead {
                (total) " of " (report.planned.len()) " planned trials, " (count(&report.cases, |c| c.id.clone()))
                " cases, kernel " code { (report.kernel) }
            }
            (bar(report.summary))
            dl.counts {
                @for outcome in Outcome::ALL {
                    @let count = report.summary.of_outcome(outcome);
                    div.count.(outcome.to_string()).none[count == 0] {
                        dt { (outcome) }
                        dd { span.sign aria-hidden="true" { (outcome.symbol()) } (count) }
                    }
                }
                @let not_kept = report.summary.recommendations_not_kept;
                @if not_kept > 0 {
                    div.count.(Outcome::Failed.to_string()) {
                        dt { "recommendations not kept" }
                        dd { span.sign aria-hidden="true" { (Outcome::Failed.symbol()) } (not_kept) }
                    }
                }
            }
            ul.tools {
                @for implementation in &report.implementations {
                    li {
                        strong { (implementation.name) } " "
                        @if let Some(own) = &implementation.calls_itself { "(calls itself " (own) ") " }
                        (implementation.version)
                        @for tool in &implementation.tools {
                            span.tool { b { (tool.place()) } " " (tool.version) }
                        }
                        @for adjusted in &implementation.adjusted {
                            span.tool { "goldpath changes " (adjusted) }
                        }
                    }
                }
            }
            nav aria-label="Parts of the report" {
                @if !report.profiles.is_empty() { a href="#profiles" { "Profiles" } }
                a href="#matrix" { "Matrix" }
                a href="#claims" { "Claims" }
                a href="#cases" { "Paths" }
                a href="#again" { "Run it again" }
            }
        }
    }
}

fn count<T>(of: &[T], key: impl Fn(&T) -> String) -> usize {
    let keys: BTreeSet<String> = of.iter().map(key).collect();
    keys.len()
}

fn bar(summary: Summary) -> Markup {
    html! {
        div.bar aria-hidden="true" {
            @for outcome in Outcome::ALL {
                @let count = summary.of_outcome(outcome);
                @if count > 0 {
                    span.(outcome.to_string()) style={ "flex-grow:" (count) } {}
                }
            }
        }
    }
}

/// What each profile came to, for each implementation.
pub(super) fn profiles(report: &Report) -> Markup {
    let names: BTreeSet<&str> = report
        .profiles
        .iter()
        .map(|one| one.implementation.as_str())
        .collect();
    let of = |profile: &str, name: &str| {
        let mut all = report.profiles.iter();
        all.find(|one| one.name == profile && one.implementation == name)
    };
    html! {
        @if !names.is_empty() {
            section #profiles {
                h2 { "Profiles" }
                div.scroll tabindex="0" role="region" aria-label="Profiles" {
                    table.matrix {
                        thead {
                            tr {
                                th scope="col" { "profile" }
                                @for name in &names { th.column scope="col" { (name) } }
                            }
                        }
                        tbody {
                            @for profile in case_profiles() {
                                tr {
                                    th scope="row" { (profile.name) small.sentence { (profile.title) } }
                                    @for name in &names { td { (profile_cell(of(&profile.name, name))) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn profile_cell(profile: Option<&ProfileReport>) -> Markup {
    html! {
        @if let Some(one) = profile {
            span.cell.result.{ (one.result) } { (one.result) }
            small.sentence {
                (one.summary.passed) " of " (one.summary.total() + one.missing.len()) " passed"
                @if !one.missing.is_empty() { ", " (one.missing.len()) " not run" }
                @if !one.provisional.is_empty() { ", " (one.provisional.len()) " provisional" }
            }
        } @else {
            span.absent title="nothing of it was run" { "–" }
        }
    }
}

/// Cases by implementations.
pub(super) fn matrix(matrix: &Matrix<'_>) -> Markup {
    html! {
        section #matrix {
            h2 { "Matrix" }
            div.filter hidden {
                input type="search" placeholder="Filter cases" aria-label="Filter cases";
                label { input type="checkbox"; " only what did not pass" }
            }
            @for area in matrix.areas() {
                @let columns = matrix.columns_of(&area.1);
                div.scroll.matrix-part tabindex="0" role="region" aria-label={ "Cases of " (area.0) } {
                    table.matrix {
                        thead {
                            tr {
                                th scope="col" { (area.0) }
                                @for column in columns.iter().map(|column| &matrix.columns[*column]) { th.column scope="col" { (broken(column)) } }
                            }
                        }
                        tbody { @for row in &area.1 { (line(row, &columns)) } }
                    }
                }
            }
        }
    }
}

/// Questions by implementations.
pub(super) fn truth(table: &TruthTable) -> Markup {
    html! {
        section #answers {
            h2 { "Answers" }
            p { (truth_summary(table)) "." }
            div.scroll tabindex="0" role="region" aria-label="Questions by implementations" {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "rule" }
                            th scope="col" { "questions" }
                            @for column in &table.columns { th.column scope="col" { (broken(column)) } }
                            th scope="col" { "for example" }
                        }
                    }
                    tbody {
                        @for line in &table.lines {
                            tr {
                                th scope="row" { (line.rule) }
                                td { (line.questions) }
                                @for cell in &line.cells {
                                    td { @match cell { Some(cell) => { (cell.text()) } None => { (NOT_ASKED) } } }
                                }
                                td { (line.example) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A column's name that may break behind its slash.
fn broken(column: &str) -> Markup {
    let (name, backend) = column
        .split_once('/')
        .map_or((column, None), |(name, backend)| (name, Some(backend)));
    html! { (name) @if let Some(backend) = backend { "/" wbr; (backend) } }
}

/// One case. Columns in which nobody of its area has a trial are left out.
fn line(row: &Row<'_>, columns: &[usize]) -> Markup {
    let title = row.trials().next().map(|case| case.title.as_str());
    let passed = row.trials().all(|case| case.outcome == Outcome::Passed);
    let anchor = anchor(row);
    html! {
        tr data-row=(row.id) data-passed[passed] {
            th scope="row" {
                a href={ "#" (anchor) } { (title.unwrap_or_default()) }
                small { (row.name()) }
            }
            @for cell in columns.iter().map(|column| &row.cells[*column]) {
                td {
                    // The row's head is a link, too: who tabs through the page stops only at what did not pass.
                    @if let Some(case) = cell {
                        @if case.outcome == Outcome::Passed {
                            span.cell.passed { (outcome(case)) }
                        } @else {
                            a.cell.(case.outcome.to_string()) href={ "#" (anchor) } { (outcome(case)) }
                        }
                    } @else {
                        span.absent title="no such trial" { "–" }
                    }
                }
            }
        }
    }
}

fn outcome(case: &CaseReport) -> Markup {
    html! {
        span.sign aria-hidden="true" { (case.outcome.symbol()) }
        " " (case.outcome)
        @if case.is_not_kept() { " (" (case.level) ")" }
    }
}

/// What the suite notices of mutants and faults.
pub(super) fn score(scores: &Scores) -> Markup {
    html! {
        section {
            h2 { "Score" }
            table class="matrix" {
                thead { tr { th { "what is broken" } th { "caught" } th { "of all" } th { "survivors" } } }
                tbody {
                    @for row in score_rows(scores) {
                        tr {
                            th scope="row" { (row.what) }
                            td { @if let Some(caught) = row.caught { (caught) } }
                            td { (row.all) }
                            td { (row.survivors.join(", ")) }
                        }
                    }
                }
            }
        }
    }
}

/// What the run says about the article's claims.
pub(super) fn claims(report: &Report) -> Markup {
    let matrix = Matrix::of(report);
    let link = |id: &str| {
        let row = matrix.rows.iter().find(|row| row.id == id);
        row.map(|row| html! { a href={ "#" (anchor(row)) } { (row.name()) } })
    };
    html! {
        section #claims {
            h2 { "The article's claims" }
            ul.claims {
                @for claim in Claim::ALL {
                    @let (standing, ids) = standing(report, *claim);
                    li.(tone(standing)) {
                        p {
                            b.claim { (claim) }
                            span.standing { (standing) }
                            (claim.text())
                        }
                        @if !ids.is_empty() {
                            details {
                                summary { (ids.len()) @if ids.len() == 1 { " case" } @else { " cases" } }
                                p.links { @for id in ids { @if let Some(link) = link(id) { (link) " " } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Holds => "holds",
        Standing::DoesNotHold => "refuted",
        Standing::Unproven => "unproven",
        Standing::NotAsked => "not-asked",
    }
}

/// How to run it again.
pub(super) fn foot(report: &Report) -> Markup {
    html! {
        footer #again {
            h2 { "Run it again" }
            @for command in &report.commands { pre { code { (command) } } }
            p { "One case: " code { "goldpath run CASE" } ", and " code { "goldpath show CASE" } " draws its paths as text." }
        }
    }
}
