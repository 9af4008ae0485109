//! Where implementations part: which trials of a case saw the same, and the first line in which the others differ. Contracts
//! are compared by roles, as their goldens are: what an implementation is made of parts nobody.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{CaseReport, Row};
use crate::finding::What;
use crate::golden::{GoldenDifference, difference};
use crate::path::Drawing;
use crate::run::Outcome;

/// Trials of one case whose drawings are the same.
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
    pub difference: GoldenDifference,
}

/// The row's trials with a path, grouped by what they saw, those that passed first, then the largest group;
/// then those without, one group each.
pub fn alike<'a>(row: &Row<'a>) -> Vec<Alike<'a>> {
    let mut groups: Vec<(Drawing, Vec<&CaseReport>)> = Vec::new();
    for trial in row.trials() {
        let drawing = drawing(trial);
        match groups
            .iter_mut()
            .find(|(known, _)| *known == drawing && !drawing.is_empty())
        {
            Some((_, trials)) => trials.push(trial),
            None => groups.push((drawing, vec![trial])),
        }
    }
    let passed = |trials: &[&CaseReport]| trials.iter().any(|t| t.outcome == Outcome::Passed);
    groups.sort_by_key(|(drawing, trials)| {
        (drawing.is_empty(), !passed(trials), Reverse(trials.len()))
    });
    let first = groups.first().cloned();
    groups
        .into_iter()
        .map(|(drawing, trials)| Alike {
            parting: first
                .as_ref()
                .and_then(|(known, of)| parting(known, of, &drawing)),
            trials,
        })
        .collect()
}

/// All paths of a trial's own probes as one drawing; empty where there are none, or where a report of version 1 has lost their
/// roles. A question of its table has a path only where it was answered otherwise: nobody else has one to compare it with.
fn drawing(trial: &CaseReport) -> Drawing {
    let cells = trial.findings.iter();
    let cells = cells.filter(|finding| matches!(finding.what, What::Cell(_)));
    let cells: BTreeSet<usize> = cells
        .filter_map(|finding| Some(finding.probe.as_ref()?.number))
        .collect();
    let mut drawing = Drawing::default();
    let paths = trial.paths.iter().enumerate();
    for (at, path) in paths.filter(|(at, _)| !cells.contains(&(at + 1))) {
        if path.lines.is_empty() {
            return Drawing::default();
        }
        drawing.probe(at + 1, &path.probe, path.lines.clone());
    }
    drawing
}

fn parting(known: &Drawing, of: &[&CaseReport], drawing: &Drawing) -> Option<Parting> {
    if drawing.is_empty() {
        return None;
    }
    Some(Parting {
        from: of.iter().map(|trial| trial.column()).collect(),
        difference: *difference(known, drawing)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{Is, Line, Step};
    use crate::report::{Matrix, Report, sample};

    #[test]
    fn the_first_line_that_differs_is_named() {
        let report = sample::report();
        let matrix = Matrix::of(&report);
        let groups = alike(&matrix.rows[0]);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].trials.len(), 2);
        let parting = groups[1].parting.as_ref().expect("they part");
        let columns = ["recipe/iptables-legacy", "recipe/iptables-nft"];
        assert_eq!(parting.from, columns);
        let text = |line: &Option<Line>| line.as_ref().map(|line| line.text.clone());
        let first = &parting.difference.first;
        assert_eq!(text(&first.expected).as_deref(), Some("fate: answered"));
        let dropped = "fate: request dropped at host filter/FORWARD -j <DROP>";
        assert_eq!(text(&first.seen).as_deref(), Some(dropped));
    }

    /// Two implementations of one contract that saw the same by roles, over other interfaces.
    fn two_of_one_contract() -> Report {
        let mut report = sample::report();
        report.cases.truncate(2);
        let by_roles = vec![Line {
            text: String::from("fate: answered"),
            probe: None,
            is: Is::Fate,
        }];
        for (case, name) in report.cases.iter_mut().zip(["native", "docker"]) {
            case.implementation = name.to_owned();
            case.backend = None;
            case.outcome = Outcome::Passed;
            let mut path = sample::answered();
            for step in path.legs.iter_mut().flat_map(|leg| &mut leg.steps) {
                if let Step::Hop(hop) = step {
                    hop.interface = format!("{name}0");
                }
            }
            case.paths = vec![sample::path(path)];
            case.paths[0].lines.clone_from(&by_roles);
        }
        report
    }

    #[test]
    fn implementations_that_agree_by_roles_do_not_part() {
        let report = two_of_one_contract();
        assert_ne!(report.cases[0].paths[0].path, report.cases[1].paths[0].path);
        let groups = alike(&Matrix::of(&report).rows[0]);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].parting, None);
        let words = [
            crate::report::html(&report, None),
            crate::report::markdown(&report, None),
        ];
        for text in words {
            assert!(!text.contains("implementations part"), "{text}");
            assert!(!text.contains("** parts on "), "{text}");
        }
    }

    /// What differs in its table alone has further paths, and parts from nobody by them.
    #[test]
    fn paths_of_a_table_part_nobody() {
        let mut report = two_of_one_contract();
        let case = &mut report.cases[1];
        let further = case.paths[0].clone();
        case.paths.push(further);
        let groups = |report: &Report| alike(&Matrix::of(report).rows[0]).len();
        assert_eq!(groups(&report), 2);
        let difference = serde_json::json!({
            "probe": { "number": 2, "title": "c1 → lan by icmp echo" }, "what": "cell", "question": "c1 → lan by icmp echo",
            "rule": "outward", "sentence": "It is reached.", "level": "must", "expected": "answered by lan",
            "seen": "nothing came back", "wrong": [], "others": [], "unsteady": [], "path": "",
        });
        let difference = serde_json::from_value(difference).expect("a finding");
        report.cases[1].findings = vec![difference];
        assert_eq!(groups(&report), 1);
    }

    #[test]
    fn who_has_lost_its_roles_parts_from_nobody() {
        let mut report = two_of_one_contract();
        report.cases[1].paths[0].lines.clear();
        let groups = alike(&Matrix::of(&report).rows[0]);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1].parting, None);
    }
}
