//! From a case to its outcome: trials, their labs, what is watched, and how it is judged.

mod error;
mod execute;
mod folder;
mod judge;
mod observe;
mod outcome;
mod questions;
mod scene;
mod schedule;
mod stage;
mod trial;

pub use error::RunError;
pub use execute::{GoldenUse, Options, execute};
pub use observe::{EVIDENCE_WAIT, Watch};
pub use outcome::{Outcome, ProbeRecord, TrialResult};
pub use schedule::run_all;
pub use trial::Trial;
