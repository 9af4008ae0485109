//! What is said about a whole trial: what it leaves, what is known of it, and what a person does next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that is not in the host as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Leftover {
    /// Which way.
    pub change: LeftoverChange,
    /// What it is, as `link` or `firewall`.
    pub kind: String,
    /// The thing itself.
    pub entry: String,
}

/// How something differs from before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum LeftoverChange {
    /// It was not there.
    Added,
    /// It is gone.
    Removed,
    /// It was otherwise.
    Changed,
    /// It stands in another order.
    Moved,
}

/// A known defect of an implementation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Defect {
    /// Where it is tracked: an issue or a CVE.
    pub issue: String,
    /// What is wrong, in one sentence.
    pub why: String,
    /// Whether it shows only at times, as where the implementation loses a race: that it does not is no news either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_times: bool,
}

/// How a person makes what was seen the golden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Review {
    /// Not at all: it is a known defect.
    Nothing,
    /// It stands beside the golden, in this file.
    Pending(String),
    /// It could not be written there; what the kernel said.
    NotWritten(String),
    /// On a machine where somebody reviews.
    Elsewhere,
}
