//! Questions by implementations: where they keep the intent, where they part from it, and what each does where no promise binds.

use std::collections::{BTreeMap, BTreeSet};

use goldpath_report::{AnswersReport, Compared};

use super::columns::columns;
use super::{CaseReport, Report};

/// What implementations answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthTable {
    /// The implementations.
    pub columns: Vec<String>,
    /// Questions that ended alike in every column, the rules in order.
    pub lines: Vec<TruthLine>,
    /// Questions that all of them answered alike and as the intent says: they have no line.
    pub kept_by_all: usize,
    /// Questions that were not put to all of them, and that the others answered alike and as the intent says: they have no line
    /// either.
    pub kept_by_some: usize,
    /// All questions.
    pub questions: usize,
}

/// Questions that one rule decides, and that ended alike in every column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthLine {
    /// The rule of the intent.
    pub rule: String,
    /// What each implementation did; none that was not asked.
    pub cells: Vec<Option<TruthCell>>,
    /// How many questions.
    pub questions: usize,
    /// One of them, with its case.
    pub example: String,
}

/// What an implementation did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TruthCell {
    /// How that compares with the intent.
    pub compared: Compared,
    /// What must come of it.
    pub expected: String,
    /// What came.
    pub ended: String,
}

/// What every column did.
type Cells = Vec<Option<TruthCell>>;
/// Questions by their table, each with its rule.
type ByQuestion<'a> = BTreeMap<(usize, &'a str), (&'a str, Cells)>;

impl TruthTable {
    /// The table of a report; none if no answers were kept.
    pub fn of(report: &Report) -> Option<Self> {
        let mut cases: BTreeMap<(&str, &[String]), Vec<&CaseReport>> = BTreeMap::new();
        for case in report.cases.iter().filter(|case| !case.answers.is_empty()) {
            let key = (case.id.as_str(), case.families.as_slice());
            cases.entry(key).or_default().push(case);
        }
        if cases.is_empty() {
            return None;
        }
        // Also who was to be asked and answered nothing has a column.
        let asked = report.cases.iter();
        let asked = asked.filter(|case| cases.keys().any(|(id, _)| *id == case.id));
        let names: BTreeSet<String> = asked.map(CaseReport::column).collect();
        let columns: Vec<String> = names.into_iter().collect();
        let mut groups: BTreeMap<(String, Cells), (usize, String)> = BTreeMap::new();
        let (mut kept_by_all, mut kept_by_some, mut questions) = (0, 0, 0);
        for ((id, _), trials) in cases {
            for ((table, question), (rule, cells)) in questions_of(&trials, &columns) {
                questions += 1;
                if are_kept_alike(&cells) {
                    let kept = match cells.contains(&None) {
                        true => &mut kept_by_some,
                        false => &mut kept_by_all,
                    };
                    *kept += 1;
                    continue;
                }
                let example = || match table {
                    1 => format!("{id}: {question}"),
                    _ => format!("{id}, table {table}: {question}"),
                };
                let group = groups.entry((rule.to_owned(), cells));
                group.or_insert_with(|| (0, example())).0 += 1;
            }
        }
        let line = |((rule, cells), (questions, example))| TruthLine {
            rule,
            cells,
            questions,
            example,
        };
        Some(Self {
            columns,
            lines: groups.into_iter().map(line).collect(),
            kept_by_all,
            kept_by_some,
            questions,
        })
    }
}

/// Each question of a case, by its table, with its rule and what every column did.
fn questions_of<'a>(trials: &[&'a CaseReport], columns: &[String]) -> ByQuestion<'a> {
    let mut found = ByQuestion::new();
    for trial in trials {
        let own = trial.column();
        let Some(place) = columns.iter().position(|column| *column == own) else {
            continue;
        };
        for answers in &trial.answers {
            for question in &answers.questions {
                let none = || (answers.rule.as_str(), vec![None; columns.len()]);
                let entry = found.entry((answers.table, question)).or_insert_with(none);
                if let Some(cell) = entry.1.get_mut(place) {
                    *cell = Some(TruthCell::of(answers));
                }
            }
        }
    }
    found
}

fn are_kept_alike(cells: &[Option<TruthCell>]) -> bool {
    let there: BTreeSet<&TruthCell> = cells.iter().flatten().collect();
    let kept = |cell: &&TruthCell| cell.compared == Compared::Kept;
    there.len() < 2 && there.first().is_none_or(kept)
}

impl TruthCell {
    fn of(answers: &AnswersReport) -> Self {
        Self {
            compared: answers.compared,
            expected: answers.expected.clone(),
            ended: answers.ended.clone(),
        }
    }

    /// What it did, with what it should have done where that is something else.
    pub fn text(&self) -> String {
        match self.compared {
            Compared::Kept => self.ended.clone(),
            Compared::Parted => format!("{}; must be: {}", self.ended, self.expected),
            Compared::Declared => format!("{}; must be: {} (known)", self.ended, self.expected),
            Compared::Unspecified => format!("({})", self.ended),
        }
    }
}

/// A column that was not asked.
pub const NOT_ASKED: &str = "–";

/// The table as text, with what its marks mean.
pub fn truth_text(table: &TruthTable) -> String {
    let head = ["rule", "questions"].into_iter().map(str::to_owned);
    let head = head.chain(table.columns.iter().cloned());
    let mut lines: Vec<Vec<String>> = vec![head.chain(["for example".to_owned()]).collect()];
    lines.extend(table.lines.iter().map(|line| {
        let cells = line.cells.iter().map(|cell| {
            let text = cell.as_ref().map(TruthCell::text);
            text.unwrap_or_else(|| NOT_ASKED.to_owned())
        });
        let start = [line.rule.clone(), line.questions.to_string()].into_iter();
        start.chain(cells).chain([line.example.clone()]).collect()
    }));
    format!("{}{}\n", columns(&lines), truth_summary(table))
}

/// What the table leaves out.
pub fn truth_summary(table: &TruthTable) -> String {
    let some = match table.kept_by_some {
        0 => String::new(),
        more => format!(", {more} more by those that were asked"),
    };
    format!(
        "{} of {} questions were answered by all alike and as the intent says{some}; in brackets: no promise binds",
        table.kept_by_all, table.questions
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn answered(rule: &str, compared: Compared, ended: &str, questions: &[&str]) -> AnswersReport {
        AnswersReport {
            table: 1,
            rule: rule.to_owned(),
            expected: "blocked".to_owned(),
            ended: ended.to_owned(),
            compared,
            questions: questions.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    fn report() -> Report {
        let mut report = sample::report();
        report.cases.truncate(2);
        report.cases[0].answers = vec![
            answered("isolation", Compared::Kept, "silent", &["a", "b", "c"]),
            answered("open", Compared::Unspecified, "refused", &["d"]),
        ];
        report.cases[1].answers = vec![
            answered("isolation", Compared::Kept, "silent", &["a"]),
            answered("isolation", Compared::Parted, "answered", &["b", "c"]),
        ];
        report
    }

    #[test]
    fn questions_are_told_by_what_each_implementation_did() {
        let table = TruthTable::of(&report()).expect("answers");
        assert_eq!(table.columns, ["<b>other", "recipe/iptables-legacy"]);
        assert_eq!((table.kept_by_all, table.questions), (1, 4));
        assert_eq!(table.kept_by_some, 0);
        insta::assert_snapshot!(truth_text(&table), @r"
        rule       questions  <b>other   recipe/iptables-legacy      for example
        isolation  2          silent     answered; must be: blocked  egress/masquerade: b
        open       1          (refused)  –                           egress/masquerade: d
        1 of 4 questions were answered by all alike and as the intent says; in brackets: no promise binds
        ");
    }

    /// Who could not be set up agrees with nobody.
    #[test]
    fn who_answered_nothing_has_a_column() {
        let mut report = report();
        report.cases[1].answers = Vec::new();
        let table = TruthTable::of(&report).expect("answers");
        assert_eq!(table.columns, ["<b>other", "recipe/iptables-legacy"]);
        assert_eq!((table.kept_by_all, table.kept_by_some), (0, 3));
    }

    #[test]
    fn a_report_without_answers_has_no_table() {
        assert_eq!(TruthTable::of(&sample::report()), None);
    }

    #[test]
    fn every_format_has_the_table_and_no_markup_of_names() {
        let report = report();
        let markdown = crate::report::markdown(&report, None);
        let html = crate::report::html(&report, None);
        for text in [&markdown, &html] {
            assert!(text.contains("answered; must be: blocked"), "{text}");
        }
        assert!(!html.contains("<b>other"));
    }
}
