//! What is different in a second report: what it was made with, outcomes, trials, cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::columns::columns;
use super::markdown::escape;
use super::{CaseReport, Report};
use crate::case::PROFILE;
use crate::finding::{Defect, What};
use crate::judge::Outcome;
use crate::program::plain;

/// What a second report has otherwise than a first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Versions of goldpath, kernel, implementations and programs, and results of profiles.
    pub around: Vec<Changed>,
    /// Ids of cases whose file is another, sorted.
    pub cases: BTreeSet<String>,
    /// Ids of cases whose golden is another, sorted.
    pub goldens: BTreeSet<String>,
    /// Trials whose outcome is another, in the order of their names.
    pub trials: Vec<TrialDifference>,
    /// How many trials there are in both reports together.
    pub of: usize,
}

/// One thing that is another in the second report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it is, as `kernel`.
    pub what: String,
    /// What it was in the first report; none if it is not there.
    pub before: Option<String>,
    /// What it is in the second report; none if it is not there.
    pub after: Option<String>,
}

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
    /// The known defect that showed in one of the two runs, and shows only at times; none if it is not that.
    pub at_times: Option<String>,
}

/// What is different in a second report. Where each report has one implementation, as for two builds of an engine, its trials are
/// compared whatever it is called; otherwise those of the same name are.
pub fn diff(before: &Report, after: &Report) -> Difference {
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
    let mut difference = Difference {
        around: around(before, after, by_name),
        of: trials.len(),
        ..Difference::default()
    };
    for (before, after) in trials.values() {
        if let (Some(before), Some(after)) = (before, after) {
            if before.contract != after.contract {
                difference.cases.insert(after.id.clone());
            }
            // Of a trial that was not run there is none.
            let goldens = before
                .golden_sha256
                .as_ref()
                .zip(after.golden_sha256.as_ref());
            if goldens.is_some_and(|(before, after)| before != after) {
                difference.goldens.insert(after.id.clone());
            }
        }
        difference.trials.extend(change(*before, *after));
    }
    difference
}

fn change(before: Option<&CaseReport>, after: Option<&CaseReport>) -> Option<TrialDifference> {
    let outcome = |case: &CaseReport| case.outcome.to_string();
    let is_other_case = match (before, after) {
        (Some(before), Some(after)) if before.outcome == after.outcome => return None,
        (Some(before), Some(after)) => before.contract != after.contract,
        _ => false,
    };
    let at_times = before
        .zip(after)
        .and_then(|(before, after)| at_times(before, after));
    Some(TrialDifference {
        trial: after.or(before)?.trial().to_string(),
        before: before.map(outcome),
        after: after.map(outcome),
        is_other_case,
        at_times: at_times.filter(|_| !is_other_case),
    })
}

/// Where a defect that shows only at times is tracked, if one of these passed and the other failed by nothing else.
fn at_times(before: &CaseReport, after: &CaseReport) -> Option<String> {
    let failed = match (before.outcome, after.outcome) {
        (Outcome::Passed, Outcome::ExpectedFailure) => after,
        (Outcome::ExpectedFailure, Outcome::Passed) => before,
        _ => return None,
    };
    let declared = failed.findings.iter().filter_map(|it| match &it.what {
        What::Known(defect) => Some(defect),
        What::Cell(cell) => cell.known.as_ref(),
        _ => None,
    });
    let declared: Vec<&Defect> = declared.collect();
    let always = declared.iter().any(|defect| !defect.at_times);
    let issue = declared.first().map(|defect| defect.issue.clone());
    issue.filter(|_| !always)
}

/// What two reports were made with, and what their profiles came to. A report says no more of a program than its version.
fn around(before: &Report, after: &Report, by_name: bool) -> Vec<Changed> {
    let (mut were, are) = (facts(before, by_name), facts(after, by_name));
    let mut changed: Vec<Changed> = Vec::new();
    for (what, is) in are {
        let was = were.iter().position(|(other, _)| *other == what);
        let was = was.map(|at| were.remove(at).1);
        if was.as_ref() != Some(&is) {
            changed.push(Changed {
                what,
                before: was,
                after: Some(is),
            });
        }
    }
    changed.extend(were.into_iter().map(|(what, was)| Changed {
        what,
        before: Some(was),
        after: None,
    }));
    changed
}

/// Names and values.
fn facts(report: &Report, by_name: bool) -> Vec<(String, String)> {
    let mut facts = vec![
        (String::from("goldpath"), report.goldpath.clone()),
        (String::from("kernel"), report.kernel.clone()),
    ];
    let called = |name: &str| match by_name {
        true => name.to_owned(),
        false => String::from("implementation"),
    };
    for one in &report.implementations {
        facts.push((called(&one.name), one.title()));
        for tool in &one.tools {
            facts.push((
                format!("{} of {}", tool.name, called(&one.name)),
                match tool.version.as_str() {
                    "" => tool.place().to_owned(),
                    version => version.to_owned(),
                },
            ));
        }
    }
    for one in &report.profiles {
        let on = if by_name {
            format!(" on {}", one.implementation)
        } else {
            String::new()
        };
        facts.push((format!("{PROFILE}{}{on}", one.name), one.result.to_string()));
    }
    facts
}

/// A value, or that there is none.
fn or_none(value: Option<&String>) -> String {
    value.map_or_else(|| String::from("–"), Clone::clone)
}

/// What is said of a trial whose case is another.
fn note(change: &TrialDifference) -> String {
    match &change.at_times {
        _ if change.is_other_case => String::from("(the case file changed)"),
        Some(issue) => format!("(shows at times: {issue})"),
        None => String::new(),
    }
}

impl Difference {
    /// How many trials ended otherwise by something that does not only show at times.
    pub fn count(&self) -> usize {
        let changed = |one: &&TrialDifference| one.at_times.is_none();
        self.trials.iter().filter(changed).count()
    }

    /// The last line: how many trials ended otherwise.
    fn sum(&self) -> String {
        let at_times = match self.trials.len() - self.count() {
            0 => String::new(),
            others => format!(" but {others} by what shows only at times"),
        };
        match self.count() {
            0 => format!("no outcome changed{at_times}\n"),
            count => format!("{count} of {} trials ended otherwise{at_times}\n", self.of),
        }
    }

    /// Lists of ids, each with what they are.
    fn files(&self) -> impl Iterator<Item = (&'static str, &BTreeSet<String>)> {
        let lists = [("case files", &self.cases), ("goldens", &self.goldens)];
        lists.into_iter().filter(|(_, ids)| !ids.is_empty())
    }
}

/// The difference as aligned text.
pub fn diff_text(difference: &Difference) -> String {
    let around = difference.around.iter().map(|one| {
        let (before, after) = (or_none(one.before.as_ref()), or_none(one.after.as_ref()));
        vec![one.what.clone(), format!("{before} → {after}")]
    });
    let mut text = columns(&around.collect::<Vec<_>>());
    for (what, ids) in difference.files() {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let _ = writeln!(text, "{what} that are others: {}", ids.join(", "));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let mut rows = vec![["trial", "before", "after", ""].map(str::to_owned).to_vec()];
    rows.extend(difference.trials.iter().map(|one| {
        let (before, after) = (or_none(one.before.as_ref()), or_none(one.after.as_ref()));
        vec![one.trial.clone(), before, after, note(one)]
    }));
    if rows.len() > 1 {
        let _ = writeln!(text, "{}", columns(&rows));
    }
    text + &difference.sum()
}

/// The difference as GitHub's Markdown, for a step summary or a comment.
pub fn diff_markdown(difference: &Difference) -> String {
    let mut text = String::from("## goldpath: what changed\n\n");
    for one in &difference.around {
        let (before, after) = (or_none(one.before.as_ref()), or_none(one.after.as_ref()));
        let line = escape(&format!("{}: {before} → {after}", one.what));
        let _ = writeln!(text, "- {line}");
    }
    for (what, ids) in difference.files() {
        let ids: Vec<String> = ids.iter().map(|id| escape(id)).collect();
        let _ = writeln!(text, "- {what} that are others: {}", ids.join(", "));
    }
    if !difference.trials.is_empty() {
        text.push_str("\n| trial | before | after |\n| --- | --- | --- |\n");
    }
    for one in &difference.trials {
        let (before, after) = (or_none(one.before.as_ref()), or_none(one.after.as_ref()));
        let after = format!("{after} {}", escape(&note(one)));
        let _ = writeln!(
            text,
            "| {} | {before} | {} |",
            escape(&one.trial),
            after.trim_end()
        );
    }
    let _ = write!(text, "\n{}", difference.sum());
    plain(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::report::sample;

    #[test]
    fn a_report_is_like_itself() {
        let same = diff(&sample::report(), &sample::report());
        assert!(same.around.is_empty() && same.trials.is_empty());
        assert!(same.cases.is_empty() && same.goldens.is_empty());
        assert_eq!(diff_text(&same), "no outcome changed\n");
    }

    fn two() -> Difference {
        let (mut before, mut after) = (sample::report(), sample::report());
        after.kernel = String::from("6.12.0");
        after.implementations[0].tools.pop();
        after.cases[0].outcome = Outcome::Errored;
        after.cases[0].contract.push_str("# other\n");
        before.cases[2].golden_sha256 = Some(String::from("0"));
        after.cases[2].golden_sha256 = Some(String::from("1"));
        // Not run before: there was no golden.
        after.cases[0].golden_sha256 = Some(String::from("1"));
        before.cases.remove(1);
        after.cases.pop();
        diff(&before, &after)
    }

    #[test]
    fn versions_outcomes_new_trials_and_those_that_are_gone_are_listed() {
        insta::assert_snapshot!(diff_text(&two()), @r"
        kernel                  6.1.0 → 6.12.0
        told of implementation  told → –
        case files that are others: egress/masquerade
        goldens that are others: egress/masquerade

        trial                                           before         after
        egress/masquerade::<b>other/ipv4                failed         errored  (the case file changed)
        egress/masquerade::recipe/iptables-legacy/ipv4  –              passed
        publish/cannot::recipe/iptables-nft/ipv4        not-supported  –

        3 of 8 trials ended otherwise
        ");
    }

    #[test]
    fn the_markdown_says_the_same() {
        insta::assert_snapshot!(diff_markdown(&two()), @r"
        ## goldpath: what changed

        - kernel: 6.1.0 → 6.12.0
        - told of implementation: told → –
        - case files that are others: egress/masquerade
        - goldens that are others: egress/masquerade

        | trial | before | after |
        | --- | --- | --- |
        | egress/masquerade::&lt;b&gt;other/ipv4 | failed | errored (the case file changed) |
        | egress/masquerade::recipe/iptables-legacy/ipv4 | – | passed |
        | publish/cannot::recipe/iptables-nft/ipv4 | not-supported | – |

        3 of 8 trials ended otherwise
        ");
    }

    #[test]
    fn what_shows_only_at_times_is_listed_and_does_not_count() {
        let (before, mut after) = (sample::report(), sample::report());
        let passed = before
            .cases
            .iter()
            .position(|case| case.outcome == Outcome::Passed);
        let at = passed.expect("one passes");
        let mut now = |defects: &[bool]| {
            let case = &mut after.cases[at];
            case.outcome = Outcome::ExpectedFailure;
            let known = |at_times: &bool| {
                Finding::of(What::Known(Defect {
                    issue: String::from("mine#1"),
                    why: String::from("It loses a race."),
                    at_times: *at_times,
                }))
            };
            case.findings = defects.iter().map(known).collect();
            let difference = diff(&before, &after);
            assert_eq!(diff(&after, &before).sum(), difference.sum());
            (difference.count(), difference.sum())
        };
        let none = "no outcome changed but 1 by what shows only at times\n";
        let one = (1, String::from("1 of 8 trials ended otherwise\n"));
        assert_eq!(now(&[true]), (0, none.into()));
        assert_eq!(now(&[false]), one);
        // Beside what shows always.
        assert_eq!(now(&[true, false]), one);
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
        assert_eq!(diff(&before, &after).trials, []);
        after.implementations[0].version = String::from("0.2.0");
        let text = diff_text(&diff(&before, &after));
        assert_eq!(
            text,
            "implementation  recipe 0.1.0 → recipe 0.2.0\n\nno outcome changed\n"
        );
    }

    #[test]
    fn what_a_profile_came_to_is_compared() {
        let (before, mut after) = (sample::report(), sample::report());
        let mut case = after.cases[1].clone();
        (case.id, case.backend) = (String::from("contract/egress/source-is-the-hosts"), None);
        case.contract = crate::case::builtin_text(&case.id).expect("a case that is carried");
        after.profiles = crate::report::profile_reports(&[case], false);
        let around = diff(&before, &after).around;
        assert_eq!(around.len(), 1);
        assert_eq!(around[0].what, "profile:core");
        assert_eq!(around[0].after.as_deref(), Some("partial"));
    }
}
