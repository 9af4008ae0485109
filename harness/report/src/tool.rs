//! A program that took part in a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A program that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Tool {
    /// Its name, as a case or the harness calls it.
    pub name: String,
    /// The first line of what it says about its version, or why it says none.
    pub version: String,
    /// Where it is on the machine; null for what an implementation tells of itself.
    #[serde(default)]
    pub path: Option<String>,
}

impl Tool {
    /// How reports call it: the place of the file, which no other program has, or its name.
    pub fn place(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }
}
