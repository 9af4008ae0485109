//! The page of an exploration: what was met and what was not, and each disagreement with the case that shows it.

use maud::{DOCTYPE, html};

use super::{POLICY, head};
use crate::program::plain;
use crate::report::{ExploredReport, words};

/// The page. Names in it are anybody's choice, as in a run's report.
pub fn explored_html(report: &ExploredReport) -> String {
    let (pairs, rules) = (&report.pairs, &report.rules);
    let title = match report.disagreements.len() {
        0 => String::from("goldpath explore: no disagreement"),
        1 => String::from("goldpath explore: one kind of disagreement"),
        count => format!("goldpath explore: {count} kinds of disagreement"),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, POLICY))
            body {
                main {
                    h1 { (title) }
                    p {
                        (report.scenarios) " scenarios of seed " (report.seed)
                        @if report.interrupted { ", interrupted" }
                    }
                    table {
                        @for (outcome, count) in &report.outcomes {
                            tr { th { (outcome) } td { (count) } }
                        }
                        @for (reason, count) in &report.without {
                            tr { th { "without: " (reason) } td { (count) } }
                        }
                    }
                    h2 { "Met" }
                    p { (pairs.all - pairs.missing.len()) " of " (pairs.all) " pairs of values" }
                    @if !pairs.missing.is_empty() {
                        details {
                            summary { "pairs that did not occur" }
                            ul { @for pair in &pairs.missing { li { (pair) } } }
                        }
                    }
                    p { (rules.met.len()) " of " (rules.met.len() + rules.missing.len()) " rules of the intent" }
                    table {
                        @for (rule, moments) in &rules.met {
                            tr { th { (rule) } td { (moments) " moments" } }
                        }
                        @for rule in &rules.missing {
                            tr { th { (rule) } td { "not met" } }
                        }
                    }
                    @for found in &report.disagreements {
                        h2 { (found.implementation) ": " (found.kinds.join(", ")) }
                        p { "scenario " (found.scenario) ", seen " (found.times) " times" }
                        pre { (words(&found.findings)) }
                        details { summary { "the smallest case that shows it" } pre { (found.case) } }
                    }
                }
            }
        }
    };
    plain(&page.into_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::finding::{Finding, What};
    use crate::report::{ExploredPairs, ExploredRules, FoundReport};

    #[test]
    fn what_an_implementation_says_stays_text() {
        let said = String::from("<script>alert(1)</script>");
        let report = ExploredReport {
            seed: 1,
            scenarios: 2,
            interrupted: true,
            outcomes: BTreeMap::new(),
            without: BTreeMap::new(),
            pairs: ExploredPairs {
                all: 3,
                missing: vec![String::from("mtu: 1400, path: 1400")],
            },
            rules: ExploredRules {
                met: BTreeMap::from([(String::from("outward"), 4)]),
                missing: vec![String::from("fragments")],
            },
            disagreements: vec![FoundReport {
                implementation: said.clone(),
                scenario: 7,
                times: 1,
                kinds: vec![said.clone()],
                findings: vec![Finding::of(What::Implementation { said: said.clone() })],
                case: said,
            }],
            errored: 0,
        };
        let page = explored_html(&report);
        assert!(!page.contains("<script>"));
        for words in ["2 of 3 pairs", "1 of 2 rules", "not met", "interrupted"] {
            assert!(page.contains(words), "{words}");
        }
    }
}
