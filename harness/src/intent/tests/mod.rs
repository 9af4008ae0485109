//! What holds of every table.

mod any;
mod events;
mod found;
mod places;
mod sketch;
mod stories;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use self::stories::{contract, required};
use super::cell::Cell;
use super::*;
use crate::address::Family;
use crate::case::Feature;

/// Cases whose tables are counted; unspecified cells in brackets.
const COUNTED: [&str; 4] = [
    "bridge/gateway-answers",
    "isolation/published-port-opens-no-other-way",
    "lifecycle/udp-flow-follows-the-port",
    "internal/no-way-in",
];

fn all_features() -> BTreeSet<Feature> {
    Feature::all_but(&[])
}

/// Every moment of every contract case, for who lists everything.
fn every_moment() -> Vec<(String, Moment)> {
    let mut every = Vec::new();
    for case in contract() {
        let moments = course(&case, Family::Ipv4, &all_features())
            .into_iter()
            .enumerate();
        let named = |(number, (_, moment))| (format!("{} {number}", case.id), moment);
        every.extend(moments.map(named));
    }
    every
}

/// What holds of every moment's table.
fn hold(name: &str, moment: &Moment) {
    let rows = table(moment);
    let questions: BTreeSet<&Question> = rows.iter().map(|row| &row.question).collect();
    assert_eq!(
        questions.len(),
        rows.len(),
        "{name}: a question is asked twice"
    );
    assert_eq!(
        rows,
        table(&moment.clone()),
        "{name}: it depends on more than the moment"
    );
    for row in rows.iter().chain(&refusals(moment)) {
        assert_ne!(row.rule.id.0, "unspoken", "{name}: {:?}", row.question);
    }
    for row in &rows {
        one_answer_of_each_rank(name, moment, row);
        if row.question.flow == Flow::Open {
            was_answered(name, moment, row);
        }
    }
}

fn one_answer_of_each_rank(name: &str, moment: &Moment, row: &Row) {
    let services = services(moment);
    let cell = Cell::of(moment, &row.question, &services).expect("both ends are there");
    for rank in [Rank::Changed, Rank::Sized, Rank::Special, Rank::Usual] {
        let answers: Vec<_> = rules()
            .filter(|rule| rule.rank == rank)
            .filter_map(|rule| Some((rule.id, rule.fits(&cell)?)))
            .collect();
        let same = answers.windows(2).all(|two| two[0].1 == two[1].1);
        assert!(same, "{name}: {:?} {answers:#?}", row.question);
    }
}

/// An open flow begins with a question of an earlier table that was answered.
fn was_answered(name: &str, moment: &Moment, row: &Row) {
    let began = Question {
        flow: Flow::New,
        ..row.question.clone()
    };
    let answered = moment
        .earlier()
        .flat_map(table)
        .any(|before| before.question == began && matches!(before.answer, Answer::Answered { .. }));
    assert!(answered, "{name}: {:?} never began", row.question);
}

#[test]
fn every_moment_of_the_contract_has_one_answer_to_each_question() {
    for (name, moment) in every_moment() {
        hold(&name, &moment);
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
    let count = |moment: &Moment| {
        let rows = table(moment);
        let open = rows.iter().filter(|row| row.is_unspecified()).count();
        format!("{} ({open})", rows.len())
    };
    let usual = sketch::networks(&["front", "back"])
        .with(10, &[1], &["8080:80/tcp", "5353:53/udp"])
        .with(11, &[1], &[])
        .with(20, &[2], &["127.0.0.1:9090:90/tcp"])
        .with(21, &[2], &[]);
    let mut text = format!("two networks of two, three ports: {}\n", count(&usual));
    for case in contract() {
        if COUNTED.iter().any(|id| case.id.as_str().ends_with(id)) {
            let course = course(&case, Family::Ipv4, &required(&case));
            let sizes: Vec<String> = course.iter().map(|(_, moment)| count(moment)).collect();
            let _ = writeln!(text, "{}: {}", case.id, sizes.join(", "));
        }
    }
    insta::assert_snapshot!(text);
}
