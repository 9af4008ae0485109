//! Findings in words: what a person reads about a trial. Nothing reads these words back.

use std::fmt::Write as _;
use std::path::Path;

use crate::finding::{
    CellDifference, Defect, Ending, Finding, Leftover, LeftoverChange, Review, Wanted, What,
};
use crate::golden::{GoldenDifference, Parting, Responsible, Side};
use crate::packet::Headers;
use crate::path::{Deed, End, Hop, Line};
use crate::program::{SHOWN, shown_within};

/// Bytes of a trial's message. Eight programs may have said all that is shown of one.
const MESSAGE: usize = 8 * SHOWN;

/// The findings, one below the other. Whoever had the last word in them: names of interfaces and rules are anybody's choice, too.
pub fn words(findings: &[Finding]) -> String {
    let words: Vec<String> = findings.iter().map(finding).collect();
    shown_within(&words.join("\n"), MESSAGE)
}

/// The findings, then where the evidence is and how to run the trial again, if it was saved.
pub fn message(findings: &[Finding], evidence: Option<&Path>, again: &str) -> String {
    let mut text = words(findings);
    if let Some(folder) = evidence {
        let _ = write!(text, "\nevidence: {}\nagain: {again}", folder.display());
    }
    text
}

fn finding(finding: &Finding) -> String {
    let what = what(&finding.what);
    match (finding.line, &finding.probe) {
        (Some(line), Some(probe)) => {
            format!(
                "line {line}, probe {} ({}): {what}",
                probe.number, probe.title
            )
        }
        (Some(line), None) => format!("line {line}: {what}"),
        (None, Some(probe)) => format!("probe {}, {what}", probe.number),
        (None, None) => what,
    }
}

fn what(what: &What) -> String {
    let differs = |what: &str, expected: &dyn std::fmt::Display, seen: &str| {
        format!("{what}: expected {expected}, seen {seen}")
    };
    match what {
        What::Fate { expected, seen } => differs("fate", expected, &ending(seen)),
        What::Place { expected, seen } => differs("place", expected, &ending(seen)),
        What::Leg { expected, seen } => differs("leg", expected, &ending(seen)),
        What::Reason { expected, seen } => differs("reason", expected, &ending(seen)),
        What::Ttl { expected, seen } => {
            let seen = seen.map_or_else(|| String::from("no reply"), |ttl| ttl.to_string());
            differs("ttl of the reply", expected, &seen)
        }
        What::Peer { expected, seen } => {
            let seen = seen.as_deref().unwrap_or_default();
            differs("client as the service saw it", expected, seen)
        }
        What::Unseen { at, wanted, seen } => unseen(at, wanted, seen),
        What::Seen { at, unwanted, seen } => format!(
            "{at} must not see {}; seen there: {}",
            packet(unwanted),
            as_seen(seen, unwanted)
        ),
        What::Silent { chain } => format!("no rule of {chain} saw the probe; it must"),
        What::Spoke { chain } => format!("a rule of {chain} saw the probe; none may"),
        What::Reached { node } => format!("{node} must not receive the request, and received it"),
        What::Gap { node, interface } => {
            format!("the path has a gap: {node}:{interface} must have seen the packet and did not")
        }
        What::Doubled {
            node,
            interface,
            leg,
        } => format!("{node}:{interface} saw the {leg} twice"),
        What::Netfilter(deed) => netfilter(deed),
        What::Cause { cause } => cause.to_string(),
        What::Entries {
            of,
            node,
            expected,
            seen,
        } => format!(
            "{of} of {node}: expected [{}], seen [{}]",
            expected.join("; "),
            seen.join("; ")
        ),
        What::Apart { nodes } => format!(
            "{} must share one network namespace and do not",
            nodes.join(" and ")
        ),
        What::Golden { difference } => difference_words(difference),
        other => of_trial(other),
    }
}

/// What is not about a path.
fn of_trial(what: &What) -> String {
    match what {
        What::Accepted { container } => {
            format!("the implementation must refuse {container}, and accepted it")
        }
        What::Check { said } => format!("check: {said}"),
        What::Unnoticed => {
            String::from("`check` reported no new problem, although the case changed the network")
        }
        What::Leftover(left) => format!("left behind: {}", leftover(left)),
        What::Kept { source, left } => format!("kept by design ({source}): {}", leftover(left)),
        What::Teardown { said } => format!("teardown: {said}"),
        What::Cell(cell) => cell_words(cell),
        What::NoGolden => String::from("there is no golden path for this case yet"),
        What::Review { id, review } => review_words(id, review),
        What::Known(Defect { issue, why, .. }) => format!("{issue}: {why}"),
        What::Stale(Defect { issue, why, .. }) => format!(
            "passed, but is expected to fail ({issue}: {why}); remove the entry or narrow its `versions` in harness/src/adapter/expected.toml or the file of --expected"
        ),
        What::NotSupported { reason } | What::Disabled { reason } => reason.clone(),
        What::CannotStart {
            implementation,
            said,
        } => match said {
            Some(said) => {
                format!("{implementation} cannot start on this machine, as installed: {said}")
            }
            None => format!("not run: {implementation} cannot start on this machine"),
        },
        What::Implementation { said } | What::Broken { said } | What::NotSaved { said } => {
            said.clone()
        }
        _ => String::new(),
    }
}

/// Questions named one by one; the rest is counted.
const NAMED: usize = 3;

/// A difference from the intent, the questions that share it, and the path of the one that was asked alone.
fn cell_words(cell: &CellDifference) -> String {
    let CellDifference {
        question,
        rule,
        sentence,
        level: _,
        known,
        expected,
        seen,
        wrong,
        others,
        unsteady,
        path,
    } = cell;
    let mut text = format!("{question}: {expected} expected (rule {rule}: {sentence}), {seen}");
    for wrong in wrong {
        let _ = write!(text, "; {wrong}");
    }
    if let Some(Defect { issue, why, .. }) = known {
        let _ = write!(text, "\n  known: {issue}: {why}");
    }
    if !others.is_empty() {
        let _ = write!(text, "\n  the same of {}", named(others));
    }
    if !unsteady.is_empty() {
        let _ = write!(
            text,
            "\n  unsteady: asked again, this was as the intent says of {}",
            named(unsteady)
        );
    }
    for line in path.lines() {
        let _ = write!(text, "\n  {line}");
    }
    text
}

fn named(questions: &[String]) -> String {
    let shown = &questions[..questions.len().min(NAMED)];
    let text = shown.join("; ");
    match questions.len() - shown.len() {
        0 => text,
        more => format!("{text}; and {more} more"),
    }
}

/// How a path ended, in words that name a place.
fn ending(ending: &Ending) -> String {
    let mut text = ending.fate.to_string();
    if let Some(node) = &ending.said_by {
        let _ = write!(text, ", as {node} itself says");
    }
    if let Some(next) = &ending.silent {
        let _ = write!(text, ": nobody answers its ARP for {next}");
    }
    text
}

fn unseen(at: &str, wanted: &Wanted, seen: &[Hop]) -> String {
    let there: Vec<String> = seen.iter().map(|hop| as_seen(hop, wanted)).collect();
    let there = if there.is_empty() {
        String::from("nothing of the probe")
    } else {
        there.join(", ")
    };
    format!("{at} must see {}; seen there: {there}", packet(wanted))
}

/// A packet by what a case says about it.
fn packet(wanted: &Wanted) -> String {
    let mut words = vec![match wanted.leg {
        Some(leg) => leg.to_string(),
        None => String::from("a packet of the probe"),
    }];
    let mut add = |before: &str, word: Option<String>| {
        words.extend(word.map(|word| format!("{before} {word}")));
    };
    add("from", wanted.source.clone());
    add("to", wanted.destination.clone());
    add("with ttl", wanted.ttl.map(|ttl| ttl.to_string()));
    add(
        "with source port",
        wanted.source_port.map(|port| port.to_string()),
    );
    add("with tos", wanted.tos.map(|tos| format!("{tos:#04x}")));
    if let Some(is_set) = wanted.dont_fragment {
        let before = if is_set { "with" } else { "without" };
        add(before, Some(String::from("df")));
    }
    add("in a frame of", wanted.sender.clone());
    add("quoting a packet from", wanted.quoted_source.clone());
    add("quoting a packet to", wanted.quoted_destination.clone());
    words.join(" ")
}

/// Where a packet was seen and how, with what was asked for.
fn as_seen(hop: &Hop, asked: &Wanted) -> String {
    let headers = &hop.headers;
    let ends = |headers: &Headers| {
        let (source, destination) = (headers.source_text(), headers.destination_text());
        format!("{source} → {destination}")
    };
    let mut text = format!(
        "{}:{} {} {} {} ttl {}",
        hop.node,
        hop.interface,
        hop.direction.arrow(),
        ends(headers),
        headers.transport,
        headers.ttl
    );
    if asked.tos.is_some() {
        let _ = write!(text, " tos {:#04x}", headers.tos);
    }
    if asked.dont_fragment.is_some() && headers.dont_fragment {
        text.push_str(" df");
    }
    if let Some(quoted) = headers.quoted() {
        let _ = write!(text, " quoting {}", ends(quoted));
    }
    if let (Some(_), Some(sender)) = (&asked.sender, &hop.sender) {
        let _ = write!(text, " in a frame of {sender}");
    }
    text
}

fn netfilter(deed: &Deed) -> String {
    let by = match &deed.rule {
        None => String::from("conntrack"),
        Some(rule) => match &rule.text {
            Some(text) => format!("{} {text}", rule.chain),
            None => format!("{} policy", rule.chain),
        },
    };
    let (node, leg) = (&deed.node, deed.leg);
    let Some(change) = &deed.change else {
        return format!("{node}: {leg} dropped by {by}");
    };
    let end = match change.end {
        End::Source => "source",
        End::Destination => "destination",
    };
    format!("{node}: {leg} {end} {} → {} by {by}", change.was, change.is)
}

fn leftover(left: &Leftover) -> String {
    let sign = match left.change {
        LeftoverChange::Added => '+',
        LeftoverChange::Removed => '-',
        LeftoverChange::Changed | LeftoverChange::Moved => '~',
    };
    format!("{sign} {} {}", left.kind, left.entry)
}

fn review_words(id: &str, review: &Review) -> String {
    match review {
        Review::Nothing => String::from("this is a known defect: nothing can be accepted"),
        Review::Pending(file) => format!(
            "what was seen is in {file}; goldpath show {id} draws it; if it is right: goldpath accept {id}, or cargo insta review"
        ),
        Review::NotWritten(error) => {
            format!("{error}; if what was seen is right: goldpath accept {id}")
        }
        Review::Elsewhere => {
            format!("if what was seen is right, run where you can review it: goldpath accept {id}")
        }
    }
}

/// Where a drawing leaves its golden, the rule responsible, and the whole difference.
pub fn difference_words(difference: &GoldenDifference) -> String {
    let mut text = format!(
        "the path differs from its golden at line {}\n",
        difference.line
    );
    if let Some(heading) = &difference.heading {
        let _ = writeln!(text, "  in       {heading}");
    }
    text.push_str(&parting(&difference.first));
    if let Some(hop) = &difference.hop {
        text.push_str("first hop or verdict that differs\n");
        text.push_str(&parting(hop));
    }
    text.push_str(
        &difference
            .rule
            .as_ref()
            .map(responsible)
            .unwrap_or_default(),
    );
    for line in &difference.lines {
        let sign = match line.side {
            Side::Golden => '-',
            Side::Seen => '+',
            Side::Both => ' ',
        };
        let _ = writeln!(text, "{sign}{}", line.text);
    }
    text.trim_end().to_owned()
}

/// A line of a drawing where two part.
pub(super) fn line_words(line: Option<&Line>) -> String {
    match line.map(|line| line.text.trim()) {
        None | Some("") => String::from("(nothing: it ends here)"),
        Some(text) => text.to_owned(),
    }
}

fn parting(parting: &Parting) -> String {
    let after = match &parting.after {
        Some(after) => format!("  after    {}\n", after.text.trim()),
        None => String::new(),
    };
    let line = |line: &Option<Line>| line_words(line.as_ref());
    let (expected, seen) = (line(&parting.expected), line(&parting.seen));
    format!("{after}  expected {expected}\n  seen     {seen}\n")
}

fn responsible(rule: &Responsible) -> String {
    let (expected, seen) = (rule.expected.as_deref(), rule.seen.as_deref());
    let none = "no verdict";
    if expected == seen {
        format!("nearest rule: {}\n", seen.unwrap_or(none))
    } else {
        let (expected, seen) = (expected.unwrap_or(none), seen.unwrap_or(none));
        format!("rule responsible: {seen}; the golden has {expected}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{IcmpError, Transport};
    use crate::path::{Direction, Fate, LegKind, RuleName, Translation};

    fn headers(source: u8, transport: Transport) -> Headers {
        Headers {
            source: [10, 0, 0, source].into(),
            destination: [8, 8, 8, 8].into(),
            ttl: 63,
            tos: 0xb8,
            dont_fragment: true,
            fragment_offset: 0,
            more_fragments: false,
            length: 84,
            transport,
        }
    }

    #[test]
    fn an_errno_is_told_as_the_probing_nodes_own() {
        let told = |reason: &str, said_by: Option<&str>, silent: Option<&str>| {
            let fate = Fate::Unreachable {
                reason: reason.to_owned(),
            };
            ending(&Ending {
                fate,
                said_by: said_by.map(str::to_owned),
                told_by: None,
                silent: silent.map(str::to_owned),
            })
        };
        insta::assert_snapshot!(told("ENETUNREACH", Some("c1"), None), @"unreachable: ENETUNREACH, as c1 itself says");
        insta::assert_snapshot!(told("EHOSTUNREACH", Some("c1"), Some("10.55.66.1")), @"unreachable: EHOSTUNREACH, as c1 itself says: nobody answers its ARP for 10.55.66.1");
        insta::assert_snapshot!(told("net unreachable", None, None), @"unreachable: net unreachable");
    }

    #[test]
    fn what_must_be_seen_is_told_with_all_that_is_asked_and_what_is_there_with_the_same() {
        let wanted = Wanted {
            leg: Some(LegKind::Error),
            source: Some("host.uplink".into()),
            ttl: Some(63),
            tos: Some(0),
            dont_fragment: Some(false),
            sender: Some("host".into()),
            quoted_source: Some("c1".into()),
            ..Wanted::default()
        };
        let asked = Transport::EchoRequest { id: 1, sequence: 1 };
        let hop = Hop {
            node: "c1".into(),
            interface: "eth0".into(),
            direction: Direction::In,
            headers: headers(
                1,
                Transport::Error {
                    error: IcmpError::TtlExceeded,
                    quoted: Box::new(headers(2, asked)),
                },
            ),
            sender: Some("gateway".into()),
        };
        insta::assert_snapshot!(packet(&wanted), @"error from host.uplink with ttl 63 with tos 0x00 without df in a frame of host quoting a packet from c1");
        insta::assert_snapshot!(as_seen(&hop, &wanted), @"c1:eth0 < 10.0.0.1 → 8.8.8.8 ttl exceeded ttl 63 tos 0xb8 df quoting 10.0.0.2 → 8.8.8.8 in a frame of gateway");
    }

    #[test]
    fn a_translation_names_its_rule_and_what_has_none_is_conntracks() {
        let rule = |chain: &str, text: Option<&str>| RuleName {
            chain: chain.into(),
            text: text.map(str::to_owned),
        };
        let deed = |change: Option<(&str, &str)>, rule| {
            netfilter(&Deed {
                node: "host".into(),
                leg: LegKind::Request,
                change: change.map(|(was, is)| Translation {
                    end: End::Source,
                    was: was.into(),
                    is: is.into(),
                }),
                rule,
            })
        };
        let masquerade = Some(rule("nat/post", Some("ct status dnat masquerade")));
        let change = Some(("10.0.2.50:1", "10.77.1.1:1"));
        insta::assert_snapshot!(deed(change, masquerade), @"host: request source 10.0.2.50:1 → 10.77.1.1:1 by nat/post ct status dnat masquerade");
        insta::assert_snapshot!(deed(change, None), @"host: request source 10.0.2.50:1 → 10.77.1.1:1 by conntrack");
        insta::assert_snapshot!(deed(None, Some(rule("filter/FORWARD", None))), @"host: request dropped by filter/FORWARD policy");
    }
}
