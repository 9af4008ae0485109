//! From a case to its outcome: trials, their labs, what is watched, and how it is judged.

mod causes;
mod error;
mod execute;
mod folder;
mod installation;
mod judge;
mod observe;
mod options;
mod outcome;
mod partition;
mod play;
mod programs;
mod questions;
mod rerun;
mod scene;
mod schedule;
mod stage;
mod table;
mod timing;
mod tools;
mod trial;
mod witness;

pub use error::RunError;
pub use observe::{EVIDENCE_WAIT, Watch};
pub(crate) use observe::{Observer, Origin};
pub use options::{GoldenUse, Options};
pub use outcome::{Outcome, ProbeRecord, TrialResult};
pub use partition::Partition;
pub use programs::missing_programs;
pub use rerun::Rerun;
pub use schedule::{Event, Run, run_all, run_one};
pub(crate) use timing::Clock;
pub use timing::{Phase, Timings};
pub use tools::{Tool, recipe_tools};
pub use trial::Trial;
pub use witness::{Witness, witness};
