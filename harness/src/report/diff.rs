//! What is different in a second report: outcomes, trials, cases.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{CaseReport, Report};

/// What became of one trial between two reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialDifference {
    /// The trial's name in the second report, or in the first if it is not in the second.
    pub trial: String,
    /// Outcome in the first report; none if the trial is not there.
    pub before: Option<String>,
    /// Outcome in the second report; none if the trial is not there.
    pub after: Option<String>,
    /// Whether the case file is another: then the two outcomes answer different questions.
    pub is_other_case: bool,
}

/// Trials of two reports whose outcome is another, in the order of their names. Where each report has one implementation, as for two
/// builds of an engine, its trials are compared whatever it is called; otherwise those of the same name are.
pub fn diff(before: &Report, after: &Report) -> Vec<TrialDifference> {
    let by_name = before.implementations.len() > 1 || after.implementations.len() > 1;
    let mut trials: BTreeMap<_, (Option<&CaseReport>, Option<&CaseReport>)> = BTreeMap::new();
    let key = |case: &CaseReport| {
        let is_contract = case.backend.is_none();
        let name = (by_name || !is_contract).then(|| case.implementation.clone());
        (
            case.id.clone(),
            name,
            case.backend.clone(),
            case.families.clone(),
        )
    };
    for case in &before.cases {
        trials.entry(key(case)).or_default().0 = Some(case);
    }
    for case in &after.cases {
        trials.entry(key(case)).or_default().1 = Some(case);
    }
    let change = |(before, after): &(Option<&CaseReport>, Option<&CaseReport>)| {
        let outcome = |case: &CaseReport| case.outcome.to_string();
        let is_other_case = match (before, after) {
            (Some(before), Some(after)) if before.outcome == after.outcome => return None,
            (Some(before), Some(after)) => before.contract != after.contract,
            _ => false,
        };
        Some(TrialDifference {
            trial: after.or(*before)?.trial().to_string(),
            before: before.map(outcome),
            after: after.map(outcome),
            is_other_case,
        })
    };
    trials.values().filter_map(change).collect()
}

/// The changes as a Markdown table, which is readable as text, too.
pub fn diff_table(changes: &[TrialDifference]) -> String {
    if changes.is_empty() {
        return String::from("no outcome changed\n");
    }
    let mut text = String::from("| trial | before | after |\n| --- | --- | --- |\n");
    for change in changes {
        let outcome = |outcome: &Option<String>| outcome.clone().unwrap_or_else(|| "–".into());
        let note = if change.is_other_case {
            " (the case file changed)"
        } else {
            ""
        };
        let (before, after) = (outcome(&change.before), outcome(&change.after));
        let trial = change.trial.replace('|', "\\|");
        let _ = writeln!(text, "| `{trial}` | {before} | {after}{note} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Outcome;
    use crate::report::sample;

    #[test]
    fn a_report_is_like_itself() {
        assert_eq!(diff(&sample::report(), &sample::report()), []);
        assert_eq!(diff_table(&[]), "no outcome changed\n");
    }

    #[test]
    fn other_outcomes_new_trials_and_those_that_are_gone_are_listed() {
        let (mut before, mut after) = (sample::report(), sample::report());
        after.cases[0].outcome = Outcome::Errored;
        after.cases[0].contract.push_str("# other\n");
        before.cases.remove(1);
        after.cases.pop();
        insta::assert_snapshot!(diff_table(&diff(&before, &after)), @r"
        | trial | before | after |
        | --- | --- | --- |
        | `egress/masquerade::<b>other/ipv4` | failed | errored (the case file changed) |
        | `egress/masquerade::recipe/iptables-legacy/ipv4` | – | passed |
        | `publish/cannot::recipe/iptables-nft/ipv4` | not-supported | – |
        ");
    }

    #[test]
    fn two_builds_are_compared_whatever_they_are_called() {
        let (mut before, mut after) = (sample::report(), sample::report());
        for (report, name) in [(&mut before, "docker"), (&mut after, "docker=there")] {
            report.implementations.truncate(1);
            report.cases.truncate(1);
            report.cases[0].backend = None;
            report.cases[0].implementation = name.to_owned();
        }
        assert_eq!(diff(&before, &after), []);
    }
}
