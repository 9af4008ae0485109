//! Packet paths: assembly from recorded evidence and rendering as text. Pure: no kernel is touched here.

mod account;
mod assemble;
mod drawn;
mod evidence;
mod fate;
mod names;
mod neutral;
mod render;
mod walk;

#[cfg(test)]
mod tests;

pub use account::account;
pub use assemble::assemble;
pub use drawn::Drawing;
pub use evidence::{Answer, Evidence, Frame, Interface, Node, Sent, VerdictEvent};
pub use goldpath_report::path::{
    Action, Binding, Cause, Deed, Direction, End, Fate, Fragment, Hook, Hop, Is, Leg, LegKind,
    Line, Lookup, PacketPath, Rewrite, Rule, RuleName, Step, Translation, Verdict,
};
pub use names::by_wiring;
pub use neutral::{Passage, draw_neutral};
pub use render::{draw, render};
