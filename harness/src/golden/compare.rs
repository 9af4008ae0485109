//! The first line where a path leaves its golden, and the whole difference as text.

use similar::{ChangeTag, TextDiff};

use super::Golden;

/// How what was seen stands to the golden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Line by line the same.
    Same,
    /// There is no golden yet.
    New,
    /// They part.
    Different(Box<Difference>),
}

/// Where a path leaves its golden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Line of the golden file, counted from 1.
    pub line: usize,
    /// The probe's heading above that line.
    pub probe: String,
    /// The first line that differs.
    pub first: Parting,
    /// The first hop or verdict that differs, where that is another line: a fate stands above its path.
    pub hop: Option<Parting>,
    /// The rule or policy that made the difference, or the nearest to it.
    pub rule: Option<Parting>,
    /// Both as a unified difference.
    pub diff: String,
}

/// Two lines in the same place that are not the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parting {
    /// The line above, which both share.
    pub after: String,
    /// The golden's line, empty where the golden ends earlier.
    pub expected: String,
    /// The line seen, empty where the path ends earlier.
    pub seen: String,
}

/// Compares a path with its golden.
pub fn compare(golden: Option<&Golden>, seen: &str) -> Comparison {
    let Some(golden) = golden else {
        return Comparison::New;
    };
    let (expected, seen) = (golden.text.trim_end(), seen.trim_end());
    if expected == seen {
        return Comparison::Same;
    }
    let expected_lines: Vec<&str> = expected.lines().collect();
    let seen_lines: Vec<&str> = seen.lines().collect();
    let shared = shared(&expected_lines, &seen_lines);
    let probe = heading(&expected_lines, shared).or_else(|| heading(&seen_lines, shared));
    let first = Parting::at(&expected_lines, &seen_lines, shared);
    let (expected_hops, seen_hops) = (
        section(&expected_lines, shared),
        section(&seen_lines, shared),
    );
    let hop = Some(Parting::at(
        expected_hops,
        seen_hops,
        self::shared(expected_hops, seen_hops),
    ));
    Comparison::Different(Box::new(Difference {
        line: golden.first_line + shared,
        probe: probe.unwrap_or_default().to_owned(),
        hop: hop.filter(|hop| hop.expected != hop.seen && hop.lines() != first.lines()),
        first,
        rule: responsible(expected_hops, seen_hops),
        diff: unified(expected, seen),
    }))
}

/// How many lines both begin with.
fn shared(expected: &[&str], seen: &[&str]) -> usize {
    let pairs = expected.iter().zip(seen);
    pairs.take_while(|(a, b)| a == b).count()
}

fn is_heading(line: &&str) -> bool {
    line.starts_with("probe ")
}

/// The heading of the probe that a line belongs to.
fn heading<'a>(lines: &[&'a str], at: usize) -> Option<&'a str> {
    let above = &lines[..lines.len().min(at + 1)];
    above.iter().rev().find(|line| is_heading(line)).copied()
}

/// The hops and verdicts of the probe that a line belongs to.
fn section<'a, 'b>(lines: &'a [&'b str], at: usize) -> &'a [&'b str] {
    let above = &lines[..lines.len().min(at + 1)];
    let probe = above.iter().rposition(is_heading).unwrap_or_default();
    let lines = &lines[probe..];
    // A path by roles has no columns: its hops stand right below its fate.
    let begins = |with: &str| lines.iter().position(|line| line.starts_with(with));
    let Some(start) = begins("who handles").or_else(|| begins("fate:")) else {
        return &[];
    };
    let lines = &lines[start + 1..];
    let end = lines.iter().position(|line| line.is_empty());
    &lines[..end.unwrap_or(lines.len())]
}

/// What netfilter said on a line: table, chain, rule and action. Cells are two spaces apart or more.
fn verdict<'a>(line: &&'a str) -> Option<&'a str> {
    let (_, cell) = line.rsplit_once("   ").or_else(|| line.rsplit_once("  "))?;
    let cell = cell.trim();
    let chain = cell.split(' ').next()?;
    (chain.contains('/') && cell.contains(": ")).then_some(cell)
}

/// The first verdict that is not the golden's; if all are, the one at or after the hop where the paths
/// part, or else the last before it.
fn responsible(expected: &[&str], seen: &[&str]) -> Option<Parting> {
    let of = |lines: &[&str]| {
        let lines: Vec<String> = lines
            .iter()
            .filter_map(verdict)
            .map(str::to_owned)
            .collect();
        lines
    };
    let (theirs, ours) = (of(expected), of(seen));
    let pairs = theirs.iter().zip(&ours);
    let same = pairs.take_while(|(a, b)| a == b).count();
    let at = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
    if theirs != ours {
        return Some(Parting {
            after: String::new(),
            expected: at(&theirs, same),
            seen: at(&ours, same),
        });
    }
    let parted = shared(expected, seen);
    let later = seen.iter().skip(parted).find_map(verdict);
    let nearest = later.or_else(|| seen.iter().take(parted).rev().find_map(verdict))?;
    Some(Parting {
        after: String::new(),
        expected: nearest.to_owned(),
        seen: nearest.to_owned(),
    })
}

impl Parting {
    fn at(expected: &[&str], seen: &[&str], position: usize) -> Self {
        let line = |lines: &[&str]| {
            lines
                .get(position)
                .map_or("", |line| line.trim())
                .to_owned()
        };
        let above = &expected[..position.min(expected.len())];
        let after = above.iter().rev().find(|line| line.starts_with("  "));
        Self {
            after: after.map_or("", |line| line.trim()).to_owned(),
            expected: line(expected),
            seen: line(seen),
        }
    }

    fn lines(&self) -> (&str, &str) {
        (&self.expected, &self.seen)
    }

    fn write(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.after.is_empty() {
            writeln!(f, "  after    {}", self.after)?;
        }
        writeln!(f, "  expected {}", or_end(&self.expected))?;
        writeln!(f, "  seen     {}", or_end(&self.seen))
    }
}

fn or_end(line: &str) -> &str {
    if line.is_empty() {
        "(nothing: it ends here)"
    } else {
        line
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "the path leaves its golden at line {}", self.line)?;
        if !self.probe.is_empty() {
            writeln!(f, "  in       {}", self.probe)?;
        }
        self.first.write(f)?;
        if let Some(hop) = &self.hop {
            writeln!(f, "first hop or verdict that differs")?;
            hop.write(f)?;
        }
        if let Some(rule) = &self.rule {
            let none = |said: &'_ str| match said {
                "" => String::from("no verdict"),
                said => said.to_owned(),
            };
            if rule.expected == rule.seen {
                writeln!(f, "nearest rule: {}", rule.seen)?;
            } else {
                let (seen, expected) = (none(&rule.seen), none(&rule.expected));
                writeln!(f, "rule responsible: {seen}; the golden has {expected}")?;
            }
        }
        write!(f, "{}", self.diff.trim_end())
    }
}

fn unified(expected: &str, seen: &str) -> String {
    let mut text = String::new();
    let diff = TextDiff::from_lines(expected, seen);
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        text.push(sign);
        text.push_str(change.value().trim_end_matches('\n'));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = "probe 1  c1 → 8.8.8.8  icmp echo\nfate: answered\n\nwho handles it\n request\n  c1:eth0 >\n  host:veth0 <\n  host:eth0 >";

    fn golden() -> Golden {
        Golden {
            text: GOLDEN.to_owned(),
            first_line: 5,
        }
    }

    #[test]
    fn the_same_text_is_the_same() {
        assert_eq!(
            compare(Some(&golden()), &format!("{GOLDEN}\n")),
            Comparison::Same
        );
    }

    #[test]
    fn the_first_hop_that_differs_is_named() {
        let seen = GOLDEN.replace("host:veth0 <", "host:veth1 <");
        let Comparison::Different(difference) = compare(Some(&golden()), &seen) else {
            panic!("taken for the same");
        };
        assert_eq!(difference.line, 11);
        assert_eq!(difference.first.expected, "host:veth0 <");
        assert_eq!(difference.first.seen, "host:veth1 <");
        assert_eq!(difference.first.after, "c1:eth0 >");
        assert_eq!(difference.probe, "probe 1  c1 → 8.8.8.8  icmp echo");
    }

    #[test]
    fn a_path_that_ends_early_differs_at_its_end() {
        let seen = GOLDEN.trim_end_matches("\n  host:eth0 >");
        let Comparison::Different(difference) = compare(Some(&golden()), seen) else {
            panic!("taken for the same");
        };
        assert_eq!(difference.first.seen, "");
        assert_eq!(difference.first.expected, "host:eth0 >");
    }

    const FORWARD: &str = "filter/FORWARD policy: accept";
    const MASQUERADE: &str = "nat/POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE: accept";

    fn path(fate: &str, verdicts: &[&str], ends: &str) -> String {
        let lines: Vec<String> = verdicts
            .iter()
            .map(|verdict| format!("  host   .         {verdict}"))
            .collect();
        format!(
            "probe 1  c1 → 8.8.8.8\nfate: {fate}\n\nwho handles it    who filters it\n request\n  c1:eth0  >\n{}\n  {ends}\n\nprobe 2  c1 → c2\nfate: answered",
            lines.join("\n")
        )
    }

    fn difference(expected: &str, seen: &str) -> Difference {
        let golden = Golden {
            text: expected.to_owned(),
            first_line: 5,
        };
        match compare(Some(&golden), seen) {
            Comparison::Different(difference) => *difference,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_rule_whose_verdict_is_not_the_goldens_is_responsible() {
        let drop = "filter/FORWARD -i hwchiu0 -j DROP: drop";
        let seen = path("request dropped", &[drop], "");
        let found = difference(
            &path("answered", &[FORWARD, MASQUERADE], "host:eth0 >"),
            &seen,
        );
        assert_eq!(found.line, 6);
        assert_eq!(found.first.seen, "fate: request dropped");
        let hop = found.hop.as_ref().expect("the hop is another line");
        assert_eq!(hop.after, "c1:eth0  >");
        assert!(hop.seen.ends_with(drop), "{hop:?}");
        assert!(found.to_string().contains(&format!(
            "rule responsible: {drop}; the golden has {FORWARD}\n"
        )));
    }

    #[test]
    fn a_rule_that_did_not_speak_is_responsible_too() {
        let expected = path("answered", &[FORWARD, MASQUERADE], "host:eth0 >");
        let found = difference(&expected, &path("lost", &[FORWARD], "host:eth0 >"));
        let rule = found.rule.as_ref().expect("a rule");
        assert_eq!(
            (rule.expected.as_str(), rule.seen.as_str()),
            (MASQUERADE, "")
        );
        assert!(found.to_string().contains("rule responsible: no verdict;"));
    }

    #[test]
    fn the_nearest_rule_is_named_where_no_verdict_differs() {
        let expected = path("answered", &[FORWARD, MASQUERADE], "host:eth0 >");
        let found = difference(
            &expected,
            &path("answered", &[FORWARD, MASQUERADE], "host:eth1 >"),
        );
        assert_eq!(found.hop, None, "it is the first line already");
        assert!(
            found
                .to_string()
                .contains(&format!("nearest rule: {MASQUERADE}\n"))
        );
    }

    #[test]
    fn a_path_by_roles_names_the_hop_below_its_fate_too() {
        let text = |fate: &str, last: &str| {
            format!("probe 1  c1 → outside\nfate: {fate}\n error\n  host  <\n{last}\nprobe 2  x")
        };
        let found = difference(
            &text("unreachable: ttl exceeded", "  c1    <\n"),
            &text("error dropped at host", ""),
        );
        assert_eq!(found.first.seen, "fate: error dropped at host");
        let hop = found.hop.as_ref().expect("the hop is another line");
        let lines = (hop.after.as_str(), hop.expected.as_str(), hop.seen.as_str());
        assert_eq!(lines, ("host  <", "c1    <", ""));
    }

    #[test]
    fn a_difference_in_a_later_probe_does_not_blame_an_earlier_rule() {
        let expected = path("answered", &[FORWARD], "host:eth0 >");
        let seen = expected.replace("c2\nfate: answered", "c2\nfate: lost");
        let found = difference(&expected, &seen);
        assert_eq!(found.probe, "probe 2  c1 → c2");
        assert_eq!(found.rule, None);
        assert_eq!(found.hop, None);
    }
}
