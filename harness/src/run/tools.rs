//! Versions of the programs that take part in a run, in their own words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Backend;
use crate::program::{Program, ProgramError, Running, find_program};

/// A program that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name, as a case or the harness calls it.
    pub name: String,
    /// The first line of what it says about its version, or why it says none.
    pub version: String,
    /// Where it is on the machine; null for what an implementation tells of itself.
    #[serde(default)]
    pub path: Option<String>,
}

/// The programs that recipes call: both back ends' iptables, nft and ip.
pub fn recipe_tools() -> Vec<Tool> {
    let backends = Backend::ALL
        .iter()
        .map(|backend| (backend.as_str(), "--version"));
    let asked = backends.chain([("nft", "--version"), ("ip", "-V")]);
    // Side by side: all are started before the first is waited for.
    let started: Vec<_> = asked
        .map(|(name, option)| (name, Tool::start(name, option)))
        .collect();
    started
        .into_iter()
        .map(|(name, running)| Tool::answered(name, running))
        .collect()
}

impl Tool {
    /// How reports call it: the place of the file, which no other program has, or its name.
    pub fn place(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }

    /// Asks a program for its version.
    pub fn ask(name: &str, option: &str) -> Self {
        Self::answered(name, Self::start(name, option))
    }

    fn start(name: &str, option: &str) -> Result<Running, ProgramError> {
        Program::new([name, option]).start()
    }

    fn answered(name: &str, running: Result<Running, ProgramError>) -> Self {
        let version = match running.and_then(Running::finish) {
            Ok(ended) => ended.first_line(),
            Err(error) => format!("not there: {error}"),
        };
        Self {
            name: name.to_owned(),
            version,
            path: find_program(name)
                .ok()
                .map(|path| path.display().to_string()),
        }
    }
}
