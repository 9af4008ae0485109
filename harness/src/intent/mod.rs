//! What must be: from an intended network at one moment to every question that can be asked of it, and each one's answer.
//!
//! Nothing here touches a kernel. [`table`] lists the questions that a [`Moment`] allows and answers each by the first
//! [`Rule`] that fits. Whoever asks them, by packets, compares what it saw with the [`Answer`].

mod answer;
mod cell;
mod course;
mod flows;
mod moment;
mod question;
mod questions;
mod rule;
mod rules;
mod share;
mod table;
mod targets;
#[cfg(test)]
mod tests;

#[cfg(test)]
use self::{
    moment::{Found, Gone, Net, Port},
    rule::Rank,
    table::answer,
};
pub use answer::{Answer, Refuser, Sees, Why};
pub use course::course;
pub use flows::LASTING;
pub use moment::{Attached, Member, Moment};
pub use question::{Ask, Flow, Question, Routing, Size};
#[cfg(test)]
pub use question::{Target, Vantage};
pub use rule::{Rule, RuleId, groups, rules};
pub use share::Share;
pub use table::{CLOSED, OPEN, Row, refusals, services, table};
