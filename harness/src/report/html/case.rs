//! A case's section: its contract, and for each group of implementations that saw the same, the pictures.

use maud::{Markup, html};

use super::super::words::line_words;
use super::anchor;
use super::diagram::{Lanes, diagram};
use crate::path::Fate;
use crate::report::{Alike, CaseReport, Matrix, Parting, PathReport, Row, alike};
use crate::run::Outcome;

/// The sections of all cases, by area.
pub(super) fn sections(matrix: &Matrix<'_>) -> Markup {
    html! {
        section #cases {
            h2 { "Paths" }
            @for (area, rows) in matrix.areas() {
                h3.area { (area) }
                @for row in rows { (section(row)) }
            }
        }
    }
}

fn section(row: &Row<'_>) -> Markup {
    let Some(case) = row.trials().next() else {
        return html! {};
    };
    let groups = alike(row);
    let passed = row.trials().all(|case| case.outcome == Outcome::Passed);
    html! {
        details.case open[!passed] data-row=(row.id) data-passed[passed] {
            summary {
                span.title { (case.title) }
                span.signs {
                    @for trial in row.trials() {
                        span.cell.(trial.outcome.to_string()) title={ (trial.column()) ": " (trial.outcome) } {
                            (trial.outcome.symbol())
                        }
                    }
                }
                small { (row.id) }
            }
            // The anchor is inside, so that a browser that follows a link to it opens the fold.
            div.inside id=(anchor(row)) {
                (contract(case))
                @for group in &groups { (seen(group, groups.len())) }
            }
        }
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
        }
        @if !case.contract.is_empty() {
            details.contract {
                summary { "The contract" }
                pre tabindex="0" { code { (case.contract) } }
            }
        }
    }
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
