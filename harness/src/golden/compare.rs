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
    Different(Difference),
}

/// Where a path leaves its golden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Line of the golden file, counted from 1.
    pub line: usize,
    /// The probe's heading above that line.
    pub probe: String,
    /// The section that it is in, as `who handles it`.
    pub section: String,
    /// The golden's line, empty where the golden ends earlier.
    pub expected: String,
    /// The line seen, empty where the path ends earlier.
    pub seen: String,
    /// The last line that both share: the hop after which they part.
    pub after: String,
    /// Both as a unified difference.
    pub diff: String,
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
    let shared = expected_lines
        .iter()
        .zip(&seen_lines)
        .take_while(|(a, b)| a == b)
        .count();
    let above = &expected_lines[..shared];
    let last = |wanted: fn(&&&str) -> bool| {
        above
            .iter()
            .rev()
            .find(wanted)
            .map_or_else(String::new, |line| (*line).to_owned())
    };
    let line_at = |lines: &[&str]| {
        lines
            .get(shared)
            .copied()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    Comparison::Different(Difference {
        line: golden.first_line + shared,
        probe: last(|line| line.starts_with("probe ")),
        section: last(|line| line.starts_with("who ")),
        expected: line_at(&expected_lines),
        seen: line_at(&seen_lines),
        after: last(|line| line.starts_with("  ")).trim().to_owned(),
        diff: unified(expected, seen),
    })
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_end = |line: &str| {
            if line.is_empty() {
                String::from("(nothing: it ends here)")
            } else {
                line.to_owned()
            }
        };
        writeln!(f, "the path leaves its golden at line {}", self.line)?;
        if !self.probe.is_empty() {
            writeln!(f, "  in       {}", self.probe)?;
        }
        if !self.after.is_empty() {
            writeln!(f, "  after    {}", self.after)?;
        }
        writeln!(f, "  expected {}", or_end(&self.expected))?;
        writeln!(f, "  seen     {}", or_end(&self.seen))?;
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
        assert_eq!(difference.expected, "host:veth0 <");
        assert_eq!(difference.seen, "host:veth1 <");
        assert_eq!(difference.after, "c1:eth0 >");
        assert_eq!(difference.probe, "probe 1  c1 → 8.8.8.8  icmp echo");
    }

    #[test]
    fn a_path_that_ends_early_differs_at_its_end() {
        let seen = GOLDEN.trim_end_matches("\n  host:eth0 >");
        let Comparison::Different(difference) = compare(Some(&golden()), seen) else {
            panic!("taken for the same");
        };
        assert_eq!(difference.seen, "");
        assert_eq!(difference.expected, "host:eth0 >");
    }
}
