//! `--expected` and `--kept`: what a person declares of implementations.

use std::path::{Path, PathBuf};

use crate::adapter::{Circumstance, Declared, EVERY_RULE, Expected};
use crate::case::{builtin_text, discover};
use crate::intent::rules;
use crate::ledger::EntryKind;

/// Every case that an entry names must be there: one that is misspelt would never hold.
pub(super) fn must_name_cases(files: &[PathBuf], folders: &[PathBuf]) -> Result<(), String> {
    if files.is_empty() {
        return Ok(());
    }
    // Whoever reads the cases tells what is wrong with them.
    let Ok(cases) = discover(folders) else {
        return Ok(());
    };
    for path in files {
        let declared = read(std::slice::from_ref(path), &[])?;
        for (number, entry) in declared.expected.iter().enumerate() {
            // A file may be for other folders of cases, too.
            let is_there = |named: &&String| {
                builtin_text(named).is_some()
                    || cases.iter().any(|case| case.id.as_str() == **named)
            };
            if let Some(named) = entry.cases.iter().find(|named| !is_there(named)) {
                return Err(format!(
                    "{}: line {}: no case is called `{named}`; goldpath list has all",
                    path.display(),
                    line(&text(path)?, "expected", number)
                ));
            }
        }
    }
    Ok(())
}

/// Reads the files.
pub(super) fn read(expected: &[PathBuf], kept: &[PathBuf]) -> Result<Declared, String> {
    let mut declared = Declared::default();
    for path in expected {
        let text = text(path)?;
        let read = declared.expected.len();
        let wrong = |what: String| format!("{}: {what}", path.display());
        declared.add_expected(&text).map_err(wrong)?;
        for (number, entry) in declared.expected[read..].iter().enumerate() {
            if let Some(what) = means_nothing(entry) {
                let line = line(&text, "expected", number);
                return Err(wrong(format!("line {line}: {what}")));
            }
        }
    }
    for path in kept {
        let text = text(path)?;
        let read = declared.kept.len();
        let wrong = |what: String| format!("{}: {what}", path.display());
        declared.add_kept(&text).map_err(wrong)?;
        for (number, entry) in declared.kept[read..].iter().enumerate() {
            if let Some(what) = entry.means_nothing() {
                let line = line(&text, "kept", number);
                return Err(wrong(format!("line {line}: {what}")));
            }
        }
    }
    Ok(declared)
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The line of an entry's heading, counted from 1.
fn line(text: &str, heading: &str, entry: usize) -> usize {
    let heading = format!("[[{heading}]]");
    let headings = text.lines().enumerate().filter(|(_, line)| {
        let line: String = line.split_whitespace().collect();
        line.starts_with(&heading)
    });
    headings
        .map(|(number, _)| number + 1)
        .nth(entry)
        .unwrap_or(1)
}

/// What an entry could never be about.
fn means_nothing(entry: &Expected) -> Option<String> {
    let empty = [("issue", &entry.issue), ("why", &entry.why)];
    if let Some((word, _)) = empty.iter().find(|(_, text)| text.trim().is_empty()) {
        return Some(format!("`{word}` is empty"));
    }
    if entry.implementations.is_empty() {
        return Some(String::from("`implementations` names nobody"));
    }
    if let Some(by) = &entry.by
        && !["icmp", "tcp", "udp"].contains(&by.as_str())
    {
        return Some(format!("`by` is icmp, tcp or udp, and not `{by}`"));
    }
    if entry.build.is_some() && entry.program.is_none() {
        return Some(String::from(
            "`build` is about a `program`, which is not named",
        ));
    }
    if entry.cases.is_empty() && entry.rules.is_empty() {
        return Some(String::from("an entry needs a `case` or `rules`"));
    }
    let of_steps = |one: &Circumstance| *one == Circumstance::AnnouncementLost;
    if entry.rules.is_empty()
        && (entry.by.is_some() || entry.left.is_some() || !entry.when.iter().all(of_steps))
    {
        return Some(String::from(
            "`by`, `left` and `when`, but for announcement-lost, are about `rules`, which are not named",
        ));
    }
    // A word about the host as found would excuse all of a case.
    let of_host =
        |one: &Circumstance| matches!(one, Circumstance::Forwards | Circumstance::BridgeNetfilter);
    if entry.rules.iter().any(|rule| rule == EVERY_RULE) && entry.when.iter().all(of_host) {
        return Some(format!(
            "`{EVERY_RULE}` is every rule, and needs a `when` about the question or what happened before, as gateway-moved"
        ));
    }
    // Kinds of findings in explored scenarios.
    let is_leftover = |rule: &str| {
        let kind = rule.strip_prefix("leftover-");
        kind.is_some_and(|kind| EntryKind::ALL.iter().any(|one| one.as_str() == kind))
    };
    let is_kind =
        |rule: &str| is_leftover(rule) || ["check", "teardown", "unnoticed"].contains(&rule);
    if entry.by.is_some() && !entry.rules.is_empty() && entry.rules.iter().all(|rule| is_kind(rule))
    {
        return Some(String::from(
            "`by` is about questions of tables, and none of these `rules` is asked by one",
        ));
    }
    if let Some(left) = &entry.left
        && (left.trim().is_empty() || !entry.rules.iter().any(|rule| is_leftover(rule)))
    {
        return Some(String::from(
            "`left` is about what is left behind: name it, and among `rules` a kind of it, as leftover-file",
        ));
    }
    let known =
        |rule: &String| rule == EVERY_RULE || is_kind(rule) || rules().any(|one| one.id.0 == rule);
    entry
        .rules
        .iter()
        .find(|rule| !known(rule))
        .map(|rule| format!("no rule is called `{rule}`; goldpath intent rules lists them"))
}
