//! The rules themselves, by what they are about: each one's words beside the condition that they say.

mod container;
mod host;
mod moment;
mod outward;
mod published;
mod size;

use super::rule::{Group, Rank, Rule, RuleId, Says};
use crate::case::Level;

pub(super) use host::AS_FOUND;

/// All rules, in the order in which a person reads them.
pub(super) const GROUPS: &[Group] = &[
    container::GROUP,
    host::GROUP,
    published::GROUP,
    outward::GROUP,
    size::GROUP,
    moment::GROUP,
];

pub(super) const UNSPOKEN_REASON: &str = "no rule speaks of it";

/// What stands where no rule fits: a gap, which a test looks for.
pub(super) static UNSPOKEN: Rule = Rule {
    id: RuleId("unspoken"),
    rank: Rank::Usual,
    sentence: "No rule speaks of it.",
    level: Level::May,
    features: &[],
    source: &[],
    says: Says::Open(UNSPOKEN_REASON, |_| false),
};
