//! Versions of the programs that take part in a run, in their own words.

use std::io;
use std::process::{Child, Command, Stdio};

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
    let asked = backends.chain([("nft", "--version"), ("ip", "-V")]);
    // Side by side: all are started before the first is waited for.
    let started: Vec<_> = asked
        .map(|(name, option)| (name, Tool::start(name, option)))
        .collect();
    started
        .into_iter()
        .map(|(name, child)| Tool::answered(name, child))
        .collect()
}

impl Tool {
    /// Asks a program for its version.
    pub fn ask(name: &str, option: &str) -> Self {
        Self::answered(name, Self::start(name, option))
    }

    fn start(name: &str, option: &str) -> io::Result<Child> {
        Command::new(name)
            .arg(option)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    fn answered(name: &str, child: io::Result<Child>) -> Self {
        let version = match child.and_then(Child::wait_with_output) {
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
