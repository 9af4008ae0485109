//! One probe of a trial with its path.

pub use goldpath_report::Outcome;
use serde::{Deserialize, Serialize};

use crate::path::{Line, PacketPath};

/// One probe of a trial and the path that it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// Heading, as `c1 → 8.8.8.8  icmp echo`.
    pub title: String,
    /// Its path.
    pub path: PacketPath,
    /// The path as the golden shows it: by roles in a contract.
    pub drawn: Vec<Line>,
}
