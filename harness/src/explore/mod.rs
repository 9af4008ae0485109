//! Scenarios and sequences of events that nobody wrote.
//!
//! A [`Sketch`] is a contract case as a value: networks, containers, the host as found, events, and the moments at which the
//! whole table of the intent is asked. [`Stream`] makes them from a seed, the early ones so that every pair of values of two
//! [`Axis`]es occurs; [`smaller`] lists what a failing one can do without. Nothing here touches a kernel.

mod axis;
mod build;
mod cover;
mod numbers;
mod shrink;
mod sketch;
mod write;

pub use axis::{AXES, Axis};
pub use cover::{PAIRS_WITHIN, Scene, Stream};
pub use shrink::smaller;
pub use sketch::{Container, Event, Host, Network, Place, Sketch};
