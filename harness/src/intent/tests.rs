//! What holds of every table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cell::Cell;
use super::stories::{contract, moments, required};
use super::*;
use crate::case::Feature;

fn all_features() -> BTreeSet<Feature> {
    Feature::all_but(&[])
}

/// Every moment of every contract case, for who lists everything.
fn every_moment() -> Vec<(String, Moment)> {
    let mut every = Vec::new();
    for case in contract() {
        let moments = moments(&case, &all_features());
        let named = moments.into_iter().enumerate();
        every.extend(named.map(|(number, moment)| (format!("{} {number}", case.id), moment)));
    }
    every
}

#[test]
fn no_question_is_asked_twice_and_each_has_a_rule() {
    for (name, moment) in every_moment() {
        let rows = table(&moment);
        let questions: BTreeSet<&Question> = rows.iter().map(|row| &row.question).collect();
        assert_eq!(questions.len(), rows.len(), "{name}");
        assert_eq!(rows, table(&moment.clone()), "{name}");
        for row in rows.iter().chain(&refusals(&moment)) {
            assert_ne!(
                row.rule.id,
                RuleId("unspoken"),
                "{name}: {:?}",
                row.question
            );
        }
    }
}

#[test]
fn no_two_rules_of_one_rank_answer_differently() {
    for (name, moment) in every_moment() {
        let services = services(&moment);
        for row in table(&moment) {
            let cell = Cell::of(&moment, &row.question, &services).expect("both ends are there");
            for rank in [Rank::Changed, Rank::Sized, Rank::Special, Rank::Usual] {
                let answers: Vec<_> = rules()
                    .filter(|rule| rule.rank == rank)
                    .filter_map(|rule| Some((rule.id, (rule.fits)(&cell)?)))
                    .collect();
                let same = answers.windows(2).all(|two| two[0].1 == two[1].1);
                assert!(same, "{name}: {:?} {answers:#?}", row.question);
            }
        }
    }
}

#[test]
fn ids_are_unique_and_every_rule_decides_somewhere() {
    let ids: BTreeSet<RuleId> = rules().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules().count());
    let mut used = BTreeSet::new();
    for (_, moment) in every_moment() {
        let rows = table(&moment).into_iter().chain(refusals(&moment));
        used.extend(rows.map(|row| row.rule.id));
    }
    let unused: Vec<_> = ids.difference(&used).map(|id| id.0).collect();
    insta::assert_snapshot!(unused.join("\n"));
}

#[test]
fn a_table_has_some_hundred_cells() {
    let mut text = String::new();
    for case in contract() {
        let sizes: Vec<String> = moments(&case, &required(&case))
            .iter()
            .map(|moment| {
                let rows = table(moment);
                let open = rows.iter().filter(|row| row.is_unspecified()).count();
                format!("{} ({open})", rows.len())
            })
            .collect();
        let _ = writeln!(text, "{}: {}", case.id, sizes.join(", "));
    }
    insta::assert_snapshot!(text);
}
