//! Packet paths: assembly from recorded evidence and rendering as text. Pure: no kernel is touched here.

mod evidence;
mod model;

pub use evidence::{
    Action, Answer, Binding, Direction, Evidence, Frame, Hook, Interface, Lookup, Node, Rule, Sent,
    VerdictEvent,
};
pub use model::{Fate, Hop, Leg, LegKind, PacketPath, Step, Verdict};
