//! From a file as written to a validated case. Every finding is collected; none hides the next.

mod case;
mod control;
mod findings;
mod network;
mod probe;
mod step;

pub(super) use case::validate;
