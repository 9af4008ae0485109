//! Tables, chains and rules of the calling thread's network namespace: those of nf_tables, and those of the legacy
//! tables where there are any.
//!
//! `nft` lists what there is. It does not know what iptables has put into its own expressions, so the text of a rule of
//! iptables is that of `iptables-save`.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use serde_json::Value;

use super::entry::{Base, Chain, Entry, Rule, Set, Table};
use crate::lab::LabError;
use crate::program::{Program, find_program};
use crate::trace::{SavedTable, parse_save};

/// The tables of iptables.
const OF_IPTABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];
/// The families that iptables has tables in, and what prints them.
const SAVES: [(&str, &str); 2] = [("ip", "iptables-nft-save"), ("ip6", "ip6tables-nft-save")];
/// The same of the legacy tables, and the file that says whether there are any: listing those that are not would make
/// them.
const LEGACY_SAVES: [(&str, &str, &str); 2] = [
    ("legacy ip", "iptables-legacy-save", "ip_tables_names"),
    ("legacy ip6", "ip6tables-legacy-save", "ip6_tables_names"),
];

/// Texts of rules by family, table, chain and place.
type Texts = BTreeMap<&'static str, BTreeMap<String, SavedTable>>;

/// Everything, in the order in which it is listed.
pub(super) fn read() -> Result<Vec<Entry>, LabError> {
    // Stateless: without counters.
    let listed = output("nft", &["--json", "--stateless", "list", "ruleset"])?;
    let wrong = |e: serde_json::Error| LabError::system("read the answer of", "nft", e);
    let listed: Value = serde_json::from_str(&listed).map_err(wrong)?;
    let objects = listed["nftables"].as_array().map_or(&[][..], Vec::as_slice);
    let mut texts = Texts::new();
    for (family, program) in SAVES {
        let is_of_iptables = |object: &Value| {
            let name = object["table"]["name"].as_str().unwrap_or_default();
            object["table"]["family"] == family && OF_IPTABLES.contains(&name)
        };
        // Where only nft is installed, nobody has made rules of iptables.
        if objects.iter().any(is_of_iptables) && find_program(program).is_ok() {
            texts.insert(family, parse_save(&output(program, &[])?));
        }
    }
    let native = if objects.iter().any(|object| object.get("rule").is_some()) {
        native_texts(&output(
            "nft",
            &["--stateless", "--handle", "list", "ruleset"],
        )?)
    } else {
        BTreeMap::new()
    };
    let mut entries = entries(objects, &texts, &native);
    entries.extend(legacy()?);
    Ok(entries)
}

/// The texts of rules as `nft` prints them, by family and name of the table and by handle.
fn native_texts(listed: &str) -> BTreeMap<(String, String, u64), String> {
    let mut texts = BTreeMap::new();
    let mut table = None;
    for line in listed.lines() {
        let Some((text, handle)) = line.trim().rsplit_once(" # handle ") else {
            continue;
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        match (words.as_slice(), handle.parse::<u64>()) {
            (["table", family, name, "{"], _) => table = Some((*family, *name)),
            ([.., "{"], _) | (_, Err(_)) => {}
            (words, Ok(handle)) => {
                if let Some((family, name)) = table {
                    texts.insert((family.into(), name.into(), handle), words.join(" "));
                }
            }
        }
    }
    texts
}

fn entries(
    objects: &[Value],
    texts: &Texts,
    native: &BTreeMap<(String, String, u64), String>,
) -> Vec<Entry> {
    let rules = objects.iter().filter_map(|object| object.get("rule"));
    let mut lengths: BTreeMap<(Table, String), usize> = BTreeMap::new();
    for rule in rules {
        let chain = word(&rule["chain"]);
        *lengths.entry((table(rule, "table"), chain)).or_default() += 1;
    }
    let mut places: BTreeMap<(Table, String), usize> = BTreeMap::new();
    let mut entries = Vec::new();
    for (kind, object) in objects.iter().filter_map(Value::as_object).flatten() {
        entries.push(match kind.as_str() {
            "metainfo" => continue,
            "table" => Entry::Table(table(object, "name")),
            "chain" => Entry::Chain(chain(object)),
            "rule" => {
                let chain = (table(object, "table"), word(&object["chain"]));
                let place = places.entry(chain.clone()).or_default();
                *place += 1;
                let (table, chain_name) = &chain;
                // The n-th text is the n-th rule only if none is missing, as in a table that nft wrote to.
                let saved = texts.get(table.family.as_str());
                let saved = saved.and_then(|tables| tables.get(&table.name)?.get(chain_name));
                let saved = saved.filter(|saved| Some(&saved.rules.len()) == lengths.get(&chain));
                let by_iptables = saved.and_then(|saved| saved.rules.get(*place - 1)).cloned();
                let handle = object["handle"].as_u64().unwrap_or_default();
                let by_nft = native.get(&(table.family.clone(), table.name.clone(), handle));
                Entry::Rule(Rule {
                    target: target(&object["expr"]),
                    text: by_iptables
                        .or_else(|| by_nft.cloned())
                        .unwrap_or_else(|| object["expr"].to_string()),
                    table: table.clone(),
                    chain: chain_name.clone(),
                })
            }
            other => Entry::Set(set(other, object)),
        });
    }
    entries
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The table that an object is in, or is.
fn table(object: &Value, name: &str) -> Table {
    Table {
        family: word(&object["family"]),
        name: word(&object[name]),
    }
}

fn chain(object: &Value) -> Chain {
    let base = object["hook"].as_str().map(|hook| {
        let device = object["dev"].as_str().map(|name| format!(" device {name}"));
        Base {
            hook: format!(
                "{} hook {hook}{} priority {}",
                word(&object["type"]),
                device.unwrap_or_default(),
                object["prio"]
            ),
            policy: word(&object["policy"]),
        }
    });
    Chain {
        table: table(object, "table"),
        name: word(&object["name"]),
        base,
    }
}

/// The chain that a rule jumps or goes to, also by a map of verdicts.
fn target(expressions: &Value) -> Option<String> {
    let all = expressions.as_array()?.iter();
    all.filter_map(|expression| {
        let jump = expression.get("jump").or_else(|| expression.get("goto"))?;
        jump["target"].as_str().map(str::to_owned)
    })
    .next()
}

fn set(kind: &str, object: &Value) -> Set {
    let mut content = object.clone();
    if let Some(map) = content.as_object_mut() {
        for known in ["family", "table", "name", "handle"] {
            map.remove(known);
        }
    }
    Set {
        table: table(object, "table"),
        kind: kind.to_owned(),
        name: word(&object["name"]),
        content: content.to_string(),
    }
}

fn legacy() -> Result<Vec<Entry>, LabError> {
    let mut entries = Vec::new();
    for (family, program, names) in LEGACY_SAVES {
        let names = fs::read_to_string(format!("/proc/thread-self/net/{names}"));
        if names.is_ok_and(|names| !names.trim().is_empty()) {
            entries.extend(saved(family, &parse_save(&output(program, &[])?)));
        }
    }
    Ok(entries)
}

/// The legacy tables of a family as entries.
fn saved(family: &str, tables: &BTreeMap<String, SavedTable>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, chains) in tables {
        let table = Table {
            family: family.to_owned(),
            name: name.clone(),
        };
        entries.push(Entry::Table(table.clone()));
        for (name, chain) in chains {
            let base = chain.accepts.map(|accepts| Base {
                hook: String::new(),
                policy: String::from(if accepts { "accept" } else { "drop" }),
            });
            entries.push(Entry::Chain(Chain {
                table: table.clone(),
                name: name.clone(),
                base,
            }));
            entries.extend(chain.rules.iter().map(|text| {
                let target = crate::trace::target(text);
                Entry::Rule(Rule {
                    table: table.clone(),
                    chain: name.clone(),
                    target: target.filter(|target| chains.contains_key(target)),
                    text: text.clone(),
                })
            }));
        }
    }
    entries
}

fn output(program: &str, arguments: &[&str]) -> Result<String, LabError> {
    let program = Program::new([program]).args(arguments.iter().copied());
    let failed = |error| LabError::system("run", program.command_line(), error);
    let ended = program.clone().keeping_all().run();
    let ended = ended.map_err(|error| failed(io::Error::other(error)))?;
    if ended.status.success() {
        Ok(ended.stdout.text())
    } else {
        Err(failed(io::Error::other(ended.said())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SAVED: &str = "*filter\n:FORWARD DROP [0:0]\n:USER - [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j USER\n\
        -A USER -j ACCEPT\nCOMMIT\n";

    fn texts(entries: &[Entry]) -> Vec<String> {
        entries
            .iter()
            .map(|entry| format!("{} {entry}", entry.kind().as_str()))
            .collect()
    }

    #[test]
    fn a_rule_has_the_words_of_what_made_it() {
        let objects = [
            json!({"metainfo": {}}),
            json!({"table": {"family": "ip", "name": "filter", "handle": 1}}),
            json!({"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter",
                "hook": "forward", "prio": 0, "policy": "drop"}}),
            json!({"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 2,
                "expr": [{"xt": null}, {"jump": {"target": "USER"}}]}}),
            json!({"table": {"family": "inet", "name": "own", "handle": 2}}),
            json!({"rule": {"family": "inet", "table": "own", "chain": "c", "handle": 7, "expr": [{"drop": null}]}}),
            json!({"set": {"family": "inet", "table": "own", "name": "s", "handle": 8, "elem": [80]}}),
        ];
        let saves = Texts::from([("ip", parse_save(SAVED))]);
        let native = native_texts(
            "table inet own { # handle 2\n\tchain c { # handle 1\n\t\tct state invalid  drop # handle 7\n\t}\n}\n",
        );
        let entries = entries(&objects, &saves, &native);
        assert_eq!(
            texts(&entries),
            [
                "table ip filter",
                "chain ip filter FORWARD: filter hook forward priority 0, policy drop",
                "rule ip filter FORWARD: -m conntrack --ctstate INVALID -j USER",
                "table inet own",
                "rule inet own c: ct state invalid drop",
                "set inet own set s: {\"elem\":[80]}",
            ]
        );
        let targets = entries.iter().filter_map(|entry| match entry {
            Entry::Rule(rule) => Some(rule.target.as_deref()),
            _ => None,
        });
        assert_eq!(targets.collect::<Vec<_>>(), [Some("USER"), None]);
    }

    #[test]
    fn legacy_tables_are_entries_of_their_own() {
        assert_eq!(
            texts(&saved("legacy ip", &parse_save(SAVED))),
            [
                "table legacy ip filter",
                "chain legacy ip filter FORWARD: policy drop",
                "rule legacy ip filter FORWARD: -m conntrack --ctstate INVALID -j USER",
                "chain legacy ip filter USER",
                "rule legacy ip filter USER: -j ACCEPT",
            ]
        );
    }
}
