//! The words in a picture: headers, in which what changed stands out, and notes.

use super::mark::{Ink, Run};
use crate::packet::Headers;
use crate::path::{End, Rewrite, Rule, Verdict};

/// Longest line of a note; a rule that is longer is broken at its words.
const NOTE_CHARACTERS: usize = 64;

/// Source and destination; what differs from `before` stands out.
pub(super) fn addresses(now: &Headers, before: Option<&Headers>) -> Vec<Run> {
    let ink = |is: &str, was: Option<String>| {
        if was.is_some_and(|was| was != is) {
            Ink::Rewritten
        } else {
            Ink::Plain
        }
    };
    let (source, destination) = (now.source_text(), now.destination_text());
    let source_ink = ink(&source, before.map(Headers::source_text));
    let destination_ink = ink(&destination, before.map(Headers::destination_text));
    vec![
        Run::new(source, source_ink),
        Run::new(" → ", Ink::Dim),
        Run::new(destination, destination_ink),
    ]
}

/// TTL, and what else is new since `before`.
pub(super) fn details(now: &Headers, before: Option<&Headers>) -> Vec<Run> {
    let mut words = Vec::new();
    if before.is_none() {
        words.push(now.transport.to_string());
    }
    words.push(format!("ttl {}", now.ttl));
    if before.map_or(now.tos != 0, |before| before.tos != now.tos) {
        words.push(format!("tos {:#04x}", now.tos));
    }
    if before.is_some_and(|before| before.length != now.length) {
        words.push(format!("length {}", now.length));
    }
    vec![Run::new(words.join("  "), Ink::Dim)]
}

/// The chain, its rule and what it decided.
pub(super) fn verdict(verdict: &Verdict) -> Vec<Vec<Run>> {
    let Verdict { chain, action, .. } = verdict;
    let text = match &verdict.rule {
        Rule::Text(rule) => format!("{chain} {rule}: {action}"),
        Rule::Policy => format!("{chain} policy: {action}"),
    };
    wrapped(&text)
}

/// Which end became what.
pub(super) fn rewrite(rewrite: &Rewrite) -> Vec<Run> {
    let end = match rewrite.end {
        End::Source => "source ",
        End::Destination => "destination ",
    };
    vec![
        Run::new(end, Ink::Dim),
        Run::new(rewrite.was.clone(), Ink::Plain),
        Run::new(" → ", Ink::Dim),
        Run::new(rewrite.is.clone(), Ink::Rewritten),
    ]
}

/// A text on as many lines as it needs.
pub(super) fn wrapped(text: &str) -> Vec<Vec<Run>> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let length = line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if length <= NOTE_CHARACTERS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines
        .into_iter()
        .map(|line| vec![Run::new(line, Ink::Plain)])
        .collect()
}
