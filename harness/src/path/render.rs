//! The golden text of a path, in the article's three questions.
//!
//! What differs by nature is left out here, by type: time stamps, MAC addresses, identifiers,
//! sequence numbers and checksums never reach the text.

use std::fmt::Write as _;

use super::evidence::{Action, LegKind, Lookup, Rule};
use super::model::{End, Fate, Hop, Leg, PacketPath, Rewrite, Step, Verdict};
use crate::packet::Headers;

/// Column where "who filters it" begins. A left cell that is longer pushes its own line only, so
/// that one long line does not change all others in a diff.
const FILTER_COLUMN: usize = 68;
/// Width of `node:interface`.
const PLACE_WIDTH: usize = 18;

/// Draws the path as text, one hop a line.
pub fn render(path: &PacketPath) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "fate: {}", path.fate);
    if !path.lookups.is_empty() {
        text.push_str("\nwho gets it\n");
        for lookup in &path.lookups {
            render_lookup(&mut text, lookup);
        }
    }
    if !path.legs.is_empty() {
        text.push('\n');
        push_columns(&mut text, "who handles it", "who filters it");
        for leg in &path.legs {
            render_leg(&mut text, leg);
        }
    }
    for binding in &path.bindings {
        let (from, to) = &binding.original;
        let (back_from, back_to) = &binding.reply;
        let _ = writeln!(
            text,
            "  {:PLACE_WIDTH$}conntrack {}: {from} → {to}, replies {back_from} → {back_to}",
            binding.node, binding.protocol
        );
    }
    text
}

fn render_lookup(text: &mut String, lookup: &Lookup) {
    let Lookup {
        node,
        table,
        answer,
    } = lookup;
    let _ = writeln!(text, "  {node:PLACE_WIDTH$}{table:<7}{answer}");
}

fn render_leg(text: &mut String, leg: &Leg) {
    let _ = writeln!(text, " {}", leg.kind);
    let mut shown: Option<&Headers> = None;
    let mut steps = leg.steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Hop(hop) => {
                let left = hop_text(hop, shown);
                push_columns(text, &left, "");
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
                let left = rewrite.unwrap_or_else(|| format!("  {:PLACE_WIDTH$}.", verdict.node));
                push_columns(text, &left, &verdict_text(verdict));
            }
            Step::Rewrite(rewrite) => push_columns(text, &rewrite_text(rewrite), "conntrack"),
            Step::Missing {
                node,
                interface,
                direction,
            } => {
                let place = format!("{node}:{interface}");
                let left = format!("  {place:PLACE_WIDTH$}{}  not captured", direction.arrow());
                push_columns(text, &left, "");
            }
        }
    }
}

fn push_columns(text: &mut String, left: &str, right: &str) {
    if right.is_empty() {
        text.push_str(left.trim_end());
    } else {
        let width = left.chars().count();
        let gap = FILTER_COLUMN.saturating_sub(width).max(2);
        let _ = write!(text, "{left}{:gap$}{right}", "");
    }
    text.push('\n');
}

/// A hop repeats only what changed since the hop before.
fn hop_text(hop: &Hop, shown: Option<&Headers>) -> String {
    let place = format!("{}:{}", hop.node, hop.interface);
    let mut left = format!("  {place:PLACE_WIDTH$}{}", hop.direction.arrow());
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
        "  {:PLACE_WIDTH$}.  {end} {} → {}",
        rewrite.node, rewrite.was, rewrite.is
    )
}

fn verdict_text(verdict: &Verdict) -> String {
    let Verdict { chain, action, .. } = verdict;
    match &verdict.rule {
        Rule::Text(rule) => format!("{chain} {rule}: {action}"),
        Rule::Policy => format!("{chain} policy: {action}"),
    }
}

impl Verdict {
    /// Whether this rule asks for an address translation. Targets as in `man iptables-extensions`,
    /// statements as in `man nft`.
    pub fn translates(&self) -> bool {
        let Rule::Text(text) = &self.rule else {
            return false;
        };
        let words = [
            "MASQUERADE",
            "SNAT",
            "DNAT",
            "REDIRECT",
            "NETMAP",
            "masquerade",
            "snat",
            "dnat",
            "redirect",
        ];
        text.split_whitespace().any(|word| words.contains(&word))
    }
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered => write!(f, "answered"),
            Self::Rejected { by } => write!(f, "rejected: {by}"),
            Self::Unreachable { reason } => write!(f, "unreachable: {reason}"),
            Self::Dropped { leg, node, place } => write!(f, "{leg} dropped at {node} {place}"),
            Self::Lost { leg, after } if after.is_empty() => {
                write!(f, "{leg} lost before any interface saw it, no verdict")
            }
            Self::Lost { leg, after } => write!(f, "{leg} lost after {after}, no verdict"),
        }
    }
}

impl std::fmt::Display for LegKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Reply => "reply",
            Self::Error => "error",
            Self::Stream => "stream",
        })
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accept => write!(f, "accept"),
            Self::Drop => write!(f, "drop"),
            Self::Continue => write!(f, "continue"),
            Self::Jump(chain) => write!(f, "jump {chain}"),
            Self::Return => write!(f, "return"),
            Self::Queue => write!(f, "queue"),
        }
    }
}
