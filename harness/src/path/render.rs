//! The golden text of a path, in the article's three questions.
//!
//! What differs by nature is left out here, by type: time stamps, MAC addresses, identifiers,
//! sequence numbers and checksums never reach the text.

use std::fmt::Write as _;

use super::drawn::{CONNTRACK, Drawing, NOT_CAPTURED, WHO_FILTERS_IT, WHO_GETS_IT, WHO_HANDLES_IT};
use super::{Binding, End, Hop, Is, Leg, Line, Lookup, PacketPath, Rewrite, Rule, Step, Verdict};
use crate::packet::Headers;

/// Column where "who filters it" begins. A left cell that is longer pushes its own line only, so
/// that one long line does not change all others in a diff.
const FILTER_COLUMN: usize = 68;
/// Width of `node:interface`.
const PLACE_WIDTH: usize = 18;

/// A place in its column. What is wider still ends with a space.
fn placed(place: &str) -> String {
    if place.chars().count() < PLACE_WIDTH {
        format!("{place:PLACE_WIDTH$}")
    } else {
        format!("{place} ")
    }
}

/// Draws the path, one hop a line.
pub fn draw(path: &PacketPath) -> Vec<Line> {
    let mut lines = vec![fate_line(&path.fate)];
    if !path.lookups.is_empty() {
        lines.push(Line::new("", Is::Blank));
        lines.push(Line::new(WHO_GETS_IT, Is::Title));
        lines.extend(path.lookups.iter().map(lookup_line));
    }
    if !path.legs.is_empty() {
        lines.push(Line::new("", Is::Blank));
        lines.push(columns(WHO_HANDLES_IT, WHO_FILTERS_IT, Is::Title));
        for leg in &path.legs {
            draw_leg(&mut lines, leg);
        }
    }
    lines.extend(path.bindings.iter().map(binding_line));
    lines
}

/// Draws the path as text, one hop a line.
pub fn render(path: &PacketPath) -> String {
    let lines = draw(path);
    Drawing { lines }.to_string()
}

pub(super) fn fate_line(fate: &impl std::fmt::Display) -> Line {
    Line::new(format!("fate: {fate}"), Is::Fate)
}

fn lookup_line(lookup: &Lookup) -> Line {
    let Lookup {
        node,
        table,
        answer,
    } = lookup;
    let node = node.clone();
    let text = format!("  {}{table:<7}{answer}", placed(&node));
    Line::new(text, Is::Lookup { node })
}

fn binding_line(binding: &Binding) -> Line {
    let (from, to) = &binding.original;
    let (back_from, back_to) = &binding.reply;
    let node = binding.node.clone();
    let text = format!(
        "  {}conntrack {}: {from} → {to}, replies {back_from} → {back_to}",
        placed(&node),
        binding.protocol
    );
    Line::new(text, Is::Binding { node })
}

fn draw_leg(lines: &mut Vec<Line>, leg: &Leg) {
    lines.push(Line::new(format!(" {}", leg.kind), Is::Leg));
    let mut shown: Option<&Headers> = None;
    let mut steps = leg.steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Hop(hop) => {
                let node = hop.node.clone();
                lines.push(Line::new(hop_text(hop, shown), Is::Hop { node }));
                shown = Some(&hop.headers);
            }
            Step::Verdict(verdict) => {
                // The rewrite stands beside the rule that asked for it.
                let rewrite = match steps.peek() {
                    Some(Step::Rewrite(rewrite)) if verdict.translates() => {
                        Some(rewrite_text(rewrite))
                    }
                    _ => None,
                };
                if rewrite.is_some() {
                    steps.next();
                }
                let node = verdict.node.clone();
                let left = rewrite.unwrap_or_else(|| format!("  {}.", placed(&node)));
                let said = verdict_text(verdict);
                lines.push(columns(&left, &said.clone(), Is::Verdict { node, said }));
            }
            Step::Rewrite(rewrite) => {
                let node = rewrite.node.clone();
                let is = Is::Rewrite { node };
                lines.push(columns(&rewrite_text(rewrite), CONNTRACK, is));
            }
            Step::Missing {
                node,
                interface,
                direction,
            } => {
                let place = format!("{node}:{interface}");
                let arrow = direction.arrow();
                let text = format!("  {}{arrow}  {NOT_CAPTURED}", placed(&place));
                let node = node.clone();
                lines.push(Line::new(text, Is::Missing { node }));
            }
        }
    }
}

fn columns(left: &str, right: &str, is: Is) -> Line {
    let gap = FILTER_COLUMN.saturating_sub(left.chars().count()).max(2);
    Line::new(format!("{left}{:gap$}{right}", ""), is)
}

/// A hop repeats only what changed since the hop before.
fn hop_text(hop: &Hop, shown: Option<&Headers>) -> String {
    let place = format!("{}:{}", hop.node, hop.interface);
    let mut left = format!("  {}{}", placed(&place), hop.direction.arrow());
    let now = &hop.headers;
    let ends = |h: &Headers| (h.source_text(), h.destination_text());
    let about = |h: &Headers| h.quoted().map(ends);
    if shown.is_none_or(|before| ends(before) != ends(now)) {
        let (source, destination) = ends(now);
        let _ = write!(left, "  {source} → {destination}");
    }
    let Some(before) = shown else {
        let _ = write!(left, "  {}", now.transport);
        if let Some((source, destination)) = about(now) {
            let _ = write!(left, "  quoted {source} → {destination}");
        }
        let _ = write!(left, "  ttl {}", now.ttl);
        left.push_str(&details(now));
        return left;
    };
    if about(before) != about(now)
        && let Some((source, destination)) = about(now)
    {
        let _ = write!(left, "  quoted {source} → {destination}");
    }
    if before.ttl != now.ttl {
        let _ = write!(left, "  ttl {}", now.ttl);
    }
    if before.tos != now.tos {
        let _ = write!(left, "  tos {:#04x}", now.tos);
    }
    if before.dont_fragment != now.dont_fragment {
        left.push_str(if now.dont_fragment {
            "  df"
        } else {
            "  df cleared"
        });
    }
    if before.length != now.length || before.fragment_offset != now.fragment_offset {
        let _ = write!(left, "  length {}", now.length);
        left.push_str(&fragment(now));
    }
    left
}

fn details(headers: &Headers) -> String {
    let mut text = String::new();
    if headers.tos != 0 {
        let _ = write!(text, "  tos {:#04x}", headers.tos);
    }
    if headers.dont_fragment {
        text.push_str("  df");
    }
    let _ = write!(text, "  length {}", headers.length);
    text.push_str(&fragment(headers));
    text
}

fn fragment(headers: &Headers) -> String {
    match (headers.fragment_offset, headers.more_fragments) {
        (0, false) => String::new(),
        (offset, true) => format!("  fragment at {offset}, more follow"),
        (offset, false) => format!("  last fragment at {offset}"),
    }
}

fn rewrite_text(rewrite: &Rewrite) -> String {
    let end = match rewrite.end {
        End::Source => "source",
        End::Destination => "destination",
    };
    format!(
        "  {}.  {end} {} → {}",
        placed(&rewrite.node),
        rewrite.was,
        rewrite.is
    )
}

fn verdict_text(verdict: &Verdict) -> String {
    let Verdict { chain, action, .. } = verdict;
    match &verdict.rule {
        Rule::Text(rule) => format!("{chain} {rule}: {action}"),
        Rule::Policy => format!("{chain} policy: {action}"),
    }
}
