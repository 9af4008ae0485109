//! `goldpath mutate --live` in words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::mutate::{LiveRules, LiveScore};

/// The rules of each implementation as Markdown, and what is left to explain.
pub(super) fn text(score: &LiveScore) -> String {
    let mut text = String::new();
    for (name, rules) in &score.implementations {
        let _ = writeln!(text, "## {name}\n");
        let programs = rules.programs.iter();
        let programs: Vec<String> = programs
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        if !programs.is_empty() {
            let _ = writeln!(text, "{}\n", programs.join(", "));
        }
        let _ = writeln!(
            text,
            "The absence of {} of the {} rules that packets matched was noticed, at {} moments.\n",
            rules.noticed, rules.matched, rules.moments
        );
        text.push_str(&table(rules));
        for (trial, why) in &rules.errored {
            let why = why.lines().next().unwrap_or_default();
            let _ = writeln!(text, "errored  {trial}: {why}");
        }
        text.push('\n');
    }
    text
}

fn table(rules: &LiveRules) -> String {
    let mut text = String::from(
        "| table | chain | rule | taken away | matched | noticed | breaks |\n| --- | --- | --- | ---: | ---: | ---: | --- |\n",
    );
    for rule in &rules.rules {
        let list = |ids: &BTreeSet<String>| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            ids.join(", ")
        };
        let why = match &rule.reason {
            Some(reason) => format!("redundant: {reason}"),
            None if rule.breaks.is_empty() && rule.stands_in > 0 => {
                format!("redundant: others keep it, too: {}", list(&rule.keeps))
            }
            None => list(&rule.breaks),
        };
        let _ = writeln!(
            text,
            "| {} | {} | `{}` | {} | {} | {} | {why} |",
            rule.table,
            rule.chain,
            rule.rule.replace('|', "\\|"),
            rule.tried,
            rule.matched,
            rule.noticed
        );
    }
    text
}
