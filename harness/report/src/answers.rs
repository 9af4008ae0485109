//! What came of the questions of a case's tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Questions of one table that one rule decides, and that ended alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct AnswersReport {
    /// Which of the case's tables, from 1.
    pub table: usize,
    /// The rule of the intent, as `isolation`.
    pub rule: String,
    /// What must come of them, as `blocked`; `unspecified` where no promise binds.
    pub expected: String,
    /// How they ended, as `answered, sees the host`.
    pub ended: String,
    /// How that compares.
    pub compared: Compared,
    /// The questions by roles, as `lan → host.uplink by tcp 8080`.
    pub questions: Vec<String>,
}

/// How an answer compares with the intent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Compared {
    /// It is as it must be.
    Kept,
    /// It is not.
    Parted,
    /// It is not, which is a declared defect of the implementation.
    Declared,
    /// No promise binds.
    Unspecified,
}
