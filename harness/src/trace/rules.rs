//! The rules that a node holds, each as something that can be taken away and put back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::TraceError;
use super::chains::{NftChains, read_chains};
use super::node::Node;
use super::ruleset::{NativeRules, Ruleset, family_name, parse_native};
use super::save::{SavedTable, parse_save};
use super::table;
use crate::address::Family;
use crate::case::Backend;
use crate::netlink::NetfilterSocket;

/// Families of nf_tables whose rules see IPv4 packets in the five hooks of a host: inet and ip.
const FAMILIES: [u8; 2] = [table::INET, Family::Ipv4.number()];

/// The program that a rule is made and printed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeper {
    /// `iptables`, on one of its back ends.
    Iptables(Backend),
    /// `nft`.
    Nft,
}

/// One rule of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstalledRule {
    /// Whose words its text is in.
    pub keeper: Keeper,
    /// Its table; of nf_tables with the family in front, as in `inet netavark`.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// Its place in the chain, from 0.
    pub position: usize,
    /// Its text, without table and chain.
    pub text: String,
    /// nf_tables' number of it; 0 in iptables-legacy.
    handle: u64,
    /// Whether another rule follows in the chain.
    is_followed: bool,
}

/// What a program reads on its standard input to change a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The program with its arguments.
    pub argv: Vec<String>,
    /// What it reads.
    pub input: String,
}

impl InstalledRule {
    /// What takes it away.
    pub fn removal(&self) -> Edit {
        let (table, chain) = (&self.table, &self.chain);
        match self.keeper {
            Keeper::Iptables(_) => {
                let number = self.position + 1;
                self.edit(&format!("*{table}\n-D {chain} {number}\nCOMMIT\n"))
            }
            Keeper::Nft => {
                let handle = self.handle;
                self.edit(&format!("delete rule {table} {chain} handle {handle}\n"))
            }
        }
    }

    /// What puts it back where it was. Its handle is another one then.
    pub fn return_of(&self) -> Edit {
        let (table, chain, text) = (&self.table, &self.chain, &self.text);
        match self.keeper {
            Keeper::Iptables(_) => {
                let number = self.position + 1;
                self.edit(&format!("*{table}\n-I {chain} {number} {text}\nCOMMIT\n"))
            }
            Keeper::Nft if self.is_followed => {
                let position = self.position;
                self.edit(&format!(
                    "insert rule {table} {chain} index {position} {text}\n"
                ))
            }
            Keeper::Nft => self.edit(&format!("add rule {table} {chain} {text}\n")),
        }
    }

    /// What puts it back where it was, when of these rules, which were taken away together, those before it in its chain are back.
    pub fn return_among(&self, taken: &[Self], all: &[Self]) -> Edit {
        let is_behind = |other: &&Self| {
            (&other.table, &other.chain) == (&self.table, &self.chain)
                && other.position > self.position
        };
        let is_followed = all.iter().filter(is_behind).any(|one| !taken.contains(one));
        Self {
            is_followed,
            ..self.clone()
        }
        .return_of()
    }

    /// The back end that `iptables` means for it; none where it is not made by iptables.
    pub fn backend(&self) -> Option<Backend> {
        match self.keeper {
            Keeper::Iptables(backend) => Some(backend),
            Keeper::Nft => None,
        }
    }

    /// Whether it stands in the same place with the same words: its handle changes when it is put back.
    pub fn is_same(&self, other: &Self) -> bool {
        let words = |one: &Self| {
            (
                one.keeper,
                one.position,
                one.table.clone(),
                one.chain.clone(),
            )
        };
        words(self) == words(other) && self.text == other.text
    }

    /// The chain that it leads to, in the words of iptables or of nft; a verdict that is no chain leads nowhere.
    fn target(&self) -> Option<&str> {
        let mut words = self.text.split_whitespace();
        words.find(|word| ["-j", "-g", "jump", "goto"].contains(word))?;
        words.next()
    }

    /// The chains of its table that lead to it, and those that it leads to, its own among them.
    pub fn kin<'a>(&'a self, rules: &'a [Self]) -> BTreeSet<&'a str> {
        let of_table = || rules.iter().filter(|one| one.table == self.table);
        let chains: BTreeSet<&str> = of_table().map(|one| one.chain.as_str()).collect();
        let target = |one: &'a Self| one.target().filter(|name| chains.contains(name));
        let mut above = BTreeSet::from([self.chain.as_str()]);
        let mut below: BTreeSet<&str> = target(self).into_iter().collect();
        loop {
            let count = above.len() + below.len();
            for one in of_table() {
                let target = target(one);
                if target.is_some_and(|chain| above.contains(chain)) {
                    above.insert(&one.chain);
                }
                if below.contains(one.chain.as_str()) {
                    below.extend(target);
                }
            }
            if above.len() + below.len() == count {
                above.extend(below);
                return above;
            }
        }
    }

    fn edit(&self, input: &str) -> Edit {
        let argv: &[&str] = match self.keeper {
            Keeper::Iptables(_) => &["iptables-restore", "--noflush"],
            Keeper::Nft => &["nft", "--file", "-"],
        };
        Edit {
            argv: argv.iter().copied().map(String::from).collect(),
            input: input.to_owned(),
        }
    }
}

impl fmt::Display for InstalledRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table, chain, text, ..
        } = self;
        write!(f, "{table} {chain}: {text}")
    }
}

/// Reads the rules of the calling thread's network namespace that IPv4 packets may meet, goldpath's own aside, in the order of
/// tables, chains and places.
///
/// # Errors
/// A table cannot be read, or a program that prints rules failed.
pub fn installed_rules(node: &str, legacy: bool) -> Result<Vec<InstalledRule>, TraceError> {
    let node = Node::current(node)?;
    let (chains, print) = read_chains(&mut NetfilterSocket::open(&node.name)?)?;
    let mut rules = Vec::new();
    if chains.values().any(|chain| !chain.handles.is_empty()) {
        let saved = parse_save(&node.output(&["iptables-nft-save"])?);
        let listed = node.output(&["nft", "--stateless", "--handle", "list", "ruleset"])?;
        let ruleset = Ruleset {
            chains: Some(chains.clone()),
            print,
            nft: Some(saved.into()),
            legacy: None,
            native: None,
        };
        rules.extend(of_nft(&chains, &ruleset, &parse_native(&listed)));
    }
    if legacy {
        let saved = parse_save(&node.output(&["iptables-legacy-save"])?);
        rules.extend(of_legacy(&saved));
    }
    Ok(rules)
}

fn of_nft(chains: &NftChains, ruleset: &Ruleset, native: &NativeRules) -> Vec<InstalledRule> {
    let mut rules = Vec::new();
    for ((family, table, chain), content) in chains {
        let ours = (*family, table.as_str()) == (table::INET, table::TABLE);
        if ours || !FAMILIES.contains(family) {
            continue;
        }
        for (position, handle) in content.handles.iter().enumerate() {
            let by_iptables = ruleset.iptables_text(*family, table, chain, *handle);
            let native = || native.get(&(*family, table.clone(), *handle));
            let (keeper, name, text) = match by_iptables {
                Some(text) => (
                    Keeper::Iptables(Backend::IptablesNft),
                    table.clone(),
                    Some(text),
                ),
                None => (
                    Keeper::Nft,
                    format!("{} {table}", family_name(*family)),
                    native().map(String::as_str),
                ),
            };
            // A rule without words was taken away between the two readings.
            let Some(text) = text else { continue };
            rules.push(InstalledRule {
                keeper,
                table: name,
                chain: chain.clone(),
                position,
                text: text.to_owned(),
                handle: *handle,
                is_followed: position + 1 < content.handles.len(),
            });
        }
    }
    rules
}

fn of_legacy(tables: &BTreeMap<String, SavedTable>) -> Vec<InstalledRule> {
    let mut rules = Vec::new();
    for (table, chains) in tables {
        for (chain, content) in chains {
            let count = content.rules.len();
            for (position, text) in content.rules.iter().enumerate() {
                rules.push(InstalledRule {
                    keeper: Keeper::Iptables(Backend::IptablesLegacy),
                    table: table.clone(),
                    chain: chain.clone(),
                    position,
                    text: text.clone(),
                    handle: 0,
                    is_followed: position + 1 < count,
                });
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(keeper: Keeper, is_followed: bool) -> InstalledRule {
        InstalledRule {
            keeper,
            table: String::from("inet netavark"),
            chain: String::from("FORWARD"),
            position: 1,
            text: String::from("ip saddr 10.1.0.0/24 accept"),
            handle: 7,
            is_followed,
        }
    }

    #[test]
    fn a_rule_of_nft_goes_by_its_handle_and_comes_back_to_its_place() {
        let between = rule(Keeper::Nft, true);
        assert_eq!(
            between.removal().input,
            "delete rule inet netavark FORWARD handle 7\n"
        );
        assert_eq!(
            between.return_of().input,
            "insert rule inet netavark FORWARD index 1 ip saddr 10.1.0.0/24 accept\n"
        );
        assert_eq!(
            rule(Keeper::Nft, false).return_of().input,
            "add rule inet netavark FORWARD ip saddr 10.1.0.0/24 accept\n"
        );
    }

    #[test]
    fn of_two_that_went_together_the_last_one_is_added() {
        let at = |position| InstalledRule {
            position,
            ..rule(Keeper::Nft, position < 2)
        };
        let all = [at(0), at(1), at(2)];
        let taken = [at(1), at(2)];
        let back = |one: &InstalledRule| one.return_among(&taken, &all).input;
        assert!(back(&all[1]).starts_with("add rule"), "{}", back(&all[1]));
        let front = all[0].return_among(&all[..1], &all).input;
        assert!(front.starts_with("insert rule"), "{front}");
    }

    #[test]
    fn the_kin_of_a_rule_are_the_chains_on_its_way() {
        let saved = "*filter\n:FORWARD DROP [0:0]\n:STAGE-1 - [0:0]\n:STAGE-2 - [0:0]\n:OTHER - [0:0]\n\
            -A FORWARD -j STAGE-1\n-A FORWARD -j OTHER\n\
            -A STAGE-1 -i a -j STAGE-2\n-A STAGE-2 -o a -j DROP\n-A OTHER -j DROP\nCOMMIT\n";
        let rules = of_legacy(&parse_save(saved));
        let of = |text: &str| {
            let rule = rules.iter().find(|one| one.text == text).expect("a rule");
            rule.kin(&rules).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(of("-i a -j STAGE-2"), ["FORWARD", "STAGE-1", "STAGE-2"]);
        assert_eq!(of("-j STAGE-1"), ["FORWARD", "STAGE-1", "STAGE-2"]);
        assert_eq!(of("-o a -j DROP"), ["FORWARD", "STAGE-1", "STAGE-2"]);
    }

    #[test]
    fn a_rule_of_iptables_goes_and_comes_by_its_number() {
        let saved = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i a -j ACCEPT\n-A FORWARD -o a -j DROP\nCOMMIT\n";
        let rules = of_legacy(&parse_save(saved));
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[1].removal().input, "*filter\n-D FORWARD 2\nCOMMIT\n");
        assert_eq!(
            rules[1].return_of().input,
            "*filter\n-I FORWARD 2 -o a -j DROP\nCOMMIT\n"
        );
        assert_eq!(rules[1].backend(), Some(Backend::IptablesLegacy));
    }

    #[test]
    fn a_rule_that_came_back_is_the_same() {
        let (before, mut after) = (rule(Keeper::Nft, true), rule(Keeper::Nft, true));
        after.handle = 12;
        assert!(before.is_same(&after));
        after.position = 0;
        assert!(!before.is_same(&after));
    }
}
