//! What is drawn of a trial, line by line, each with what it is: so that two drawings are compared as structure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Is, LegKind, Line};

/// The title above lookups.
pub(super) const WHO_GETS_IT: &str = "who gets it";
/// The title above hops.
pub(super) const WHO_HANDLES_IT: &str = "who handles it";
/// The title above verdicts.
pub(super) const WHO_FILTERS_IT: &str = "who filters it";
/// Stands in place of a verdict where no rule asked for a translation.
pub(super) const CONNTRACK: &str = "conntrack";
/// Ends the line of a frame that is missing.
pub(super) const NOT_CAPTURED: &str = "not captured";
/// A path by roles says so where a proxy is as good as a translation.
pub(super) const BETWEEN: &str = " between    the host, by translation or by a proxy";
const PROBE: &str = "probe ";
const FATE: &str = "fate: ";

/// Everything that is drawn of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Drawing {
    /// Its lines, in order.
    pub lines: Vec<Line>,
}

impl Drawing {
    /// Adds a sentence.
    pub fn say(&mut self, text: &str) {
        self.part();
        self.lines.push(Line::new(text, Is::Said));
    }

    /// Adds a list with its title; an empty one says `none`.
    pub fn list(&mut self, title: &str, entries: &[String]) {
        if entries.is_empty() {
            return self.say(&format!("{title}: none"));
        }
        self.say(&format!("{title}:"));
        let entries = entries.iter();
        self.lines
            .extend(entries.map(|entry| Line::new(format!("  {entry}"), Is::Entry)));
    }

    /// Adds a probe's path.
    pub fn probe(&mut self, number: usize, title: &str, path: Vec<Line>) {
        self.part();
        let heading = Line::new(format!("{PROBE}{number}  {title}"), Is::Probe);
        let lines = std::iter::once(heading).chain(path);
        self.lines.extend(lines.map(|line| Line {
            probe: (line.is != Is::Blank).then_some(number),
            ..line
        }));
    }

    /// Whether nothing was drawn.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A probe's heading, if it was drawn.
    pub fn heading(&self, probe: usize) -> Option<&str> {
        let mut headings = self.lines.iter().filter(|line| line.is == Is::Probe);
        let heading = headings.find(|line| line.probe == Some(probe))?;
        Some(&heading.text)
    }

    fn part(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::new("", Is::Blank));
        }
    }

    /// Reads what a drawing wrote, as a golden holds it. What is not of its form is taken as said.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader::default();
        let lines = text.trim_end().lines();
        Self {
            lines: lines.map(|line| reader.line(line)).collect(),
        }
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

/// What was read so far.
#[derive(Debug, Default)]
struct Reader {
    probe: Option<usize>,
    /// The part of a path that the last line belonged to.
    part: Part,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Between paragraphs.
    #[default]
    None,
    Lookups,
    Way,
    List,
}

impl Reader {
    fn line(&mut self, text: &str) -> Line {
        let is = self.is(text);
        Line {
            text: text.to_owned(),
            probe: self.probe.filter(|_| is != Is::Blank),
            is,
        }
    }

    fn is(&mut self, text: &str) -> Is {
        if text.is_empty() {
            self.part = Part::None;
            return Is::Blank;
        }
        if self.part == Part::None {
            return self.first(text);
        }
        match self.part {
            Part::Lookups => Is::Lookup {
                node: first_word(text).to_owned(),
            },
            Part::Way if text.starts_with(FATE) => Is::Fate,
            Part::Way => way(text).unwrap_or(Is::Said),
            Part::List | Part::None if text.starts_with("  ") => Is::Entry,
            Part::List | Part::None => Is::Said,
        }
    }

    /// The first line of a paragraph.
    fn first(&mut self, text: &str) -> Is {
        if let Some(number) = text.strip_prefix(PROBE).map(first_word) {
            self.probe = number.parse().ok();
            self.part = Part::Way;
            return Is::Probe;
        }
        if self.probe.is_some() && text == WHO_GETS_IT {
            self.part = Part::Lookups;
            return Is::Title;
        }
        if self.probe.is_some() && text.starts_with(WHO_HANDLES_IT) {
            self.part = Part::Way;
            return Is::Title;
        }
        self.part = Part::List;
        self.probe = None;
        Is::Said
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// A line of what handles and filters a packet.
fn way(text: &str) -> Option<Is> {
    if text == BETWEEN {
        return Some(Is::Between);
    }
    let indent = text.len() - text.trim_start_matches(' ').len();
    if indent == 1 {
        let kinds = [LegKind::Request, LegKind::Reply, LegKind::Error];
        let is_leg = kinds.iter().any(|kind| text[1..] == kind.to_string());
        return is_leg.then_some(Is::Leg);
    }
    let (place, rest) = text.trim_start().split_once(' ')?;
    let node = place.split(':').next().unwrap_or(place).to_owned();
    let rest = rest.trim_start();
    let sign = first_word(rest);
    let rest = rest[sign.len()..].trim();
    Some(match sign {
        ">" | "<" if rest == NOT_CAPTURED => Is::Missing { node },
        ">" | "<" => Is::Hop { node },
        "." => match behind_rewrite(rest) {
            CONNTRACK => Is::Rewrite { node },
            said => Is::Verdict {
                node,
                said: said.to_owned(),
            },
        },
        CONNTRACK => Is::Binding { node },
        _ => return None,
    })
}

/// What stands behind `source 10.55.66.2 → 10.0.2.15`, or everything.
fn behind_rewrite(text: &str) -> &str {
    let behind = |text| -> Option<&str> {
        let rest = ["source ", "destination "].iter();
        let rest = rest
            .filter_map(|end| str::strip_prefix(text, *end))
            .next()?;
        let (_, rest) = rest.split_once(" → ")?;
        Some(rest.split_once(' ')?.1.trim_start())
    };
    behind(text).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::files;

    #[test]
    fn every_golden_reads_as_it_was_written_and_no_line_of_a_path_is_unknown() {
        let mut verdicts = 0;
        for golden in files("golden", "snap") {
            let text = String::from_utf8_lossy(&golden);
            let body = text.splitn(3, "---\n").nth(2).expect("a header");
            let drawing = Drawing::read(body);
            assert_eq!(drawing.to_string().trim_end(), body.trim_end());
            for line in &drawing.lines {
                let unknown = line.is == Is::Said && line.probe.is_some();
                assert!(!unknown, "{line:?} in\n{text}");
                if let Is::Verdict { said, .. } = &line.is {
                    let chain = first_word(said);
                    assert!(chain.contains('/') && said.contains(": "), "{line:?}");
                    verdicts += 1;
                }
            }
        }
        assert!(verdicts > 0, "no golden has a verdict");
    }

    #[test]
    fn a_drawing_is_read_back_line_by_line() {
        let mut drawing = Drawing::default();
        drawing.list("routes of c1", &[]);
        drawing.list("interfaces of c1", &[String::from("lo")]);
        let node = || String::from("host");
        let hop = Line::new(
            "  host:eth0         >  1.1.1.1 → 2.2.2.2",
            Is::Hop { node: node() },
        );
        let said = String::from("nat/POSTROUTING policy: accept");
        let verdict = Line::new(
            format!("  host              .  source 1.1.1.1:5 → 2.2.2.2:5      {said}"),
            Is::Verdict { node: node(), said },
        );
        let path = vec![
            Line::new("fate: answered", Is::Fate),
            Line::new(" request", Is::Leg),
            hop,
            verdict,
            Line::new(BETWEEN, Is::Between),
        ];
        drawing.probe(2, "c1 → c2  udp", path);
        drawing.say("c1 is removed");
        assert_eq!(Drawing::read(&drawing.to_string()), drawing);
        assert_eq!(drawing.heading(2), Some("probe 2  c1 → c2  udp"));
    }
}
