//! Mutants of recipe cases: one thing in the configuration is changed, and the case must notice. Faults of the native
//! implementation: one thing in it is broken, and the contract must notice.
//!
//! What the suite catches of these is a measure of the suite. A mutant that survives asks for a
//! sharper case or a sharper golden, never for a special check.

mod baseline;
mod command_change;
mod equivalent;
mod faults;
mod generated;
mod operators;
mod score;

pub use baseline::{Baseline, Scores, schema_text};
pub use command_change::{CommandChange, Mutant, mutants};
pub use equivalent::{Equivalent, declared};
pub use faults::{FaultReport, FaultScore, ScoredFault};
pub use generated::{Catcher, GeneratedScore, ScoredGenerated};
pub use score::{Fate, Score, Scored, judge};
