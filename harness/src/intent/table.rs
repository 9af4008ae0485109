//! Every question that a moment allows, with its answer.

use super::{Answer, Moment, Question, Rule};

/// A question, its answer, and the rule that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The question.
    pub question: Question,
    /// What must come of it.
    pub answer: Answer,
    /// Why.
    pub rule: &'static Rule,
}

/// Port on which every node has a service that is not published, TCP and UDP.
pub const OPEN: u16 = 7_001;
/// Port on which nobody listens.
pub const CLOSED: u16 = 7_002;

/// All questions of a moment. The order depends on the moment alone.
pub fn table(moment: &Moment) -> Vec<Row> {
    let _ = moment;
    Vec::new()
}
