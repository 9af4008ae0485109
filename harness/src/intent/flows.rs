//! Flows that were there before the last event.

use super::answer::Answer;
use super::moment::Moment;
use super::question::{Ask, Flow, Question, Size};
use super::table::{Row, table_of_new_flows};
use crate::plan::contract::LAN2_NODE;

/// Nodes that no event touches.
pub const LASTING: [&str; 4] = ["host", "lan", LAN2_NODE, "outside"];

/// Flows that were answered in an earlier moment and that an event may have touched.
pub(super) fn open_flows(moment: &Moment) -> Vec<Question> {
    let mut since = vec![moment];
    let mut list = Vec::new();
    for before in moment.earlier() {
        let rows = table_of_new_flows(before).into_iter();
        let rows = rows.filter(|row| row.may_go_on() && goes_on(&since, row));
        list.extend(rows.map(|row| Question {
            flow: Flow::Open,
            ..row.question
        }));
        since.push(before);
    }
    list
}

impl Row {
    /// Whether it begins a flow that events may touch: it is answered, and one of two different ends is a container, or the host
    /// asks, which may let answers in by what conntrack knows.
    pub fn may_go_on(&self) -> bool {
        let question = &self.question;
        let from = question.from.0.as_str();
        let Answer::Answered { by, .. } = &self.answer else {
            return false;
        };
        let lasting = LASTING.contains(&from) && LASTING.contains(&by.as_str()) && from != "host";
        let small = question.size == Size::Small && question.flow == Flow::New;
        // Of a published number the next table asks anew.
        let once = matches!(question.ask, Ask::FromPublished(..));
        small && by != from && !lasting && !once
    }
}

/// Whether the flow may still be there: both its ends know of a connection, the asking one alone of the others.
fn goes_on(since: &[&Moment], row: &Row) -> bool {
    let from = row.question.from.0.as_str();
    let there = |moment: &&Moment, name: &str| moment.asker(name).is_some();
    match (&row.question.ask, &row.answer) {
        (Ask::Tcp(_), Answer::Answered { by, .. }) => since
            .iter()
            .all(|moment| there(moment, from) && there(moment, by)),
        _ => since.first().is_some_and(|now| there(now, from)),
    }
}
