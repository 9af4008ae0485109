//! Mutants of recipe cases: one thing in the configuration is changed, and the case must notice. Faults of the native
//! implementation: one thing in it is broken, and the contract must notice.
//!
//! What the suite catches of these is a measure of the suite. A mutant that survives asks for a
//! sharper case or a sharper golden, never for a special check.

mod baseline;
mod command_change;
mod equivalent;
mod error;
mod faults;
mod generated;
mod hunt;
mod live;
mod measure;
mod operators;
mod score;

pub use baseline::{Baseline, Scores, schema_text};
pub use command_change::CommandChange;
use command_change::{Mutant, mutants};
use equivalent::{Equivalent, declared};
pub use error::MutateError;
pub use faults::{FaultReport, FaultScore, ScoredFault};
use generated::ScoredGenerated;
pub use generated::{Catcher, GeneratedScore};
pub use live::{LiveRule, LiveRules, LiveScore};
pub use measure::{FaultsAsked, Measure};
use score::judge;
pub use score::{Fate, Score, Scored};
