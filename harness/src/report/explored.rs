//! The report of an exploration, as a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::finding::Finding;

/// Pairs or rules that did not occur which are named on the terminal; the files hold all of them.
const NAMED: usize = 12;

/// What came of an exploration.
#[derive(Debug, Clone, Serialize)]
pub struct ExploredReport {
    /// The seed.
    pub seed: u64,
    /// Scenarios that were put to the implementations.
    pub scenarios: usize,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// How many trials ended so.
    pub outcomes: BTreeMap<String, usize>,
    /// Scenarios that were made plainer, by the reason.
    pub without: BTreeMap<String, usize>,
    /// Pairs of values of two axes.
    pub pairs: ExploredPairs,
    /// Rules of the intent.
    pub rules: ExploredRules,
    /// Where implementations part from the intent.
    pub disagreements: Vec<FoundReport>,
    /// Trials about which nothing is known.
    pub errored: usize,
}

/// Pairs of values of two axes.
#[derive(Debug, Clone, Serialize)]
pub struct ExploredPairs {
    /// All that can occur.
    pub all: usize,
    /// Those that did not, as `axis: value, axis: value`.
    pub missing: Vec<String>,
}

/// Rules of the intent.
#[derive(Debug, Clone, Serialize)]
pub struct ExploredRules {
    /// Those that answered a question, with the number of tables in which they did.
    pub met: BTreeMap<String, usize>,
    /// The others.
    pub missing: Vec<String>,
}

/// One kind of disagreement.
#[derive(Debug, Clone, Serialize)]
pub struct FoundReport {
    /// Whose it is.
    pub implementation: String,
    /// The scenario's number.
    pub scenario: usize,
    /// How often it was seen.
    pub times: usize,
    /// Rules that differ, and what else was found.
    pub kinds: Vec<String>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The case that shows it, as text.
    pub case: String,
}

impl ExploredReport {
    /// What the run's end says.
    pub fn conclusion(&self) -> String {
        let outcomes = self.outcomes.iter();
        let outcomes: Vec<String> = outcomes
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let mut text = format!("{} scenarios: {}", self.scenarios, outcomes.join(", "));
        text += if self.interrupted {
            "; interrupted, the others did not run\n"
        } else {
            "\n"
        };
        let (pairs, rules) = (&self.pairs, &self.rules);
        let met = pairs.all - pairs.missing.len();
        let _ = writeln!(text, "{met} of {} pairs of values met", pairs.all);
        name(&mut text, &pairs.missing);
        let all = rules.met.len() + rules.missing.len();
        let _ = writeln!(text, "{} of {all} rules of the intent met", rules.met.len());
        name(&mut text, &rules.missing);
        for (reason, times) in &self.without {
            let _ = writeln!(text, "{times} × without: {reason}");
        }
        let different = self.disagreements.len();
        let _ = writeln!(text, "{different} kinds of disagreement with the intent");
        text
    }
}

fn name(text: &mut String, missing: &[String]) {
    for one in missing.iter().take(NAMED) {
        let _ = writeln!(text, "    not met: {one}");
    }
    if let Some(more) = missing.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let _ = writeln!(text, "    and {more} more, which --json and --html list");
    }
}
