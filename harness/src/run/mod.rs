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
mod timing;
mod trial;

pub use error::RunError;
pub use execute::{GoldenUse, Options, execute};
pub(crate) use observe::Observer;
pub use observe::{EVIDENCE_WAIT, Watch};
pub use outcome::{Outcome, ProbeRecord, TrialResult};
pub use schedule::run_all;
pub(crate) use timing::Clock;
pub use timing::{Phase, Timings};
pub use trial::Trial;
