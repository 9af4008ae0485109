//! The rules of the intent: one sentence each, with the source that a maintainer can argue with.

use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

use super::answer::{Answer, Why};
use super::cell::Cell;
use super::rules::{GROUPS, UNSPOKEN, UNSPOKEN_REASON};
use crate::case::{Feature, Level};

/// Name of a rule, stable over versions: declared defects name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub &'static str);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// How special a rule is. Of two that fit, the more special one decides; two of one rank never differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// What a moment or a person's own rules change about every other rule.
    Changed,
    /// What a packet's size changes.
    Sized,
    /// What one kind of network or of published port changes.
    Special,
    /// What holds otherwise.
    Usual,
}

/// One rule.
pub struct Rule {
    /// Its name, as `neighbours`.
    pub id: RuleId,
    /// How special it is.
    pub rank: Rank,
    /// What must be, as a present-tense sentence.
    pub sentence: &'static str,
    /// How strongly it binds.
    pub level: Level,
    /// What an implementation must list for it to bind; of `publish-tcp` and `publish-udp` the one of the packet's protocol.
    pub features: &'static [Feature],
    /// Where it is promised.
    pub source: &'static [&'static str],
    /// What it answers.
    pub(super) says: Says,
}

/// What a rule answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    /// Its answer to a question that it speaks about.
    Is(fn(&Cell<'_>) -> Option<Answer>),
    /// That no promise binds, for this reason, where it speaks about the question.
    Open(&'static str, fn(&Cell<'_>) -> bool),
}

impl Rule {
    /// Its answer to this question, if it speaks about it.
    pub(super) fn fits(&self, cell: &Cell<'_>) -> Option<Answer> {
        match self.says {
            Says::Is(answer) => answer(cell),
            Says::Open(reason, speaks) => speaks(cell).then_some(Answer::Unspecified {
                why: Why::NoPromise(reason),
            }),
        }
    }

    /// Why nothing binds, if that is what it says.
    pub fn open(&self) -> Option<&'static str> {
        match self.says {
            Says::Is(_) => None,
            Says::Open(reason, _) => Some(reason),
        }
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// Rules about one thing.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The rules.
    pub rules: &'static [Rule],
}

/// Every rule, the more special first.
static BY_RANK: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules: Vec<&Rule> = rules().collect();
    rules.sort_by_key(|rule| rule.rank);
    rules
});

/// Every rule by what it is about, in the order in which a person reads them.
pub fn groups() -> &'static [Group] {
    GROUPS
}

/// Every rule, in the same order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().flat_map(|group| group.rules)
}

/// The answer to a question, by the first rule that fits: the one place that decides.
pub(super) fn decide(cell: &Cell<'_>) -> (Answer, &'static Rule) {
    decide_by(cell, Rank::Changed)
}

/// The answer as if nothing had changed.
pub(super) fn decide_unchanged(cell: &Cell<'_>) -> (Answer, &'static Rule) {
    decide_by(cell, Rank::Sized)
}

fn decide_by(cell: &Cell<'_>, highest: Rank) -> (Answer, &'static Rule) {
    let mut rules = BY_RANK.iter().filter(|rule| rule.rank >= highest);
    let first = rules.find_map(|rule| Some((rule.fits(cell)?, *rule)));
    let unspoken = || {
        let why = Why::NoPromise(UNSPOKEN_REASON);
        (Answer::Unspecified { why }, &UNSPOKEN)
    };
    let (answer, rule) = first.unwrap_or_else(unspoken);
    match cell.lacks(rule, &answer) {
        Some(feature) => {
            let why = Why::NotListed(feature);
            (Answer::Unspecified { why }, rule)
        }
        None => (answer, rule),
    }
}
