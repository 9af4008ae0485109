//! What became of each mutant, and the score of the suite.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Change, Equivalent, Mutant};
use crate::run::{Outcome, TrialResult};

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The case failed, and its message names a place at or behind the change.
    Caught,
    /// The case failed, but its message points only in front of the change.
    Misplaced,
    /// Everything still passed.
    Survived,
    /// Everything still passed, as declared.
    Equivalent,
    /// The kernel or a program refused the changed command: there is no such network.
    Invalid,
}

/// One mutant's result.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Scored {
    /// What was changed.
    pub change: Change,
    /// What became of it.
    pub fate: Fate,
    /// The case's message, or the reason of an equivalence.
    pub message: String,
}

/// The score of a run over mutants.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Mutants that a case noticed at the right place.
    pub caught: usize,
    /// Mutants that exist as networks and are not declared equivalent.
    pub all: usize,
    /// Mutants declared equivalent.
    pub equivalent: usize,
    /// Changed commands that were refused.
    pub invalid: usize,
    /// Every mutant.
    pub mutants: Vec<Scored>,
}

impl Score {
    /// Counts results.
    pub fn of(mutants: Vec<Scored>) -> Self {
        let count = |fate| mutants.iter().filter(|scored| scored.fate == fate).count();
        let (equivalent, invalid) = (count(Fate::Equivalent), count(Fate::Invalid));
        Self {
            caught: count(Fate::Caught),
            all: mutants.len() - equivalent - invalid,
            equivalent,
            invalid,
            mutants,
        }
    }

    /// Mutants that nothing noticed, or only at the wrong place.
    pub fn survivors(&self) -> impl Iterator<Item = &Scored> {
        self.mutants
            .iter()
            .filter(|scored| matches!(scored.fate, Fate::Survived | Fate::Misplaced))
    }
}

/// Judges one mutant by what its case said.
pub fn judge(mutant: &Mutant, result: &TrialResult, equivalents: &[Equivalent]) -> Scored {
    let declared = equivalents.iter().find(|one| one.covers(&mutant.change));
    let fate = match result.outcome {
        Outcome::Failed if names_place(mutant, &result.message) => Fate::Caught,
        Outcome::Failed => Fate::Misplaced,
        Outcome::Errored => Fate::Invalid,
        _ if declared.is_some() => Fate::Equivalent,
        _ => Fate::Survived,
    };
    let message = match (fate, declared) {
        (Fate::Equivalent, Some(declared)) => declared.reason.clone(),
        _ => result.message.clone(),
    };
    Scored {
        change: mutant.change.clone(),
        fate,
        message,
    }
}

/// Nodes in the order in which a container's packet to the outside meets them. A reply meets them
/// the other way round, so every node is also behind every other one for a path that turns back.
const WAY: [&str; 4] = ["host", "gateway", "isp", "outside"];

/// Whether the message names the changed node, one that a packet meets behind it, or an address that the change took away.
fn names_place(mutant: &Mutant, message: &str) -> bool {
    let node = mutant.change.node.as_str();
    let behind = WAY
        .iter()
        .position(|one| *one == node)
        .map_or(&WAY[..], |at| &WAY[at..]);
    let pointed: Vec<&str> = message.lines().filter_map(pointing).collect();
    let named = |node: &str| {
        pointed
            .iter()
            .flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')))
            .any(|word| word == node)
    };
    let addresses = mutant.change.was.split([' ', '/']);
    let mut addresses = addresses.filter(|word| word.parse::<IpAddr>().is_ok());
    let gone = addresses.any(|address| pointed.iter().any(|line| line.ends_with(address)));
    named(node) || behind.iter().any(|node| named(node)) || gone
}

/// The part of a message's line that points somewhere: what was expected and seen there, without the probe's heading and
/// without the whole paths as a difference, which name every node.
fn pointing(line: &str) -> Option<&str> {
    if ["  after ", "  expected ", "  seen "]
        .iter()
        .any(|with| line.starts_with(with))
    {
        return Some(line);
    }
    if line.starts_with([' ', '+', '-']) {
        return None;
    }
    Some(line.split_once("): ").map_or(line, |(_, said)| said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_and_the_whole_paths_point_nowhere() {
        let pointed = |line| pointing(line).unwrap_or_default();
        let said = "fate: expected answered, seen request dropped at host";
        let line = format!("line 7, probe 1 (c1 → c2  icmp echo): {said}");
        assert_eq!(pointing(&line), Some(said));
        assert_eq!(pointed("  in       probe 1  c1 → c2"), "");
        assert_eq!(pointed("-  host:veth0        <"), "");
        assert_eq!(pointed("   host:veth0        <"), "");
        assert!(pointed("  seen     host:veth0  <").contains("host"));
    }
}
