//! Netfilter's decisions and bindings, as the kernel reports them.
//!
//! [`Tracer`] arms a node and drains its decisions, for iptables-nft, native nf_tables and
//! iptables-legacy alike; [`Conntrack`] dumps its bindings. What the kernel sends is decoded without
//! trust in its lengths, and what was lost is an error.

mod chains;
mod conntrack;
mod decision;
mod drops;
mod error;
mod nflog;
mod nft;
mod node;
mod print;
mod rules;
mod ruleset;
mod save;
mod table;
mod tracer;

pub use chains::drops_by_policy;
pub use conntrack::{Connection, Conntrack, ConntrackEntry, Tuple};
pub use drops::Drops;
pub use error::TraceError;
pub use rules::{Edit, InstalledRule, Keeper, installed_rules};
pub use save::{SavedChain, SavedTable, parse_save, target};
pub use tracer::{Traced, Tracer};
