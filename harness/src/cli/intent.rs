//! `goldpath intent`: what must come of every question that can be asked of a case.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::chosen::{Chosen, chosen};
use super::exit::Exit;
use super::output::{lost, output};
use crate::adapter::Candidate;
use crate::case::{Case, CaseKind, Feature};
use crate::intent::{Answer, Moment, Question, RuleId, Share, course, table};
use crate::report::{event_words, intent_table, rules_page, share_table};

/// Print every question that can be asked of a contract case, with its answer. Needs no root.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Which cases; recipes have no table.
    #[command(flatten)]
    chosen: Chosen,
    /// Print the tables as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Print the rules and their sources as a Markdown page.
    Rules,
    /// Print which part of all tables is unspecified, for each implementation.
    Share(ShareArgs),
}

#[derive(Debug, clap::Args)]
struct ShareArgs {
    /// Which cases.
    #[command(flatten)]
    chosen: Chosen,
    /// Print the numbers as JSON.
    #[arg(long)]
    json: bool,
    /// Compare with earlier numbers (JSON), and exit 1 if a larger part is unspecified now.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

/// A moment of a case in JSON.
#[derive(Serialize)]
struct Asked<'a> {
    case: &'a str,
    moment: String,
    cells: Vec<AskedCell>,
}

#[derive(Serialize)]
struct AskedCell {
    #[serde(flatten)]
    question: Question,
    answer: Answer,
    rule: RuleId,
    level: crate::case::Level,
}

/// Prints rules, tables or shares on standard output. Needs no root and builds nothing.
pub fn run(args: &Args) -> Exit {
    write(args, &mut output(), &mut io::stderr().lock()).unwrap_or_else(lost)
}

fn write(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match &args.part {
        None => tables(args, out, err),
        Some(Part::Rules) => {
            write!(out, "{}", rules_page())?;
            Ok(Exit::Success)
        }
        Some(Part::Share(share)) => shares(share, out, err),
    }
}

fn tables(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(cases) = chosen(&args.chosen.cases, &args.chosen.patterns, err)? else {
        return Ok(Exit::WrongInput);
    };
    let contracts: Vec<&Case> = cases.iter().filter(|case| is_contract(case)).collect();
    if contracts.is_empty() {
        writeln!(
            err,
            "only contract cases have a table, and these are recipes"
        )?;
        return Ok(Exit::WrongInput);
    }
    let everything = Feature::all_but(&[]);
    let mut asked = Vec::new();
    for case in contracts {
        let families = case.families.iter();
        for (event, moment) in families.flat_map(|family| course(case, *family, &everything)) {
            asked.push((case.id.as_str(), event_words(event), moment));
        }
    }
    if args.json {
        let moments: Vec<Asked<'_>> = asked
            .iter()
            .map(|(case, event, moment)| in_json(case, event, moment))
            .collect();
        serde_json::to_writer_pretty(&mut *out, &moments)?;
        writeln!(out)?;
        return Ok(Exit::Success);
    }
    for (position, (case, event, moment)) in asked.iter().enumerate() {
        let rows = table(moment);
        let open = rows.iter().filter(|row| row.is_unspecified()).count();
        let gap = if position == 0 { "" } else { "\n" };
        let count = rows.len();
        writeln!(
            out,
            "{gap}{case}, {event}: {count} cells, {open} unspecified\n"
        )?;
        write!(out, "{}", intent_table(&rows))?;
    }
    Ok(Exit::Success)
}

fn in_json<'a>(case: &'a str, event: &str, moment: &Moment) -> Asked<'a> {
    let rows = table(moment).into_iter().map(|row| AskedCell {
        question: row.question,
        answer: row.answer,
        rule: row.rule.id,
        level: row.rule.level,
    });
    Asked {
        case,
        moment: event.to_owned(),
        cells: rows.collect(),
    }
}

fn is_contract(case: &Case) -> bool {
    matches!(case.kind, CaseKind::Contract { .. })
}

fn shares(args: &ShareArgs, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(cases) = chosen(&args.chosen.cases, &args.chosen.patterns, err)? else {
        return Ok(Exit::WrongInput);
    };
    let before = match args.baseline.as_deref().map(read_baseline).transpose() {
        Ok(before) => before.unwrap_or_default(),
        Err(reason) => {
            writeln!(err, "{reason}")?;
            return Ok(Exit::WrongInput);
        }
    };
    let mut shares = Vec::new();
    for candidate in Candidate::every() {
        match &candidate.adapter {
            Ok(adapter) => {
                let share = Share::of(&cases, &adapter.features());
                shares.push((candidate.name.clone(), share));
            }
            Err(reason) => writeln!(err, "{} is left out: {reason}", candidate.name)?,
        }
    }
    if args.json {
        let by_name: BTreeMap<&String, &Share> =
            shares.iter().map(|(name, one)| (name, one)).collect();
        serde_json::to_writer_pretty(&mut *out, &by_name)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", share_table(&shares))?;
    }
    let mut exit = Exit::Success;
    for (name, share) in &shares {
        let known = before.get(name);
        if known.is_some_and(|before| share.rose(*before)) {
            writeln!(
                err,
                "more of what {name} is asked is unspecified than before"
            )?;
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

/// The shares of `ci/score.json`, which holds other numbers, too.
fn read_baseline(path: &Path) -> Result<BTreeMap<String, Share>, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let baseline: crate::mutate::Baseline = serde_json::from_slice(&text)
        .map_err(|error| format!("{shown} is no baseline: {error}"))?;
    Ok(baseline.unspecified)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn intent(words: &[&str]) -> (Exit, String, String) {
        let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/good-cases");
        let line = Line::try_parse_from([&["intent"], words, &["--cases", cases]].concat());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = write(&line.unwrap().args, &mut out, &mut err).unwrap();
        (
            exit,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn a_case_has_a_table_for_a_person() {
        let (exit, out, _) = intent(&["egress/source-is-the-hosts"]);
        assert_eq!(exit, Exit::Success);
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_table_in_json_has_the_same_cells() {
        let (_, out, _) = intent(&["egress/source-is-the-hosts", "--json"]);
        let moments: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(moments[0]["moment"], "at first");
        let cells = moments[0]["cells"].as_array().unwrap();
        let outward = cells.iter().find(|cell| cell["rule"] == "outward").unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(outward).unwrap());
    }

    #[test]
    fn a_recipe_has_no_table() {
        let (exit, _, err) = intent(&["article"]);
        assert_eq!(exit, Exit::WrongInput);
        insta::assert_snapshot!(err);
    }

    #[test]
    fn a_larger_share_than_before_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("score.json");
        for (cells, wanted) in [(1, Exit::Success), (1_000_000, Exit::Failed)] {
            let native = format!(r#"{{ "cells": {cells}, "not-listed": 0, "no-promise": 1 }}"#);
            fs::write(
                &path,
                format!(r#"{{ "unspecified": {{ "native": {native} }} }}"#),
            )
            .unwrap();
            let (exit, _, err) = intent(&["share", "--baseline", path.to_str().unwrap()]);
            assert_eq!(exit, wanted, "{err}");
        }
    }
}
