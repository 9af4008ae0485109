//! From a file as written to a validated case. Every finding is collected; none hides the next.

mod case;
mod change;
mod container;
mod control;
mod findings;
mod host;
mod listen;
mod network;
mod place;
mod probe;
mod scope;
mod step;

pub(super) use case::validate;
pub(super) use change::at_first;
