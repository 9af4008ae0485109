//! What came of each question of a table, for the truth table of implementations.

use std::collections::{BTreeMap, BTreeSet};

use goldpath_report::{AnswersReport, Compared};

use super::trial_run::TrialRun;
use crate::ask::{
    Ending, Ground, QuestionByRoles, Seen, ended_in_brief, expected_in_brief, judge, wrong_in_brief,
};
use crate::intent::Row;

/// Which questions of a moment were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of them.
    Whole,
    /// Those of published ports, when nobody listened behind them.
    Unserved,
}

impl TrialRun {
    /// Keeps what came of these questions, by rule and ending.
    pub(super) fn keep_answers<'a>(
        &mut self,
        which: Asked,
        asked: impl IntoIterator<Item = (&'a Row, &'a Seen)>,
        ground: &Ground,
        is_known: impl Fn(&Row) -> bool,
    ) {
        if which == Asked::Whole {
            self.tables_asked += 1;
        }
        let table = self.tables_asked;
        let mut groups: BTreeMap<(&str, &str, String, Compared), Vec<String>> = BTreeMap::new();
        for (row, seen) in asked {
            let difference = judge(row, seen, ground);
            let compared = match difference {
                _ if row.is_unspecified() => Compared::Unspecified,
                None => Compared::Kept,
                Some(_) if is_known(row) => Compared::Declared,
                Some(_) => Compared::Parted,
            };
            let mut ended = ended_in_brief(&Ending::of(seen), &seen.from, ground);
            let wrong = difference.iter().flat_map(|one| &one.wrong);
            let beside: BTreeSet<String> = wrong
                .filter_map(|one| wrong_in_brief(one, &seen.from, ground))
                .collect();
            for text in beside {
                ended.push_str("; ");
                ended.push_str(&text);
            }
            let expected = expected_in_brief(&row.answer);
            let mut question = QuestionByRoles(&row.question).to_string();
            if which == Asked::Unserved {
                question.push_str(", where nobody listens");
            }
            let key = (row.rule.id.0, expected, ended, compared);
            groups.entry(key).or_default().push(question);
        }
        let group = |((rule, expected, ended, compared), mut questions): (_, Vec<String>)| {
            let (rule, expected): (&str, &str) = (rule, expected);
            questions.dedup();
            AnswersReport {
                table,
                rule: rule.to_owned(),
                expected: expected.to_owned(),
                ended,
                compared,
                questions,
            }
        };
        self.answers.extend(groups.into_iter().map(group));
    }
}
