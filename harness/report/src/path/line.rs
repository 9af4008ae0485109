//! The lines of a drawn path, each with what it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Line {
    /// As it is drawn.
    pub text: String,
    /// The number of the probe whose path it belongs to, counted from 1; null outside of paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<usize>,
    /// What it is.
    #[serde(flatten)]
    pub is: Is,
}

/// What a line is. In JSON, `is` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Is {
    /// Nothing, between two paragraphs.
    Blank,
    /// A probe's heading.
    Probe,
    /// How a path ended.
    Fate,
    /// The title of a part of a path.
    Title,
    /// An answer of a routing or forwarding table.
    Lookup {
        /// Whose table.
        node: String,
    },
    /// Which packet the next lines follow.
    Leg,
    /// The packet on an interface, or at an end of its path.
    Hop {
        /// Where.
        node: String,
    },
    /// A frame that must have been there.
    Missing {
        /// Where.
        node: String,
    },
    /// Netfilter spoke.
    Verdict {
        /// Where.
        node: String,
        /// Table, chain, rule and action.
        said: String,
    },
    /// An address became another one, and no rule asked for it.
    Rewrite {
        /// Where.
        node: String,
    },
    /// A connection as conntrack holds it.
    Binding {
        /// Where.
        node: String,
    },
    /// That a proxy is as good as a translation.
    Between,
    /// A sentence about anything else that happened, or the title of a list.
    Said,
    /// An entry of a list.
    Entry,
}

impl Line {
    /// A line of no probe.
    pub fn new(text: impl Into<String>, is: Is) -> Self {
        Self {
            text: text.into(),
            probe: None,
            is,
        }
    }

    /// The node that the line speaks of, if it speaks of one.
    pub fn node(&self) -> Option<&str> {
        match &self.is {
            Is::Lookup { node }
            | Is::Hop { node }
            | Is::Missing { node }
            | Is::Verdict { node, .. }
            | Is::Rewrite { node }
            | Is::Binding { node } => Some(node),
            _ => None,
        }
    }

    /// Whether it is a part of the way itself: of what handles and filters the packet.
    pub fn is_of_way(&self) -> bool {
        matches!(
            self.is,
            Is::Leg
                | Is::Hop { .. }
                | Is::Missing { .. }
                | Is::Verdict { .. }
                | Is::Rewrite { .. }
                | Is::Binding { .. }
                | Is::Between
        )
    }
}
