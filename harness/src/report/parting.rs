//! Where implementations part: which trials of a case saw the same, and the first line in which the others differ.

use std::cmp::Reverse;

use super::{CaseReport, Row};
use crate::golden::{Comparison, Difference, Golden, compare};
use crate::run::Outcome;

/// Trials of one case whose paths are the same text.
#[derive(Debug, Clone)]
pub struct Alike<'a> {
    /// The trials; never empty.
    pub trials: Vec<&'a CaseReport>,
    /// Where they leave the first group, `None` in the first.
    pub parting: Option<Parting>,
}

/// Where a group of trials leaves the first group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// Columns of the first group.
    pub from: Vec<String>,
    /// The first difference, where `expected` is the first group's line.
    pub difference: Difference,
}

/// The row's trials with a path, grouped by what they saw, those that passed first, then the largest group;
/// then those without, one group each.
pub fn alike<'a>(row: &Row<'a>) -> Vec<Alike<'a>> {
    let mut groups: Vec<(String, Vec<&CaseReport>)> = Vec::new();
    for trial in row.trials() {
        let text = trial.text();
        match groups
            .iter_mut()
            .find(|(known, _)| *known == text && !text.is_empty())
        {
            Some((_, trials)) => trials.push(trial),
            None => groups.push((text, vec![trial])),
        }
    }
    let passed = |trials: &[&CaseReport]| trials.iter().any(|t| t.outcome == Outcome::Passed);
    groups.sort_by_key(|(text, trials)| (text.is_empty(), !passed(trials), Reverse(trials.len())));
    let first = groups.first().cloned();
    groups
        .into_iter()
        .map(|(text, trials)| Alike {
            parting: first
                .as_ref()
                .and_then(|(known, of)| parting(known, of, &text)),
            trials,
        })
        .collect()
}

fn parting(known: &str, of: &[&CaseReport], text: &str) -> Option<Parting> {
    if text.is_empty() {
        return None;
    }
    let golden = Golden {
        text: known.to_owned(),
        first_line: 1,
    };
    match compare(Some(&golden), text) {
        Comparison::Different(difference) => Some(Parting {
            from: of.iter().map(|trial| trial.column()).collect(),
            difference: *difference,
        }),
        Comparison::Same | Comparison::New => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Matrix, sample};

    #[test]
    fn the_first_line_that_differs_is_named() {
        let report = sample::report();
        let matrix = Matrix::of(&report);
        let groups = alike(&matrix.rows[0]);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].trials.len(), 2);
        let parting = groups[1].parting.as_ref().map(|parting| {
            (
                parting.from.join(" "),
                parting.difference.first.expected.clone(),
                parting.difference.first.seen.clone(),
            )
        });
        assert_eq!(
            parting,
            Some((
                String::from("recipe/iptables-legacy recipe/iptables-nft"),
                String::from("fate: answered"),
                String::from("fate: request dropped at host filter/FORWARD -j <DROP>"),
            ))
        );
    }
}
