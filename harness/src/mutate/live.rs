//! Rules that an implementation has installed, each taken away for a while: what packets met them, and what the intent's table
//! noticed of their absence.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::equivalent::LiveReason;
use crate::finding::Finding;
use crate::run::{Outcome, RuleTried, Trial, TrialResult};

/// Percent of the rules that packets match whose absence must be noticed, but for those that are redundant. What is left must be
/// explained in `harness/src/mutate/equivalent.toml`.
const NOTICED: usize = 90;

/// What makes words of findings.
type Words = fn(&[Finding]) -> String;

/// The rules of each implementation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveScore {
    /// The seed that drew the scenarios.
    pub seed: u64,
    /// By what was asked for, as `docker=target/engines/sid`.
    pub implementations: BTreeMap<String, LiveRules>,
}

/// The rules of one implementation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveRules {
    /// Its programs with their versions.
    pub programs: BTreeMap<String, String>,
    /// Moments at which each rule was taken away.
    pub moments: usize,
    /// Rules that matched a packet.
    pub matched: usize,
    /// Those of them whose absence was noticed.
    pub noticed: usize,
    /// Every rule.
    pub rules: Vec<LiveRule>,
    /// Trials that say nothing, with what broke: in the harness, or of the implementation before any rule was taken away.
    pub errored: BTreeMap<String, String>,
}

/// One rule, wherever it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveRule {
    /// Its table.
    pub table: String,
    /// Its chain; `…` stands for what the implementation has drawn.
    pub chain: String,
    /// Its text; capitals stand for what differs from lab to lab, as `CONTAINER`.
    pub rule: String,
    /// Its text in one of the labs.
    pub example: String,
    /// How often it was taken away.
    pub tried: usize,
    /// How often it matched a packet of the table.
    pub matched: usize,
    /// How often its absence was noticed.
    pub noticed: usize,
    /// Rules of the intent that were broken without it.
    pub breaks: BTreeSet<String>,
    /// One question that had another answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// How often its absence was noticed while others that nobody missed were away, too: it does what they do.
    #[serde(default)]
    pub stands_in: usize,
    /// Rules of the intent that it kept then.
    #[serde(default)]
    pub keeps: BTreeSet<String>,
    /// Why no packet can tell, where that is declared by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl LiveScore {
    /// Counts what trials have tried.
    pub(super) fn of(
        seed: u64,
        trials: &[Trial],
        results: &[TrialResult],
        reasons: &[LiveReason],
        words: Words,
    ) -> Self {
        let mut implementations: BTreeMap<String, LiveRules> = BTreeMap::new();
        for (trial, result) in trials.iter().zip(results) {
            let rules = implementations
                .entry(trial.subject.to_string())
                .or_default();
            rules.note(trial, result, words);
        }
        for rules in implementations.values_mut() {
            rules.finish(reasons);
        }
        Self {
            seed,
            implementations,
        }
    }

    /// Whether enough was noticed of each implementation, and the rest is explained.
    pub fn is_kept(&self) -> bool {
        let mut implementations = self.implementations.values();
        implementations.all(LiveRules::is_kept)
    }
}

impl LiveRules {
    fn note(&mut self, trial: &Trial, result: &TrialResult, words: Words) {
        if let Some(adapter) = trial
            .implementation()
            .and_then(|one| one.adapter.as_ref().ok())
        {
            let parts = adapter.implementation().running();
            let told = parts.map(|(name, part)| (name.to_owned(), part.version().to_owned()));
            self.programs.extend(told);
        }
        let failed_before = result.outcome == Outcome::Failed && result.tried.is_empty();
        if result.outcome == Outcome::Errored || failed_before {
            let why = (trial.to_string(), words(&result.findings));
            self.errored.extend([why]);
        }
        let steps: BTreeSet<usize> = result.tried.iter().map(|one| one.step).collect();
        self.moments += steps.len();
        for one in &result.tried {
            self.rule(one).note(one);
        }
    }

    fn rule(&mut self, tried: &RuleTried) -> &mut LiveRule {
        let (table, chain, rule) = (&tried.rule.table, &tried.chain, &tried.general);
        let is_it = |one: &LiveRule| (&one.table, &one.chain, &one.rule) == (table, chain, rule);
        let position = self.rules.iter().position(is_it).unwrap_or_else(|| {
            self.rules.push(LiveRule {
                table: table.clone(),
                chain: chain.clone(),
                rule: rule.clone(),
                example: tried.rule.text.clone(),
                tried: 0,
                matched: 0,
                noticed: 0,
                breaks: BTreeSet::new(),
                question: None,
                stands_in: 0,
                keeps: BTreeSet::new(),
                reason: None,
            });
            self.rules.len() - 1
        });
        &mut self.rules[position]
    }

    fn finish(&mut self, reasons: &[LiveReason]) {
        for rule in &mut self.rules {
            let reason = reasons.iter().find(|one| one.covers(rule));
            let reason = reason.filter(|_| rule.is_overlooked() && rule.stands_in == 0);
            rule.reason = reason.map(|one| one.reason.clone());
        }
        self.rules
            .sort_by_key(|one| (one.table.clone(), one.chain.clone()));
        self.matched = self.rules.iter().filter(|one| one.matched > 0).count();
        let noticed = self
            .rules
            .iter()
            .filter(|one| one.matched > 0 && one.noticed > 0);
        self.noticed = noticed.count();
    }

    /// Rules that packets match, and whose absence nobody has noticed.
    pub fn overlooked(&self) -> impl Iterator<Item = &LiveRule> {
        self.rules.iter().filter(|one| one.is_overlooked())
    }

    fn is_kept(&self) -> bool {
        let are_explained = self.overlooked().all(LiveRule::is_explained);
        let redundant = self.overlooked().filter(|one| one.is_explained()).count();
        let counted = self.matched - redundant;
        self.moments > 0
            && self.errored.is_empty()
            && are_explained
            && self.noticed * 100 >= counted * NOTICED
    }
}

impl LiveRule {
    fn note(&mut self, tried: &RuleTried) {
        self.tried += 1;
        self.matched += usize::from(tried.is_matched);
        self.noticed += usize::from(!tried.noticed.is_empty());
        self.stands_in += usize::from(!tried.stands_in.is_empty());
        let keeps = tried.stands_in.iter().map(|one| one.rule.clone());
        self.keeps.extend(keeps);
        self.breaks
            .extend(tried.noticed.iter().map(|one| one.rule.clone()));
        if let Some(first) = tried.noticed.first().filter(|_| self.question.is_none()) {
            let (question, expected, seen) = (&first.question, &first.expected, &first.seen);
            self.question = Some(format!("{question}: {seen} instead of {expected}"));
        }
    }

    /// Whether it is known why its absence alone changes nothing.
    pub fn is_explained(&self) -> bool {
        self.stands_in > 0 || self.reason.is_some()
    }

    fn is_overlooked(&self) -> bool {
        self.matched > 0 && self.noticed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str, matched: usize, noticed: usize) -> LiveRule {
        LiveRule {
            table: String::from("filter"),
            chain: String::from("DOCKER-USER"),
            rule: text.to_owned(),
            example: text.to_owned(),
            tried: 3,
            matched,
            noticed,
            breaks: BTreeSet::new(),
            question: None,
            stands_in: 0,
            keeps: BTreeSet::new(),
            reason: None,
        }
    }

    fn counted(rules: Vec<LiveRule>) -> LiveRules {
        let mut counted = LiveRules {
            moments: 1,
            rules,
            ..LiveRules::default()
        };
        let reason = LiveReason {
            table: String::from("filter"),
            chain: None,
            rule: String::from("-j RETURN"),
            reason: String::from("It ends its chain."),
        };
        counted.finish(&[reason]);
        counted
    }

    #[test]
    fn the_absence_of_a_rule_that_packets_match_is_noticed_or_explained() {
        let kept = counted(vec![
            rule("-j RETURN", 3, 0),
            rule("-j DROP", 2, 1),
            rule("-i docker0 -j ACCEPT", 0, 0),
        ]);
        assert_eq!((kept.matched, kept.noticed), (2, 1));
        assert!(kept.is_kept());
        let overlooked = counted(vec![rule("-j DROP", 2, 0)]);
        assert_eq!(overlooked.overlooked().count(), 1);
        assert!(!overlooked.is_kept());
    }

    #[test]
    fn what_another_rule_does_too_is_explained_by_packets() {
        let twice = LiveRule {
            stands_in: 1,
            ..rule("-j DROP", 2, 0)
        };
        let kept = counted(vec![twice, rule("-j ACCEPT", 1, 1)]);
        assert!(kept.is_kept());
    }

    #[test]
    fn a_reason_counts_only_where_nobody_notices() {
        let noticed = counted(vec![rule("-j RETURN", 3, 1)]);
        assert_eq!(noticed.rules[0].reason, None);
        assert!(noticed.is_kept());
    }

    #[test]
    fn what_broke_keeps_nothing() {
        let mut broken = counted(vec![rule("-j DROP", 1, 1)]);
        let why = (String::from("a trial"), String::from("it broke"));
        broken.errored.extend([why]);
        assert!(!broken.is_kept());
        assert!(!LiveRules::default().is_kept(), "nothing was taken away");
    }
}
