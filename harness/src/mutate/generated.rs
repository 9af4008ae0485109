//! Faults that nobody chose: who caught each, and what is left.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Percent of the faults that change something which must be caught. docs/notices.md says what was reached.
pub const PROMISED: usize = 99;

/// What became of a generated fault.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Catcher {
    /// One of the scenarios that cover every pair of values.
    Covering,
    /// A story.
    Stories,
    /// A scenario of a longer exploration.
    Longer,
    /// Nobody, though it changes what is made of some of them.
    Nobody,
    /// Nobody can: declared by hand, with the reason.
    Declared,
    /// Nobody needs to: the plans of all of them, in their normal form, are those without the fault.
    Equivalent,
}

/// One generated fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScoredGenerated {
    /// Its name: `-i 'native{NAME}'` plants it.
    pub name: String,
    /// The operator that made it.
    pub operator: String,
    /// Who caught it.
    pub by: Catcher,
    /// The case that did; empty if none.
    pub case: String,
    /// How many trials it took, or were tried in vain.
    pub trials: usize,
    /// Cases that broke before they could tell.
    pub errored: usize,
    /// Why no packet can tell, where that is declared by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How many faults of one operator were caught.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorScore {
    /// Faults that were caught.
    pub caught: usize,
    /// Faults that change something.
    pub all: usize,
    /// Faults that change nothing.
    pub equivalent: usize,
}

/// The score of generated faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedScore {
    /// The seed that drew them, and the scenarios.
    pub seed: u64,
    /// Faults that were caught.
    pub caught: usize,
    /// Faults that change something.
    pub all: usize,
    /// By who caught them.
    pub by: BTreeMap<Catcher, usize>,
    /// By operator.
    pub operators: BTreeMap<String, OperatorScore>,
    /// Every fault.
    pub faults: Vec<ScoredGenerated>,
}

impl GeneratedScore {
    /// Counts results.
    pub fn of(seed: u64, faults: Vec<ScoredGenerated>) -> Self {
        let mut by: BTreeMap<Catcher, usize> = BTreeMap::new();
        let mut operators: BTreeMap<String, OperatorScore> = BTreeMap::new();
        for fault in &faults {
            *by.entry(fault.by).or_default() += 1;
            let operator = operators.entry(fault.operator.clone()).or_default();
            match fault.by {
                Catcher::Equivalent | Catcher::Declared => operator.equivalent += 1,
                Catcher::Nobody => operator.all += 1,
                _ => {
                    operator.all += 1;
                    operator.caught += 1;
                }
            }
        }
        Self {
            seed,
            caught: operators.values().map(|one| one.caught).sum(),
            all: operators.values().map(|one| one.all).sum(),
            by,
            operators,
            faults,
        }
    }

    /// Faults that change something and that nobody caught.
    pub fn survivors(&self) -> impl Iterator<Item = &ScoredGenerated> {
        let survived = |one: &&ScoredGenerated| one.by == Catcher::Nobody;
        self.faults.iter().filter(survived)
    }

    /// Whether as many were caught as is promised.
    pub fn is_kept(&self) -> bool {
        self.caught * 100 >= self.all * PROMISED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_counts_for_nobody() {
        let one = |by| ScoredGenerated {
            name: String::from("rule:dropped:masquerade:all"),
            operator: String::from("dropped"),
            by,
            case: String::new(),
            trials: 1,
            errored: 0,
            reason: None,
        };
        let of = |all: &[Catcher]| GeneratedScore::of(1, all.iter().copied().map(one).collect());
        let caught = of(&[Catcher::Covering, Catcher::Stories, Catcher::Equivalent]);
        assert_eq!((caught.caught, caught.all), (2, 2));
        assert!(caught.is_kept());
        let by_hand = of(&[Catcher::Covering, Catcher::Declared]);
        assert_eq!((by_hand.caught, by_hand.all), (1, 1));
        let survived = of(&[Catcher::Covering, Catcher::Nobody]);
        assert_eq!(survived.survivors().count(), 1);
        assert!(!survived.is_kept());
    }
}
