//! What must be: from an intended network at one moment to every question that can be asked of it, and each one's answer.
//!
//! Nothing here touches a kernel. [`table`] lists the questions that a [`Moment`] allows and answers each by the first
//! [`Rule`] that fits. Whoever asks them, by packets, compares what it saw with the [`Answer`].

mod answer;
mod moment;
mod question;
mod rule;
mod table;

pub use answer::{Answer, Refuser, Sees};
pub use moment::{Attached, Found, Gone, Member, Moment, Net, Port};
pub use question::{Ask, Flow, Question, Size, Target, Vantage, Way};
pub use rule::{RULES, Rule, RuleId};
pub use table::{CLOSED, OPEN, Row, table};
