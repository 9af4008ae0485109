//! Versions of the programs that take part in a run, in their own words.

use std::process::Command;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Backend;

/// A program that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name, as a case or the harness calls it.
    pub name: String,
    /// The first line of what it says about its version, or why it says none.
    pub version: String,
}

/// The programs that recipes call: both back ends' iptables, nft and ip.
pub fn recipe_tools() -> Vec<Tool> {
    let backends = Backend::ALL
        .iter()
        .map(|backend| (backend.as_str(), "--version"));
    backends
        .chain([("nft", "--version"), ("ip", "-V")])
        .map(|(name, option)| Tool::ask(name, option))
        .collect()
}

impl Tool {
    /// Asks a program for its version.
    pub fn ask(name: &str, option: &str) -> Self {
        let version = match Command::new(name).arg(option).output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            Err(error) => format!("not there: {error}"),
        };
        Self {
            name: name.to_owned(),
            version,
        }
    }
}
