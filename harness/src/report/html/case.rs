//! A case's section: its contract, and for each group of implementations that saw the same, the pictures.

use maud::{Markup, html};

use super::super::words::line_words;
use super::anchor;
use super::diagram::{Lanes, diagram};
use crate::path::Fate;
use crate::report::{Alike, CaseReport, Matrix, Parting, PathReport, Row, alike};
use crate::run::Outcome;

/// The sections of all cases, by area. Where the evidence is beside the page, in this folder, each is empty until it is opened.
pub(super) fn sections(matrix: &Matrix<'_>, folder: Option<&str>) -> Markup {
    html! {
        section #cases data-folder=[folder] {
            h2 { "Paths" }
            @if folder.is_some() {
                noscript { p { "A script loads the paths. A page without it: " code { "goldpath report merge report.json --html FILE --embed" } } }
            }
            @for (area, rows) in matrix.areas() {
                h3.area { (area) }
                @for row in rows { (section(row, folder.is_some())) }
            }
        }
    }
}

fn section(row: &Row<'_>, is_beside: bool) -> Markup {
    let Some(case) = row.trials().next() else {
        return html! {};
    };
    let passed = row.trials().all(|case| case.outcome == Outcome::Passed);
    html! {
        details.case open[!passed && !is_beside] data-row=(row.id) data-passed[passed] {
            summary {
                span.title { (case.title) }
                (signs(row))
                small { (row.id) }
            }
            // The anchor is inside, so that a browser that follows a link to it opens the fold.
            div.inside id=(anchor(row)) data-file[is_beside] {
                @if !is_beside { (inside(row)) }
            }
        }
    }
}

/// How many trials ended in which way.
fn signs(row: &Row<'_>) -> Markup {
    let count = |outcome| {
        row.trials()
            .filter(|trial| trial.outcome == outcome)
            .count()
    };
    html! {
        span.signs {
            @for outcome in Outcome::ALL {
                @let count = count(outcome);
                @if count > 0 {
                    span.cell.(outcome.to_string()) title=(outcome) {
                        span aria-hidden="true" { (outcome.symbol()) } " " (count)
                        span.told { " " (outcome) " " }
                    }
                }
            }
        }
    }
}

/// What is known of a case.
pub(super) fn inside(row: &Row<'_>) -> Markup {
    let groups = alike(row);
    html! {
        @if let Some(case) = row.trials().next() { (contract(case)) }
        @for group in &groups { (seen(group, groups.len())) }
    }
}

fn contract(case: &CaseReport) -> Markup {
    html! {
        ul.facts {
            li.level { (case.level) }
            @for family in &case.families { li { (family) } }
            @for claim in &case.checks { li { "checks " a href="#claims" { (claim) } } }
            @for claim in &case.refutes { li { "refutes " a href="#claims" { (claim) } } }
            @for source in &case.source { li.source { (source_link(source)) } }
            li.hash title={ "SHA-256 of the case: " (case.case_sha256) } { "case " (short(&case.case_sha256)) }
            @if let Some(golden) = &case.golden_sha256 {
                li.hash title={ "SHA-256 of the golden: " (golden) } { "golden " (short(golden)) }
            }
        }
        @if !case.contract.is_empty() {
            details.contract {
                summary { "The contract" }
                pre tabindex="0" { code { (case.contract) } }
            }
        }
    }
}

/// As much of a hash as tells two apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn source_link(source: &str) -> Markup {
    let web = source.starts_with("https://") || source.starts_with("http://");
    html! {
        @if web { a href=(source) rel="noreferrer noopener" { (source) } } @else { (source) }
    }
}

fn seen(group: &Alike<'_>, groups: usize) -> Markup {
    let Some(first) = group.trials.first() else {
        return html! {};
    };
    let lanes = Lanes::of(first.paths.iter().map(|path| &path.path));
    html! {
        div.group {
            h4 {
                @for trial in &group.trials {
                    span.cell.(trial.outcome.to_string()) {
                        span.sign aria-hidden="true" { (trial.outcome.symbol()) } " " (trial.column())
                    }
                }
                @if group.trials.len() > 1 { span.same { "saw the same" } }
            }
            @if let Some(parting) = &group.parting { (parted(parting, group)) }
            @for trial in &group.trials { (trouble(trial)) }
            @for (position, path) in first.paths.iter().enumerate() { (probe(position + 1, path, &lanes)) }
            @if first.paths.is_empty() && groups == 1 && first.outcome == Outcome::Passed {
                p.quiet { "No probe is sent: what is checked are tables and namespaces." }
            }
            p.again {
                @for trial in &group.trials { @if !trial.again.is_empty() { code { (trial.again) } } }
            }
        }
    }
}

fn parted(parting: &Parting, group: &Alike<'_>) -> Markup {
    let columns: Vec<String> = group.trials.iter().map(|trial| trial.column()).collect();
    let difference = &parting.difference;
    let first = &difference.first;
    html! {
        div.parting {
            p { strong { "Here implementations part" } @if let Some(heading) = &difference.heading { ", in " (heading) } }
            @if let Some(after) = &first.after { p { "after " code { (after.text.trim()) } } }
            dl {
                dt { (parting.from.join(", ")) } dd { code { (line_words(first.expected.as_ref())) } }
                dt { (columns.join(", ")) } dd { code { (line_words(first.seen.as_ref())) } }
            }
        }
    }
}

fn trouble(trial: &CaseReport) -> Markup {
    html! {
        @if !trial.message.is_empty() {
            div.trouble.(trial.outcome.to_string()) {
                p {
                    strong { (trial.outcome) } " on " (trial.column())
                    @if trial.is_not_kept() { ", level " (trial.level) ": a recommendation that is not kept" }
                }
                pre tabindex="0" { code { (trial.message) } }
            }
        }
    }
}

fn probe(number: usize, path: &PathReport, lanes: &Lanes) -> Markup {
    let title = format!("Path of probe {number}, {}: {}", path.probe, path.fate);
    html! {
        figure {
            figcaption {
                b { (number) } " " span.probe { (path.probe) }
                span.fate.(fate_class(&path.path.fate)) { (path.fate) }
            }
            @if !path.path.lookups.is_empty() {
                ul.lookups {
                    @for lookup in &path.path.lookups {
                        li { b { (lookup.node) } " " span { (lookup.table) } " " code { (lookup.answer) } }
                    }
                }
            }
            div.scroll tabindex="0" role="region" aria-label=(title) { (diagram(&path.path, lanes, &title)) }
            details.text {
                summary { "As text" }
                pre tabindex="0" { code { (path.text) } }
            }
        }
    }
}

fn fate_class(fate: &Fate) -> &'static str {
    match fate {
        Fate::Answered => "reached",
        Fate::Lost { .. } => "lost",
        _ => "stopped",
    }
}
