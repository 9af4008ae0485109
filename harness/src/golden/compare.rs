//! The first line where a drawing leaves its golden, and the rule that made the difference. Lines are compared by what they
//! are, not by how they read.

use similar::{Algorithm, ChangeTag, capture_diff_slices};

use super::{DifferingLine, Golden, GoldenDifference, Parting, Responsible, Side};
use crate::path::{Drawing, Is, Line};

/// How what was seen stands to the golden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Line by line the same.
    Same,
    /// There is no golden yet.
    New,
    /// They part.
    Different(Box<GoldenDifference>),
}

/// Compares a drawing with its golden.
pub fn compare(golden: Option<&Golden>, seen: &Drawing) -> Comparison {
    let Some(golden) = golden else {
        return Comparison::New;
    };
    match difference(&Drawing::read(&golden.text), seen) {
        None => Comparison::Same,
        Some(mut difference) => {
            difference.line += golden.first_line - 1;
            Comparison::Different(difference)
        }
    }
}

/// Where one drawing leaves another, counting lines from the first one's beginning; `None` where they are the same.
pub fn difference(expected: &Drawing, seen: &Drawing) -> Option<Box<GoldenDifference>> {
    let text = |drawing: &Drawing| -> Vec<String> {
        let lines = drawing.lines.iter();
        lines.map(|line| line.text.trim_end().to_owned()).collect()
    };
    let (expected_text, seen_text) = (text(expected), text(seen));
    if expected_text == seen_text {
        return None;
    }
    let pairs = expected_text.iter().zip(&seen_text);
    let at = pairs.take_while(|(a, b)| a == b).count();
    let probe = probe_at(&expected.lines, at).or_else(|| probe_at(&seen.lines, at));
    let heading = probe.and_then(|probe| expected.heading(probe).or(seen.heading(probe)));
    let first = parting(&expected.lines, &seen.lines, at);
    let way = |drawing: &Drawing| -> Vec<Line> {
        let lines = drawing.lines.iter();
        let of_probe = lines.filter(|line| probe.is_some() && line.probe == probe);
        of_probe.filter(|line| line.is_of_way()).cloned().collect()
    };
    let (expected_way, seen_way) = (way(expected), way(seen));
    let hop = parting(&expected_way, &seen_way, shared(&expected_way, &seen_way));
    let is_first = (&hop.expected, &hop.seen) == (&first.expected, &first.seen);
    Some(Box::new(GoldenDifference {
        line: at + 1,
        probe,
        heading: heading.map(str::to_owned),
        hop: Some(hop).filter(|hop| hop.expected != hop.seen && !is_first),
        first,
        rule: responsible(&expected_way, &seen_way),
        lines: lines(&expected_text, &seen_text),
    }))
}

/// How many lines both begin with.
fn shared(expected: &[Line], seen: &[Line]) -> usize {
    let pairs = expected.iter().zip(seen);
    pairs.take_while(|(a, b)| a == b).count()
}

/// The probe of the line at a position, or of the paragraph above where a path ends earlier.
fn probe_at(lines: &[Line], at: usize) -> Option<usize> {
    let above = &lines[..lines.len().min(at + 1)];
    let last = above.iter().rev().find(|line| line.is != Is::Blank)?;
    last.probe
}

fn verdict(line: &Line) -> Option<&str> {
    match &line.is {
        Is::Verdict { said, .. } => Some(said),
        _ => None,
    }
}

/// The first verdict that is not the golden's; if all are, the one at or after the hop where the paths
/// part, or else the last before it.
fn responsible(expected: &[Line], seen: &[Line]) -> Option<Responsible> {
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (
        expected.iter().filter_map(verdict).collect(),
        seen.iter().filter_map(verdict).collect(),
    );
    let pairs = theirs.iter().zip(&ours);
    let same = pairs.take_while(|(a, b)| a == b).count();
    let at = |said: &[&str]| said.get(same).map(|said| (*said).to_owned());
    if theirs != ours {
        return Some(Responsible {
            expected: at(&theirs),
            seen: at(&ours),
        });
    }
    let parted = shared(expected, seen);
    let later = seen.iter().skip(parted).find_map(verdict);
    let nearest = later.or_else(|| seen.iter().take(parted).rev().find_map(verdict))?;
    let nearest = Some(nearest.to_owned());
    Some(Responsible {
        expected: nearest.clone(),
        seen: nearest,
    })
}

fn parting(expected: &[Line], seen: &[Line], position: usize) -> Parting {
    let above = &expected[..position.min(expected.len())];
    let is_entry = |line: &&Line| line.node().is_some() || line.is == Is::Entry;
    Parting {
        after: above.iter().rev().find(is_entry).cloned(),
        expected: expected.get(position).cloned(),
        seen: seen.get(position).cloned(),
    }
}

fn lines(expected: &[String], seen: &[String]) -> Vec<DifferingLine> {
    let operations = capture_diff_slices(Algorithm::Myers, expected, seen);
    let changes = operations
        .iter()
        .flat_map(|one| one.iter_changes(expected, seen));
    let line = |change: similar::Change<String>| DifferingLine {
        side: match change.tag() {
            ChangeTag::Delete => Side::Golden,
            ChangeTag::Insert => Side::Seen,
            ChangeTag::Equal => Side::Both,
        },
        text: change.value(),
    };
    changes.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = "probe 1  c1 → 8.8.8.8  icmp echo\nfate: answered\n\nwho handles it\n request\n  c1:eth0 >\n  host:veth0 <\n  host:eth0 >";

    fn compared(golden: &str, seen: &str) -> Comparison {
        let golden = Golden {
            text: golden.to_owned(),
            first_line: 5,
            sha256: String::new(),
        };
        compare(Some(&golden), &Drawing::read(seen))
    }

    fn differing(golden: &str, seen: &str) -> GoldenDifference {
        match compared(golden, seen) {
            Comparison::Different(difference) => *difference,
            other => panic!("{other:?}"),
        }
    }

    fn text(line: Option<&Line>) -> &str {
        line.map_or("", |line| line.text.trim())
    }

    #[test]
    fn the_same_lines_are_the_same() {
        assert_eq!(compared(GOLDEN, &format!("{GOLDEN}\n")), Comparison::Same);
    }

    #[test]
    fn the_first_hop_that_differs_is_named() {
        let seen = GOLDEN.replace("host:veth0 <", "host:veth1 <");
        let difference = differing(GOLDEN, &seen);
        assert_eq!(difference.line, 11);
        assert_eq!(text(difference.first.expected.as_ref()), "host:veth0 <");
        assert_eq!(text(difference.first.seen.as_ref()), "host:veth1 <");
        assert_eq!(text(difference.first.after.as_ref()), "c1:eth0 >");
        assert_eq!(difference.probe, Some(1));
        let heading = difference.heading.as_deref();
        assert_eq!(heading, Some("probe 1  c1 → 8.8.8.8  icmp echo"));
    }

    #[test]
    fn a_path_that_ends_early_differs_at_its_end() {
        let seen = GOLDEN.trim_end_matches("\n  host:eth0 >");
        let difference = differing(GOLDEN, seen);
        assert_eq!(difference.first.seen, None);
        assert_eq!(text(difference.first.expected.as_ref()), "host:eth0 >");
        assert_eq!(difference.probe, Some(1));
    }

    const FORWARD: &str = "filter/FORWARD policy: accept";
    const MASQUERADE: &str = "nat/POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE: accept";

    fn path(fate: &str, verdicts: &[&str], ends: &str) -> String {
        let lines: Vec<String> = verdicts
            .iter()
            .map(|verdict| format!("  host   .         {verdict}\n"))
            .collect();
        format!(
            "probe 1  c1 → 8.8.8.8\nfate: {fate}\n\nwho handles it    who filters it\n request\n  c1:eth0  >\n{}{ends}\nprobe 2  c1 → c2\nfate: answered",
            lines.concat()
        )
    }

    const OUT: &str = "  host:eth0 >\n";

    #[test]
    fn the_rule_whose_verdict_is_not_the_goldens_is_responsible() {
        let drop = "filter/FORWARD -i hwchiu0 -j DROP: drop";
        let golden = path("answered", &[FORWARD, MASQUERADE], OUT);
        let found = differing(&golden, &path("request dropped", &[drop], ""));
        assert_eq!(found.line, 6);
        assert_eq!(text(found.first.seen.as_ref()), "fate: request dropped");
        let hop = found.hop.as_ref().expect("the hop is another line");
        assert_eq!(text(hop.after.as_ref()), "c1:eth0  >");
        assert!(text(hop.seen.as_ref()).ends_with(drop), "{hop:?}");
        let rule = found.rule.expect("a rule");
        assert_eq!(rule.seen.as_deref(), Some(drop));
        assert_eq!(rule.expected.as_deref(), Some(FORWARD));
    }

    #[test]
    fn a_rule_that_did_not_speak_is_responsible_too() {
        let golden = path("answered", &[FORWARD, MASQUERADE], OUT);
        let found = differing(&golden, &path("lost", &[FORWARD], OUT));
        let rule = found.rule.expect("a rule");
        assert_eq!(rule.expected.as_deref(), Some(MASQUERADE));
        assert_eq!(rule.seen, None);
    }

    #[test]
    fn the_nearest_rule_is_named_where_no_verdict_differs() {
        let golden = path("answered", &[FORWARD, MASQUERADE], OUT);
        let seen = path("answered", &[FORWARD, MASQUERADE], "  host:eth1 >\n");
        let found = differing(&golden, &seen);
        assert_eq!(found.hop, None, "it is the first line already");
        let rule = found.rule.expect("a rule");
        assert_eq!(rule.expected, rule.seen);
        assert_eq!(rule.seen.as_deref(), Some(MASQUERADE));
    }

    #[test]
    fn a_path_by_roles_names_the_hop_below_its_fate_too() {
        let text_of = |fate: &str, last: &str| {
            format!("probe 1  c1 → outside\nfate: {fate}\n error\n  host  <\n{last}\nprobe 2  x")
        };
        let found = differing(
            &text_of("unreachable: ttl exceeded", "  c1    <\n"),
            &text_of("error dropped at host", ""),
        );
        assert_eq!(
            text(found.first.seen.as_ref()),
            "fate: error dropped at host"
        );
        let hop = found.hop.as_ref().expect("the hop is another line");
        assert_eq!(text(hop.after.as_ref()), "host  <");
        assert_eq!(text(hop.expected.as_ref()), "c1    <");
        assert_eq!(hop.seen, None);
    }

    #[test]
    fn a_difference_in_a_later_probe_does_not_blame_an_earlier_rule() {
        let golden = path("answered", &[FORWARD], OUT);
        let seen = golden.replace("c2\nfate: answered", "c2\nfate: lost");
        let found = differing(&golden, &seen);
        assert_eq!(found.heading.as_deref(), Some("probe 2  c1 → c2"));
        assert_eq!(found.rule, None);
        assert_eq!(found.hop, None);
    }

    #[test]
    fn a_difference_outside_of_paths_belongs_to_no_probe() {
        let golden = format!("{GOLDEN}\n\nroutes of c1:\n  a\n");
        let found = differing(&golden, &golden.replace("  a\n", "  b\n"));
        assert_eq!((found.probe, found.heading, found.rule), (None, None, None));
        assert_eq!(text(found.first.expected.as_ref()), "a");
    }
}
