//! Packet paths: assembly from recorded evidence and rendering as text. Pure: no kernel is touched here.

mod account;
mod assemble;
mod cause;
mod drawn;
mod evidence;
mod fate;
mod model;
mod names;
mod neutral;
mod render;
mod walk;

#[cfg(test)]
mod tests;

pub use account::{Deed, RuleName, Translation, account};
pub use assemble::assemble;
pub use cause::Cause;
pub use drawn::{Drawing, Is, Line};
pub use evidence::{
    Action, Answer, Binding, Direction, Evidence, Frame, Hook, Interface, LegKind, Lookup, Node,
    Rule, Sent, VerdictEvent,
};
pub use model::{End, Fate, Fragment, Hop, Leg, PacketPath, Rewrite, Step, Verdict};
pub use names::by_wiring;
pub use neutral::{Passage, Roles, draw_neutral};
pub use render::{draw, render};
