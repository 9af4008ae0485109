//! What netfilter did to a probe, in single lines: for a message about a path that is drawn without it.

use super::evidence::{Action, Rule};
use super::model::{End, PacketPath, Rewrite, Step, Verdict};

/// A node's every translation with the rule that asked for it, and every drop, in the order of the path.
pub fn account(path: &PacketPath, node: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for leg in &path.legs {
        let mut asked: Option<&Verdict> = None;
        for step in &leg.steps {
            match step {
                Step::Verdict(verdict) if verdict.node != node => {}
                Step::Verdict(verdict) if verdict.action == Action::Drop => {
                    let by = rule(verdict);
                    lines.push(format!("{node}: {} dropped by {by}", leg.kind));
                }
                Step::Verdict(verdict) if verdict.translates() => asked = Some(verdict),
                Step::Rewrite(rewrite) if rewrite.node == node => {
                    let by = asked.take().map_or_else(|| String::from("conntrack"), rule);
                    lines.push(format!("{node}: {} {} by {by}", leg.kind, change(rewrite)));
                }
                Step::Hop(_) | Step::Verdict(_) | Step::Rewrite(_) | Step::Missing { .. } => {}
            }
        }
    }
    lines
}

fn change(rewrite: &Rewrite) -> String {
    let end = match rewrite.end {
        End::Source => "source",
        End::Destination => "destination",
    };
    format!("{end} {} → {}", rewrite.was, rewrite.is)
}

fn rule(verdict: &Verdict) -> String {
    match &verdict.rule {
        Rule::Text(text) => format!("{} {text}", verdict.chain),
        Rule::Policy => format!("{} policy", verdict.chain),
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
        insta::assert_snapshot!(account(&path, "host").join("\n"), @r"
        host: request destination 10.0.2.15:8080 → 10.77.1.2:80 by nat/pre tcp dport 8080 dnat to 10.77.1.2:80
        host: request source 10.0.2.50:1 → 10.77.1.1:1 by nat/post ct status dnat masquerade
        host: request source 10.77.1.1:1 → 10.0.2.15:1 by conntrack
        host: request dropped by filter/FORWARD -j DROP
        ");
    }
}
