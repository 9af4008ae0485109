//! Scenarios and sequences of events that nobody wrote.
//!
//! A [`Sketch`] is a contract case as a value: networks, containers, the host as found, events, and the moments at which the
//! whole table of the intent is asked. [`Stream`] makes them from a seed, the early ones so that every pair of values of two
//! [`Axis`]es occurs; [`smaller`] lists what a failing one can do without. All of that touches no kernel. A [`Campaign`] puts
//! scenarios to implementations and makes small what parts one from the intent.

mod axis;
mod build;
mod campaign;
mod cover;
mod numbers;
mod shrink;
mod sketch;
mod write;

pub use campaign::{Campaign, Disagreement, Explored, Step, Until, cases};
pub use cover::PAIRS_WITHIN;
pub use numbers::drawn;
