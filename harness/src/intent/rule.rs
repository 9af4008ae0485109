//! The rules of the intent: one sentence each, with the source that a maintainer can argue with.

use crate::case::{Feature, Level};

/// Number of a rule, stable over versions: declared defects name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub &'static str);

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as `member-to-member`.
    pub id: RuleId,
    /// What must be, as a present-tense sentence.
    pub sentence: &'static str,
    /// How strongly it binds.
    pub level: Level,
    /// What an implementation must list for it to bind.
    pub features: &'static [Feature],
    /// Where it is promised.
    pub source: &'static [&'static str],
}

/// Every rule, the more special first.
pub const RULES: &[Rule] = &[];
