//! Where a drawn path leaves its golden.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::Line;

/// Where a drawing leaves its golden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct GoldenDifference {
    /// Line of the golden file, counted from 1.
    pub line: usize,
    /// The number of the probe that the line belongs to, counted from 1; null where it belongs to none.
    pub probe: Option<usize>,
    /// That probe's heading.
    pub heading: Option<String>,
    /// The first line that differs.
    pub first: Parting,
    /// The first hop or verdict that differs, where that is another line: a fate stands above its path.
    pub hop: Option<Parting>,
    /// The rule or policy that made the difference, or the nearest to it.
    pub rule: Option<Responsible>,
    /// Both drawings as a difference, line by line.
    pub lines: Vec<DifferingLine>,
}

/// Two lines in the same place that are not the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Parting {
    /// The last hop, verdict or entry above, which both share.
    pub after: Option<Line>,
    /// The golden's line; null where the golden ends earlier.
    pub expected: Option<Line>,
    /// The line seen; null where the path ends earlier.
    pub seen: Option<Line>,
}

/// What netfilter said where the two part: table, chain, rule and action. Both are the same where no verdict differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Responsible {
    /// The golden's verdict; null where it has none.
    pub expected: Option<String>,
    /// The verdict seen; null where there is none.
    pub seen: Option<String>,
}

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct DifferingLine {
    /// Who has it.
    pub side: Side,
    /// As it is drawn.
    pub text: String,
}

/// Who has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Side {
    /// Both.
    Both,
    /// The golden alone.
    Golden,
    /// What was seen alone.
    Seen,
}

impl GoldenDifference {
    /// The nodes where the two part: those of the lines that differ and of the last one that they share.
    pub fn nodes(&self) -> Vec<&str> {
        let partings = [Some(&self.first), self.hop.as_ref()];
        let lines = partings.into_iter().flatten().flat_map(|parting| {
            let Parting {
                after,
                expected,
                seen,
            } = parting;
            [after, expected, seen]
        });
        lines.flatten().filter_map(Line::node).collect()
    }
}
