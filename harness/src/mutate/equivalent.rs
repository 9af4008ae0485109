//! Mutants that change nothing which a packet could meet, declared in data with the reason.

use serde::Deserialize;

use super::{CommandChange, LiveRule};

/// The mutants that are declared equivalent. They are listed in every score.
const DECLARED: &str = include_str!("equivalent.toml");

/// One declared equivalence. It covers a mutant when every field that is given is the mutant's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivalent {
    /// The case's id; every case if absent.
    pub case: Option<String>,
    /// The kind of change; every kind if absent.
    pub operator: Option<String>,
    /// The command as written.
    pub was: String,
    /// The command instead; every one if absent.
    pub is: Option<String>,
    /// Why no packet of the case can tell the difference.
    pub reason: String,
}

/// A fault that a program draws and that no packet can tell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquivalentFault {
    /// Its name, or the beginning of it up to a colon.
    pub fault: String,
    /// Why no packet can tell the difference.
    pub reason: String,
}

/// Rules of an implementation that packets match and whose absence no packet can tell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveReason {
    /// The table.
    pub table: String,
    /// The chain, with `…` for what is drawn; every chain if absent.
    pub chain: Option<String>,
    /// The rule in words that mean the same in every lab, or a part of it.
    pub rule: String,
    /// Why no packet can tell the difference.
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    equivalent: Vec<Equivalent>,
    generated: Vec<EquivalentFault>,
    #[serde(default)]
    live: Vec<LiveReason>,
}

/// The data of equivalent mutants is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("harness/src/mutate/equivalent.toml: {0}")]
pub struct EquivalentError(#[from] toml::de::Error);

/// The declared equivalences.
///
/// # Errors
/// The data is malformed.
pub fn declared() -> Result<Vec<Equivalent>, EquivalentError> {
    Ok(toml::from_str::<File>(DECLARED)?.equivalent)
}

/// The declared reasons why nobody misses a rule of an implementation.
///
/// # Errors
/// The data is malformed.
pub fn declared_rules() -> Result<Vec<LiveReason>, EquivalentError> {
    Ok(toml::from_str::<File>(DECLARED)?.live)
}

impl LiveReason {
    /// Whether this is about that rule.
    pub fn covers(&self, rule: &LiveRule) -> bool {
        let chain = self.chain.as_ref();
        self.table == rule.table
            && chain.is_none_or(|chain| *chain == rule.chain)
            && rule.rule.contains(&self.rule)
    }
}

/// The declared equivalences of generated faults.
///
/// # Errors
/// The data is malformed.
pub fn declared_faults() -> Result<Vec<EquivalentFault>, EquivalentError> {
    Ok(toml::from_str::<File>(DECLARED)?.generated)
}

impl EquivalentFault {
    /// Whether this declaration means the fault of that name.
    pub fn covers(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.fault);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

impl Equivalent {
    /// Whether this declaration means the change.
    pub fn covers(&self, change: &CommandChange) -> bool {
        let same =
            |given: &Option<String>, is: &str| given.as_deref().is_none_or(|given| given == is);
        self.was == change.was
            && same(&self.case, &change.case)
            && same(&self.operator, &change.operator)
            && same(&self.is, &change.is)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_has_a_reason() {
        for equivalent in declared().unwrap() {
            assert!(equivalent.reason.ends_with('.'), "{equivalent:?}");
        }
        let all = crate::adapter::native::Generated::all();
        for declared in declared_faults().unwrap() {
            assert!(declared.reason.ends_with('.'), "{declared:?}");
            let mut names = all.iter().map(ToString::to_string);
            assert!(names.any(|name| declared.covers(&name)), "{declared:?}");
        }
        // What a person says weighs less than a proof.
        let declared = declared_faults().unwrap();
        let is_declared = |name: String| declared.iter().any(|one| one.covers(&name));
        let by_hand = all.iter().filter(|one| is_declared(one.to_string()));
        assert!(by_hand.count() * 100 <= all.len() * 3);
    }
}
