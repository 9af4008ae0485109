//! What was seen of a trial, held against its case and drawn: pure, so that a saved trial is judged by the same lines as a live
//! one, without root and without a kernel.

mod expect;
mod judgement;
mod known;
mod outcome;
mod recording;
mod replay;
mod way;

pub use judgement::Judgement;
pub use known::Known;
pub(crate) use known::endpoints;
pub use outcome::{Outcome, ProbeRecord};
pub use recording::{CellSeen, ProbeSeen, Recording, RecordingError, Seen};
pub use replay::{Replayed, hold_against, replay};
