//! Every question of a table put to a live lab at once, and what was seen of each.
//!
//! Sockets are opened in the asking nodes' namespaces and held; one loop serves both ends. Nothing has a time limit of its
//! own: a question whose answer must come is waited for together with all others, and one that must not be answered has
//! ended when questions that were sent after it have gone every way and come back.

mod asking;
mod change;
mod ending;
mod error;
mod flows;
mod judge;
mod numbers;
mod parts;
mod pinned;
mod ready;
mod seen;
mod sights;
mod socket;
#[cfg(test)]
mod tests;
mod words;

pub use asking::Asker;
pub use ending::Ending;
pub use error::AskError;
pub use flows::Flows;
pub use judge::{AnswerDifference, Ground, Wrong, judge};
pub use numbers::Numbers;
pub use parts::{PAIRS, parts};
pub use seen::Seen;
pub use words::{
    AnswerText, QuestionByRoles, QuestionText, ended_in_brief, expected_in_brief, wrong_in_brief,
};
