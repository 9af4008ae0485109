//! A question of a contract's table that was not answered as the intent says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trial::Defect;

/// Questions that differ in one way from one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct CellDifference {
    /// The question that was asked again alone, as `c2 → c1 (10.77.1.2) by tcp 7001`.
    pub question: String,
    /// The rule's id, as `isolation`.
    pub rule: String,
    /// What the rule says.
    pub sentence: String,
    /// How strongly it binds: `must`, `should` or `may`.
    pub level: String,
    /// The known defect that it is; null if nobody has declared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Defect>,
    /// What must come of it, as `blocked`.
    pub expected: String,
    /// What came of it.
    pub seen: String,
    /// What else is wrong about it.
    pub wrong: Vec<String>,
    /// Other questions that differ in the same way.
    pub others: Vec<String>,
    /// Those of all these questions that were answered as the rule says when they were asked again: the cause is one that
    /// comes and goes.
    pub unsteady: Vec<String>,
    /// The path of the question that was asked alone, drawn.
    pub path: String,
}
