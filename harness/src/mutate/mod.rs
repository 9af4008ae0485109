//! Mutants of recipe cases: one thing in the configuration is changed, and the case must notice.
//!
//! What the suite catches of these is a measure of the suite. A mutant that survives asks for a
//! sharper case or a sharper golden, never for a special check.

mod change;
mod equivalent;
mod operators;
mod score;

pub use change::{Change, Mutant, mutants};
pub use equivalent::{Equivalent, EquivalentError, declared};
pub use score::{Fate, Score, Scored, judge};
