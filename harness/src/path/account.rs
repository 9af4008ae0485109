//! What netfilter did to a probe: for a finding about a path that is drawn without it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Action, LegKind, Rule};
use super::model::{End, PacketPath, Rewrite, Step, Verdict};

/// One translation of a packet in a node, or its end there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
pub struct RuleName {
    /// Table and chain, as `filter/FORWARD`.
    pub chain: String,
    /// The rule's text without `-A CHAIN`; null for the chain's policy.
    pub text: Option<String>,
}

/// A node's every translation with the rule that asked for it, and every drop, in the order of the path.
pub fn account(path: &PacketPath, node: &str) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for leg in &path.legs {
        let mut asked: Option<&Verdict> = None;
        let mut deed = |change: Option<&Rewrite>, rule: Option<&Verdict>| {
            deeds.push(Deed {
                node: node.to_owned(),
                leg: leg.kind,
                change: change.map(Translation::from),
                rule: rule.map(RuleName::from),
            });
        };
        for step in &leg.steps {
            match step {
                Step::Verdict(verdict) if verdict.node != node => {}
                Step::Verdict(verdict) if verdict.action == Action::Drop => {
                    deed(None, Some(verdict));
                }
                Step::Verdict(verdict) if verdict.translates() => asked = Some(verdict),
                Step::Rewrite(rewrite) if rewrite.node == node => deed(Some(rewrite), asked.take()),
                Step::Hop(_) | Step::Verdict(_) | Step::Rewrite(_) | Step::Missing { .. } => {}
            }
        }
    }
    deeds
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{Fate, Hook, Leg, LegKind};

    fn verdict(chain: &str, rule: &str, action: Action) -> Step {
        Step::Verdict(Verdict {
            node: "host".into(),
            hook: Hook::Postrouting,
            chain: chain.into(),
            rule: Rule::Text(rule.into()),
            action,
        })
    }

    fn rewrite(node: &str, end: End, was: &str, is: &str) -> Step {
        Step::Rewrite(Rewrite {
            node: node.into(),
            end,
            was: was.into(),
            is: is.into(),
        })
    }

    #[test]
    fn a_translation_names_its_rule_and_what_has_none_is_conntracks() {
        let steps = vec![
            verdict(
                "nat/pre",
                "tcp dport 8080 dnat to 10.77.1.2:80",
                Action::Accept,
            ),
            rewrite("host", End::Destination, "10.0.2.15:8080", "10.77.1.2:80"),
            verdict("nat/post", "ct status dnat masquerade", Action::Accept),
            rewrite("host", End::Source, "10.0.2.50:1", "10.77.1.1:1"),
            rewrite("host", End::Source, "10.77.1.1:1", "10.0.2.15:1"),
            rewrite("gateway", End::Source, "10.0.2.15:1", "203.0.113.2:1"),
            verdict("filter/FORWARD", "-j DROP", Action::Drop),
        ];
        let path = PacketPath {
            legs: vec![Leg {
                kind: LegKind::Request,
                steps,
            }],
            fate: Fate::Answered,
            settled: true,
            bindings: Vec::new(),
            lookups: Vec::new(),
            fragments: Vec::new(),
        };
        let deeds = account(&path, "host");
        let told = deeds.iter().map(|deed| {
            let is = deed.change.as_ref().map(|change| change.is.as_str());
            (is, deed.rule.as_ref().map(|rule| rule.chain.as_str()))
        });
        let expected = [
            (Some("10.77.1.2:80"), Some("nat/pre")),
            (Some("10.77.1.1:1"), Some("nat/post")),
            (Some("10.0.2.15:1"), None),
            (None, Some("filter/FORWARD")),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
