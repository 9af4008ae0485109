//! What netfilter did to a probe: for a finding about a path that is drawn without it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{End, LegKind, Rewrite, Rule, Verdict};

/// One translation of a packet in a node, or its end there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Deed {
    /// The node.
    pub node: String,
    /// Which packet.
    pub leg: LegKind,
    /// The address that became another one; null where the packet was dropped.
    pub change: Option<Translation>,
    /// The rule that did it; null where conntrack gave back what it had changed before.
    pub rule: Option<RuleName>,
}

/// An address, with the port where there is one, that became another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Translation {
    /// Which end of the packet.
    pub end: End,
    /// What it was.
    pub was: String,
    /// What it is now.
    pub is: String,
}

/// A rule or a policy, as netfilter reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct RuleName {
    /// Table and chain, as `filter/FORWARD`.
    pub chain: String,
    /// The rule's text without `-A CHAIN`; null for the chain's policy.
    pub text: Option<String>,
}

impl From<&Rewrite> for Translation {
    fn from(rewrite: &Rewrite) -> Self {
        Self {
            end: rewrite.end,
            was: rewrite.was.clone(),
            is: rewrite.is.clone(),
        }
    }
}

impl From<&Verdict> for RuleName {
    fn from(verdict: &Verdict) -> Self {
        Self {
            chain: verdict.chain.clone(),
            text: match &verdict.rule {
                Rule::Text(text) => Some(text.clone()),
                Rule::Policy => None,
            },
        }
    }
}
