//! The path of one probe: hops, netfilter's verdicts between them, and the fate.

mod cause;
mod deed;
mod line;
mod model;
mod seen;

pub use cause::Cause;
pub use deed::{Deed, RuleName, Translation};
pub use line::{Is, Line};
pub use model::{End, Fate, Fragment, Hop, Leg, PacketPath, Rewrite, Step, Verdict};
pub use seen::{Action, Binding, Direction, Hook, LegKind, Lookup, Rule};
