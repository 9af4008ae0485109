//! Names that an engine draws by lot, replaced by what an interface is, and ports that the kernel draws, replaced by 0:
//! so that a path in detail can be compared with an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Node;
use super::{End, Fate, LegKind, PacketPath, Rewrite, Rule, Step};
use crate::packet::{Headers, Transport};

/// How a forwarding table's answer ends when the frame is for the bridge itself.
const OWN_ADDRESS: &str = "'s own address: up the stack";

/// The path with 0 for a port that a source NAT drew because the packet's own was taken, and with `c1.port` for the bridge port that leads to c1, and `c1.bridge` for its bridge. Of a bridge with several
/// ports the first container, by name, lends its own.
pub fn by_wiring(path: &PacketPath, nodes: &BTreeMap<String, Node>) -> PacketPath {
    let names = names(nodes);
    let drawn = drawn_ports(path);
    let mut path = path.clone();
    for binding in &mut path.bindings {
        let (from, to) = &mut binding.original;
        let (back_from, back_to) = &mut binding.reply;
        for end in [from, to, back_from, back_to] {
            hide_in(end, &drawn);
        }
    }
    for lookup in path.lookups.iter_mut().filter(|l| l.node == "host") {
        // A bridge's own address is that of one of its ports, by lot.
        let own = lookup.answer.ends_with(OWN_ADDRESS);
        lookup.answer = if own && lookup.table == "fdb" {
            format!("its{}", OWN_ADDRESS.trim_start_matches("'s"))
        } else {
            renamed(&lookup.answer, &names)
        };
    }
    match &mut path.fate {
        Fate::Dropped { node, place, .. } if node == "host" => *place = renamed(place, &names),
        Fate::Lost { after, .. } if after.starts_with("host:") => *after = renamed(after, &names),
        _ => {}
    }
    for step in path.legs.iter_mut().flat_map(|leg| &mut leg.steps) {
        if let Step::Hop(hop) = step {
            hide(&mut hop.headers, &drawn);
        }
        match step {
            Step::Hop(hop) if hop.node == "host" => {
                hop.interface = renamed(&hop.interface, &names);
            }
            Step::Verdict(verdict) if verdict.node == "host" => {
                if let Rule::Text(text) = &mut verdict.rule {
                    *text = renamed(text, &names);
                }
            }
            Step::Rewrite(Rewrite { was, is, .. }) => {
                hide_in(was, &drawn);
                hide_in(is, &drawn);
            }
            Step::Missing {
                node, interface, ..
            } if node == "host" => *interface = renamed(interface, &names),
            Step::Hop(_) | Step::Verdict(_) | Step::Missing { .. } => {}
        }
    }
    path
}

/// Source ports that a rule gave the request in place of its own. Those that conntrack gives back were there before.
fn drawn_ports(path: &PacketPath) -> BTreeSet<u16> {
    let mut drawn = BTreeSet::new();
    let mut asked = false;
    for step in path.steps(LegKind::Request) {
        match step {
            Step::Verdict(verdict) => asked |= verdict.translates(),
            Step::Rewrite(rewrite) => {
                let is = port(&rewrite.is).filter(|is| port(&rewrite.was) != Some(*is));
                let by_rule = std::mem::take(&mut asked) && rewrite.end == End::Source;
                drawn.extend(is.filter(|_| by_rule));
            }
            Step::Hop(_) | Step::Missing { .. } => {}
        }
    }
    drawn
}

/// The port of `10.0.2.15:61001`.
fn port(end: &str) -> Option<u16> {
    end.rsplit_once(':')?.1.parse().ok()
}

fn hide_in(end: &mut String, drawn: &BTreeSet<u16>) {
    if port(end).is_some_and(|port| drawn.contains(&port)) {
        let address = end.rsplit_once(':').map_or("", |(address, _)| address);
        *end = format!("{address}:0");
    }
}

fn hide(headers: &mut Headers, drawn: &BTreeSet<u16>) {
    match &mut headers.transport {
        Transport::Udp {
            source_port,
            destination_port,
        }
        | Transport::Tcp {
            source_port,
            destination_port,
            ..
        } => {
            for port in [source_port, destination_port] {
                if drawn.contains(port) {
                    *port = 0;
                }
            }
        }
        Transport::Error { quoted, .. } => hide(quoted, drawn),
        Transport::EchoRequest { .. } | Transport::EchoReply { .. } | Transport::Other { .. } => {}
    }
}

fn names(nodes: &BTreeMap<String, Node>) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let Some(host) = nodes.get("host") else {
        return names;
    };
    let mut bridges: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, interface) in &host.interfaces {
        let (Some(bridge), Some((container, _))) = (&interface.bridge, &interface.peer) else {
            continue;
        };
        names.insert(name.clone(), format!("{container}.port"));
        let first = bridges.entry(bridge).or_insert(container);
        *first = (*first).min(container.as_str());
    }
    let own = bridges.into_iter();
    names.extend(own.map(|(bridge, first)| (bridge.to_owned(), format!("{first}.bridge"))));
    names
}

/// Replaces whole words that are names.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(within) {
        let (before, word_on) = rest.split_at(start);
        let end = word_on.find(|c| !within(c)).unwrap_or(word_on.len());
        let (word, after) = word_on.split_at(end);
        out.push_str(before);
        out.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_port_is_told_as_0() {
        let drawn = BTreeSet::from([49026]);
        let mut ends = ["10.0.2.15:49026", "10.0.2.15:53", "10.0.2.15"].map(str::to_owned);
        for end in &mut ends {
            hide_in(end, &drawn);
        }
        assert_eq!(ends, ["10.0.2.15:0", "10.0.2.15:53", "10.0.2.15"]);
    }

    #[test]
    fn only_whole_words_are_names() {
        let names = BTreeMap::from([("br-1f".to_owned(), "c1.bridge".to_owned())]);
        let text = "-i br-1f ! -o br-1f2 -j ACCEPT \"br-1f\"";
        let expected = "-i c1.bridge ! -o br-1f2 -j ACCEPT \"c1.bridge\"";
        assert_eq!(renamed(text, &names), expected);
    }
}
