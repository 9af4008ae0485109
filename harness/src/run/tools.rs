//! Versions of the programs that take part in a run, in their own words.

pub use goldpath_report::Tool;

use crate::case::Backend;
use crate::program::{Program, ProgramError, Running, find_program};

/// The programs that recipes call: both back ends' iptables, nft and ip.
pub fn recipe_tools() -> Vec<Tool> {
    let backends = Backend::ALL
        .iter()
        .map(|backend| (backend.as_str(), "--version"));
    let asked = backends.chain([("nft", "--version"), ("ip", "-V")]);
    // Side by side: all are started before the first is waited for.
    let started: Vec<_> = asked
        .map(|(name, option)| (name, start(name, option)))
        .collect();
    started
        .into_iter()
        .map(|(name, running)| answered(name, running))
        .collect()
}

/// Asks a program for its version.
pub fn ask_version(name: &str, option: &str) -> Tool {
    answered(name, start(name, option))
}

fn start(name: &str, option: &str) -> Result<Running, ProgramError> {
    Program::new([name, option]).start()
}

fn answered(name: &str, running: Result<Running, ProgramError>) -> Tool {
    let version = match running.and_then(Running::finish) {
        Ok(ended) => ended.first_line(),
        Err(error) => format!("not there: {error}"),
    };
    Tool {
        name: name.to_owned(),
        version,
        path: find_program(name)
            .ok()
            .map(|path| path.display().to_string()),
    }
}
