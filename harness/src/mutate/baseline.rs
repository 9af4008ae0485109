//! Both scores in one file, and the numbers that they must not fall below.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FaultScore, GeneratedScore, LiveScore, Score};
use crate::intent::Share;

/// What the suite notices of wrong recipes and of a broken implementation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// Changed recipes; null if none ran.
    pub recipes: Option<Score>,
    /// Faults of the native implementation; null if none ran.
    pub faults: Option<FaultScore>,
    /// Faults that nobody chose; null if none ran.
    #[serde(default)]
    pub generated: Option<GeneratedScore>,
    /// Rules of implementations, each taken away; null if that was not asked for.
    #[serde(default)]
    pub live: Option<LiveScore>,
}

/// How many were caught, of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Noticed as they must be.
    pub caught: usize,
    /// All that ran and are not declared equivalent.
    pub all: usize,
}

/// The numbers that were reached before, as checked in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Changed recipes.
    pub recipes: Option<Tally>,
    /// Faults.
    pub faults: Option<Tally>,
    /// How much of the intent's tables is unspecified, by implementation; `goldpath intent share` compares it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unspecified: BTreeMap<String, Share>,
}

/// The JSON schema of a score file, as `goldpath schema score` prints it and `harness/score.schema.json` holds it.
pub fn schema_text() -> String {
    let schema = schemars::schema_for!(Scores);
    let json = serde_json::to_string_pretty(&schema).unwrap_or_default();
    format!("{json}\n")
}

impl Scores {
    /// The numbers alone.
    pub fn baseline(&self) -> Baseline {
        Baseline {
            recipes: self.recipes.as_ref().map(|score| Tally {
                caught: score.caught,
                all: score.all,
            }),
            faults: self.faults.as_ref().map(|score| Tally {
                caught: score.caught,
                all: score.all,
            }),
            unspecified: BTreeMap::new(),
        }
    }
}

impl Baseline {
    /// In which way a score is worse than this one: fewer caught, or more that are not.
    pub fn worse(&self, now: &Self) -> Vec<String> {
        let pairs = [
            ("mutants", self.recipes, now.recipes),
            ("faults", self.faults, now.faults),
        ];
        let mut worse = Vec::new();
        for (what, before, now) in pairs {
            let (Some(before), Some(now)) = (before, now) else {
                continue;
            };
            let left = |tally: Tally| tally.all.saturating_sub(tally.caught);
            if now.caught < before.caught || left(now) > left(before) {
                worse.push(format!(
                    "{} of {} {what} caught, {} of {} before",
                    now.caught, now.all, before.caught, before.all
                ));
            }
        }
        worse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(caught: usize, all: usize) -> Baseline {
        Baseline {
            recipes: None,
            faults: Some(Tally { caught, all }),
            unspecified: BTreeMap::new(),
        }
    }

    #[test]
    fn a_score_goes_up_only() {
        assert!(faults(5, 6).worse(&faults(6, 7)).is_empty());
        assert_eq!(faults(5, 6).worse(&faults(4, 6)).len(), 1, "fewer");
        assert_eq!(
            faults(5, 6).worse(&faults(5, 7)).len(),
            1,
            "a survivor more"
        );
    }
}
