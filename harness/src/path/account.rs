//! What netfilter did to a probe: for a finding about a path that is drawn without it.

use super::{Action, Deed, PacketPath, Rewrite, RuleName, Step, Translation, Verdict};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{End, Fate, Hook, Leg, LegKind, Rule};

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
