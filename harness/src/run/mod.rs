//! From a case to its outcome.

mod outcome;

pub use outcome::{Outcome, ProbeRecord, TrialResult};
