//! Packet paths: assembly from recorded evidence and rendering as text. Pure: no kernel is touched here.

mod account;
mod assemble;
mod evidence;
mod fate;
mod model;
mod names;
mod neutral;
mod render;
mod walk;

#[cfg(test)]
mod tests;

pub use account::account;
pub use assemble::assemble;
pub use evidence::{
    Action, Answer, Binding, Direction, Evidence, Frame, Hook, Interface, LegKind, Lookup, Node,
    Rule, Sent, VerdictEvent,
};
pub use model::{End, Fate, Fragment, Hop, Leg, PacketPath, Rewrite, Step, Verdict};
pub use names::by_wiring;
pub use neutral::{Roles, Way, render_neutral};
pub use render::render;
