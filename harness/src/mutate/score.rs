//! What became of each mutant, and the score of the suite.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CommandChange, Equivalent, Mutant};
use crate::finding::Finding;
use crate::run::{Outcome, TrialResult};

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The case failed, and what it found is at or behind the change.
    Caught,
    /// The case failed, but what it found is only in front of the change.
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
    pub change: CommandChange,
    /// What became of it.
    pub fate: Fate,
    /// What the case found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The reason of an equivalence; null for every other mutant.
    #[serde(default)]
    pub reason: Option<String>,
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
        Outcome::Failed if is_found_at(mutant, &result.findings) => Fate::Caught,
        Outcome::Failed => Fate::Misplaced,
        Outcome::Errored => Fate::Invalid,
        _ if declared.is_some() => Fate::Equivalent,
        _ => Fate::Survived,
    };
    let declared = declared.filter(|_| fate == Fate::Equivalent);
    Scored {
        change: mutant.change.clone(),
        fate,
        findings: result.findings.clone(),
        reason: declared.map(|declared| declared.reason.clone()),
    }
}

/// Nodes in the order in which a container's packet to the outside meets them. A reply meets them
/// the other way round, so every node is also behind every other one for a path that turns back.
const WAY: [&str; 4] = ["host", "gateway", "isp", "outside"];

/// Whether something was found at the changed node, at one that a packet meets behind it, or about an address that the change
/// took away.
fn is_found_at(mutant: &Mutant, findings: &[Finding]) -> bool {
    let node = mutant.change.node.as_str();
    let behind = WAY
        .iter()
        .position(|one| *one == node)
        .map_or(&WAY[..], |at| &WAY[at..]);
    let is_there = |found: &str| found == node || behind.contains(&found);
    let addresses = mutant.change.was.split([' ', '/']);
    let gone: Vec<&str> = addresses
        .filter(|word| word.parse::<IpAddr>().is_ok())
        .collect();
    let is_gone = |finding: &Finding| finding.silent().is_some_and(|next| gone.contains(&next));
    let mut places = findings.iter().flat_map(Finding::nodes);
    places.any(is_there) || findings.iter().any(is_gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::discover;
    use crate::finding::{Ending, What};
    use crate::mutate::mutants;

    fn dropped_at(node: &str) -> Vec<Finding> {
        let fate = crate::path::Fate::Dropped {
            leg: crate::path::LegKind::Request,
            node: node.to_owned(),
            place: String::from("no route"),
        };
        vec![Finding::of(What::Fate {
            expected: String::from("answered"),
            seen: Ending {
                fate,
                said_by: None,
                told_by: None,
                silent: None,
            },
        })]
    }

    #[test]
    fn only_what_is_found_at_or_behind_the_change_is_caught() {
        let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../cases");
        let cases = discover(&[cases.into()]).expect("well-formed");
        let id = "article/a12-masquerade-to-outside";
        let case = cases.iter().find(|case| case.id.as_str() == id);
        let mutants = mutants(case.expect("there"));
        let at_host = mutants.iter().find(|one| one.change.node == "host");
        let mutant = at_host.expect("a command of the host").clone();
        assert!(is_found_at(&mutant, &dropped_at("host")));
        assert!(is_found_at(&mutant, &dropped_at("isp")), "behind");
        assert!(!is_found_at(&mutant, &dropped_at("c1")), "in front");
        // Words that name the host are no place.
        let said = String::from("the host and isp");
        assert!(!is_found_at(&mutant, &[Finding::of(What::Broken { said })]));
    }

    #[test]
    fn an_address_that_the_change_took_away_is_found_by_who_asks_for_it() {
        let fate = crate::path::Fate::Unreachable {
            reason: String::from("EHOSTUNREACH"),
        };
        let silent = Finding::of(What::Fate {
            expected: String::from("answered"),
            seen: Ending {
                fate,
                said_by: None,
                told_by: None,
                silent: Some(String::from("10.55.66.1")),
            },
        });
        assert_eq!(silent.silent(), Some("10.55.66.1"));
    }
}
