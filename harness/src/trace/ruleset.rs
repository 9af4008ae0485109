//! From what a report names (a handle, a rule's number) to the rule's text and its effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chains::NftChains;
use super::print::Print;
use super::save::{SavedTable, target};
use crate::address::Family;
use crate::path::{Action, Hook};

/// One node's rules, as far as they were needed; a part that was not read is None.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    /// Chains of nf_tables.
    pub(super) chains: Option<NftChains>,
    /// What their texts are remembered by.
    pub(super) print: Print,
    /// What `iptables-nft-save` printed.
    pub(super) nft: Option<Arc<BTreeMap<String, SavedTable>>>,
    /// What `iptables-legacy-save` printed.
    pub(super) legacy: Option<BTreeMap<String, SavedTable>>,
    /// What `nft -a list ruleset` printed: texts by family, table and handle.
    pub(super) native: Option<Arc<NativeRules>>,
}

/// Texts of native nf_tables rules by family, table and handle.
pub(super) type NativeRules = BTreeMap<(u8, String, u64), String>;

/// What a rule number of iptables-legacy stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LegacyRule<'a> {
    /// A rule and what it does.
    Rule(&'a str, Action),
    /// The end of a base chain: whether it accepts, and whether it is without rules.
    Policy { accepts: bool, empty: bool },
    /// The end of a user chain.
    End,
}

impl Ruleset {
    /// Where a base chain of nf_tables is called.
    pub(super) fn hook(&self, family: u8, table: &str, chain: &str) -> Option<Hook> {
        let key = (family, table.to_owned(), chain.to_owned());
        self.chains.as_ref()?.get(&key)?.hook
    }

    /// Whether a chain of nf_tables holds no rule.
    pub(super) fn is_empty(&self, family: u8, table: &str, chain: &str) -> bool {
        let key = (family, table.to_owned(), chain.to_owned());
        let chain = self.chains.as_ref().and_then(|chains| chains.get(&key));
        chain.is_none_or(|chain| chain.handles.is_empty())
    }

    /// The text of a rule of nf_tables: as iptables prints it where iptables made it, else as nft does.
    pub(super) fn text(&self, family: u8, table: &str, chain: &str, handle: u64) -> Option<&str> {
        self.iptables_text(family, table, chain, handle)
            .or_else(|| {
                let key = (family, table.to_owned(), handle);
                self.native.as_ref()?.get(&key).map(String::as_str)
            })
    }

    /// The text of a rule of iptables-nft, as iptables prints it.
    pub(super) fn iptables_text(
        &self,
        family: u8,
        table: &str,
        chain: &str,
        handle: u64,
    ) -> Option<&str> {
        if family != Family::Ipv4.number() {
            return None;
        }
        let key = (family, table.to_owned(), chain.to_owned());
        let handles = &self.chains.as_ref()?.get(&key)?.handles;
        let saved = self.nft.as_ref()?.get(table)?.get(chain)?;
        // The n-th line is the n-th handle only if none is missing, as in a table that nft wrote to.
        let position = handles.iter().position(|h| *h == handle)?;
        let same = handles.len() == saved.rules.len();
        let text = saved.rules.get(position).filter(|_| same)?;
        Some(text)
    }

    /// What number `number` of a chain of iptables-legacy stands for.
    pub(super) fn legacy(&self, table: &str, chain: &str, number: usize) -> Option<LegacyRule<'_>> {
        let table = self.legacy.as_ref()?.get(table)?;
        let chain = table.get(chain)?;
        if let Some(text) = chain.rules.get(number.checked_sub(1)?) {
            return Some(LegacyRule::Rule(text, action(text, table)));
        }
        Some(match chain.accepts {
            Some(accepts) => LegacyRule::Policy {
                accepts,
                empty: chain.rules.is_empty(),
            },
            None => LegacyRule::End,
        })
    }
}

/// What a rule of iptables does to a packet that it matches, by its target.
fn action(rule: &str, table: &SavedTable) -> Action {
    let Some(target) = target(rule) else {
        return Action::Continue;
    };
    match target.as_str() {
        "ACCEPT" | "MASQUERADE" | "SNAT" | "DNAT" | "REDIRECT" | "NETMAP" => Action::Accept,
        "DROP" | "REJECT" => Action::Drop,
        "RETURN" => Action::Return,
        "QUEUE" | "NFQUEUE" => Action::Queue,
        _ if table.contains_key(&target) => Action::Jump(target),
        _ => Action::Continue,
    }
}

/// Reads the output of `nft --stateless --handle list ruleset`.
pub(super) fn parse_native(output: &str) -> NativeRules {
    let mut rules = NativeRules::new();
    let mut table = None;
    for line in output.lines() {
        let line = line.trim();
        let Some((text, handle)) = line.rsplit_once(" # handle ") else {
            continue;
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["table", family, name, "{"] => table = family_number(family).zip(Some(*name)),
            [.., "{"] => {}
            _ => {
                if let (Some((family, name)), Ok(handle)) = (table, handle.parse()) {
                    rules.insert((family, name.to_owned(), handle), text.to_owned());
                }
            }
        }
    }
    rules
}

/// Families of nf_tables as `nft` spells them (`NFPROTO_*`).
const FAMILIES: [(&str, u8); 6] = [
    ("inet", 1),
    ("ip", Family::Ipv4.number()),
    ("arp", 3),
    ("netdev", 5),
    ("bridge", 7),
    ("ip6", 10),
];

fn family_number(name: &str) -> Option<u8> {
    let mut families = FAMILIES.iter();
    families
        .find(|(own, _)| *own == name)
        .map(|(_, number)| *number)
}

/// A family as `nft` spells it.
pub(super) fn family_name(number: u8) -> &'static str {
    let mut families = FAMILIES.iter();
    let found = families.find(|(_, own)| *own == number);
    found.map_or("?", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::super::chains::NftChain;
    use super::super::save::parse_save;
    use super::*;
    use crate::fuzz::feed_text;

    const SAVED: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:USER - [0:0]\n-A FORWARD -j USER\n\
        -A FORWARD -j REJECT\n-A USER -j LOG\n-A USER -j RETURN\nCOMMIT\n";

    #[test]
    fn a_legacy_number_is_a_rule_or_the_end_of_its_chain() {
        let ruleset = Ruleset {
            legacy: Some(parse_save(SAVED)),
            ..Ruleset::default()
        };
        let rule = |chain, number| ruleset.legacy("filter", chain, number);
        let jump = Action::Jump("USER".to_owned());
        assert_eq!(rule("FORWARD", 1), Some(LegacyRule::Rule("-j USER", jump)));
        assert_eq!(
            rule("FORWARD", 2),
            Some(LegacyRule::Rule("-j REJECT", Action::Drop))
        );
        let policy = |accepts, empty| Some(LegacyRule::Policy { accepts, empty });
        assert_eq!(rule("FORWARD", 3), policy(false, false));
        assert_eq!(rule("INPUT", 1), policy(true, true));
        assert_eq!(
            rule("USER", 1),
            Some(LegacyRule::Rule("-j LOG", Action::Continue))
        );
        assert_eq!(
            rule("USER", 2),
            Some(LegacyRule::Rule("-j RETURN", Action::Return))
        );
        assert_eq!(rule("USER", 3), Some(LegacyRule::End));
        assert_eq!(rule("USER", 0), None);
        assert_eq!(rule("GONE", 1), None);
    }

    #[test]
    fn a_handle_is_its_position_unless_iptables_prints_fewer_rules() {
        let key = (
            Family::Ipv4.number(),
            "filter".to_owned(),
            "FORWARD".to_owned(),
        );
        let chain = |handles: &[u64]| NftChain {
            hook: Some(Hook::Forward),
            handles: handles.to_vec(),
        };
        let mut ruleset = Ruleset {
            chains: Some([(key.clone(), chain(&[6, 3]))].into()),
            nft: Some(Arc::new(parse_save(SAVED))),
            native: Some(Arc::new(parse_native(
                "table ip filter { # handle 1\n\tchain FORWARD { # handle 1\n\t\tcounter accept # handle 3\n\t}\n}\n",
            ))),
            ..Ruleset::default()
        };
        let text = |r: &Ruleset, handle| {
            r.text(Family::Ipv4.number(), "filter", "FORWARD", handle)
                .map(str::to_owned)
        };
        assert_eq!(text(&ruleset, 6).as_deref(), Some("-j USER"));
        assert_eq!(text(&ruleset, 3).as_deref(), Some("-j REJECT"));
        assert_eq!(text(&ruleset, 9), None);
        ruleset.chains = Some([(key, chain(&[6, 3, 8]))].into());
        assert_eq!(text(&ruleset, 3).as_deref(), Some("counter accept"));
    }

    #[test]
    fn foreign_text_does_no_harm() {
        let native = "table inet t { # handle 1\n\tset s { # handle 2\n\t\ttype ipv4_addr\n\t}\n\tchain c { # handle 3\n\
            \t\ttype filter hook forward priority 0; policy drop;\n\t\tip saddr @s accept # handle 4\n\t}\n}\n";
        feed_text("nft list", &[native.as_bytes().to_vec()], |text| {
            drop(parse_native(text))
        });
    }

    #[test]
    fn foreign_numbers_do_no_harm() {
        let number = |text: &str| text.len() % 7;
        feed_text("legacy rules", &[SAVED.as_bytes().to_vec()], |text| {
            let ruleset = Ruleset {
                legacy: Some(parse_save(text)),
                ..Ruleset::default()
            };
            for chain in ["FORWARD", "USER"] {
                let _ = ruleset.legacy("filter", chain, number(text));
            }
        });
    }
}
