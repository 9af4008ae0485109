//! Names that an engine draws by lot, replaced by what an interface is: so that a path in detail can be compared with
//! an earlier one.

use std::collections::BTreeMap;

use super::evidence::{Node, Rule};
use super::model::{PacketPath, Step};

/// How a forwarding table's answer ends when the frame is for the bridge itself.
const OWN_ADDRESS: &str = "'s own address: up the stack";

/// The path with `c1.port` for the bridge port that leads to c1, and `c1.bridge` for its bridge. Of a bridge with several
/// ports the first container, by name, lends its own.
pub fn by_wiring(path: &PacketPath, nodes: &BTreeMap<String, Node>) -> PacketPath {
    let names = names(nodes);
    let mut path = path.clone();
    for lookup in path.lookups.iter_mut().filter(|l| l.node == "host") {
        // A bridge's own address is that of one of its ports, by lot.
        let own = lookup.answer.ends_with(OWN_ADDRESS);
        lookup.answer = if own && lookup.table == "fdb" {
            format!("its{}", OWN_ADDRESS.trim_start_matches("'s"))
        } else {
            renamed(&lookup.answer, &names)
        };
    }
    for step in path.legs.iter_mut().flat_map(|leg| &mut leg.steps) {
        match step {
            Step::Hop(hop) if hop.node == "host" => {
                hop.interface = renamed(&hop.interface, &names);
            }
            Step::Verdict(verdict) if verdict.node == "host" => {
                if let Rule::Text(text) = &mut verdict.rule {
                    *text = renamed(text, &names);
                }
            }
            Step::Hop(_) | Step::Verdict(_) | Step::Rewrite(_) | Step::Missing { .. } => {}
        }
    }
    path
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
    fn only_whole_words_are_names() {
        let names = BTreeMap::from([("br-1f".to_owned(), "c1.bridge".to_owned())]);
        let text = "-i br-1f ! -o br-1f2 -j ACCEPT \"br-1f\"";
        let expected = "-i c1.bridge ! -o br-1f2 -j ACCEPT \"c1.bridge\"";
        assert_eq!(renamed(text, &names), expected);
    }
}
