//! How a trial ended. Results are outcomes; a verdict is netfilter's word and nothing else.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a trial ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Outcome {
    /// The path is the golden one and every expectation holds.
    Passed,
    /// The implementation did otherwise.
    Failed,
    /// It failed as declared, with an issue or CVE id.
    ExpectedFailure,
    /// The implementation does not list a feature that the case requires.
    NotSupported,
    /// Switched off by the person who runs it.
    Disabled,
    /// The harness or the machine broke; nothing is known about the implementation.
    Errored,
}

impl Outcome {
    /// Every outcome, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Passed,
        Self::Failed,
        Self::ExpectedFailure,
        Self::NotSupported,
        Self::Disabled,
        Self::Errored,
    ];

    /// A sign of one column; tables say the word with it or in a legend.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Failed => "✗",
            Self::ExpectedFailure => "≈",
            Self::NotSupported => "○",
            Self::Disabled => "⊘",
            Self::Errored => "!",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::ExpectedFailure => "expected-failure",
            Self::NotSupported => "not-supported",
            Self::Disabled => "disabled",
            Self::Errored => "errored",
        })
    }
}
