//! What the kernel holds of rules, as a key under which their printed text is remembered.
//!
//! `iptables-nft-save` and `nft list ruleset` print nothing but what is in these messages, so equal prints have equal texts.
//! Running one takes 4 to 5 ms, and labs of one process ask for the same few rulesets again and again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::ruleset::NativeRules;
use super::save::SavedTable;
use crate::address::Family;
use crate::netlink::{
    Attributes, Message, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE, SUBSYS_NFTABLES, be_u32, text,
};

/// `NFTA_CHAIN_TABLE`, `_NAME`, `_HOOK`, `_POLICY`, `_TYPE`: no handle, no use count, no counters.
const OF_CHAIN: [u16; 5] = [1, 3, 4, 5, 7];
/// `NFTA_RULE_TABLE`, `_CHAIN`, `_COMPAT`, `_USERDATA`; expressions are looked through.
const OF_RULE: [u16; 4] = [1, 2, 5, 7];
/// `NFTA_RULE_HANDLE`, by which the texts of nft are found.
const HANDLE: u16 = 3;
const EXPRESSIONS: u16 = 4;
/// Expressions that refer to something outside of the rule, which is not in the print: sets, objects, and interfaces by
/// their numbers.
const REFERRING: [&str; 5] = ["lookup", "dynset", "objref", "map", "fib"];
/// `NFTA_META_KEY`, and its values that nft prints as the interface of that number: `NFT_META_IIF`, `_OIF`, `_SDIF`.
const META_KEY: u16 = 2;
const NUMBERED: [u32; 3] = [4, 5, 33];
/// More rulesets than a run has; a few KiB each.
const REMEMBERED: usize = 1_024;

/// Texts by print.
struct Texts<T>(Mutex<Option<HashMap<Vec<u8>, Arc<T>>>>);

static OF_IPTABLES: Texts<BTreeMap<String, SavedTable>> = Texts(Mutex::new(None));
static OF_NFT: Texts<NativeRules> = Texts(Mutex::new(None));

/// Everything that the texts of a ruleset depend on.
#[derive(Debug, Default)]
pub(super) struct Print {
    iptables: Key,
    nft: Key,
}

#[derive(Debug, Default)]
struct Key {
    bytes: Vec<u8>,
    /// Whether something was met that is not in `bytes`.
    is_partial: bool,
}

impl Print {
    /// Adds a chain or a rule as dumped.
    pub(super) fn add(&mut self, message: &Message<'_>) {
        self.nft.add(message, &[HANDLE]);
        if message.family() == Some(Family::Ipv4.number()) {
            self.iptables.add(message, &[]);
        }
    }

    /// What `iptables-nft-save` prints under this print, or what `read` says, which is then remembered.
    pub(super) fn known_or<E>(
        &self,
        read: impl FnOnce() -> Result<BTreeMap<String, SavedTable>, E>,
    ) -> Result<Arc<BTreeMap<String, SavedTable>>, E> {
        OF_IPTABLES.known_or(&self.iptables, read)
    }

    /// The same of what `nft` lists.
    pub(super) fn known_to_nft_or<E>(
        &self,
        read: impl FnOnce() -> Result<NativeRules, E>,
    ) -> Result<Arc<NativeRules>, E> {
        OF_NFT.known_or(&self.nft, read)
    }
}

impl Key {
    fn add(&mut self, message: &Message<'_>, more: &[u16]) {
        let (subsystem, number) = message.subsystem();
        if subsystem != SUBSYS_NFTABLES {
            return;
        }
        let kept: &[u16] = match number {
            NFT_MSG_NEWCHAIN => &OF_CHAIN,
            NFT_MSG_NEWRULE => &OF_RULE,
            _ => return,
        };
        self.push(
            number.into(),
            &message.family().map_or([0], |family| [family]),
        );
        for (kind, value) in message.attributes() {
            if number == NFT_MSG_NEWRULE && kind == EXPRESSIONS {
                self.expressions(value);
            } else if kept.contains(&kind) || more.contains(&kind) {
                self.push(kind, value);
            }
        }
    }

    fn expressions(&mut self, list: &[u8]) {
        for (_, expression) in Attributes(list) {
            let find = |wanted| Attributes(expression).find(|(kind, _)| *kind == wanted);
            let name = find(1).map(|(_, value)| text(value)).unwrap_or_default();
            self.is_partial |= REFERRING.contains(&name.as_str());
            if name == "meta"
                && let Some((_, data)) = find(2)
            {
                let key = Attributes(data).find(|(kind, _)| *kind == META_KEY);
                let key = key.and_then(|(_, value)| be_u32(value));
                self.is_partial |= key.is_none_or(|key| NUMBERED.contains(&key));
            }
            self.push(EXPRESSIONS, name.as_bytes());
            // A counter's data is what it counted.
            if name != "counter" {
                self.push(EXPRESSIONS, find(2).map_or(&[], |(_, value)| value));
            }
        }
    }

    /// With its length in front, so that no two prints are the same bytes cut differently.
    fn push(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value.len().to_ne_bytes());
        self.bytes.extend(value);
    }
}

impl<T> Texts<T> {
    fn known_or<E>(&self, key: &Key, read: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let locked = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if key.is_partial {
            return read().map(Arc::new);
        }
        let known = locked()
            .as_ref()
            .and_then(|texts| texts.get(&key.bytes).cloned());
        if let Some(text) = known {
            return Ok(text);
        }
        let text = Arc::new(read()?);
        let mut texts = locked();
        let texts = texts.get_or_insert_default();
        if texts.len() >= REMEMBERED {
            texts.clear();
        }
        texts.insert(key.bytes.clone(), Arc::clone(&text));
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{Requests, messages};

    fn print(handle: u32, counted: u8, target: &[u8]) -> Print {
        let mut request = Requests::new(1);
        request
            .message(
                (SUBSYS_NFTABLES, NFT_MSG_NEWRULE),
                0,
                Family::Ipv4.number(),
                0,
            )
            .string(1, "filter")
            .string(2, "FORWARD")
            .number(3, handle)
            .nest(EXPRESSIONS, |list| {
                for (name, data) in [("counter", &[counted][..]), ("immediate", target)] {
                    list.nest(1, |one| {
                        one.string(1, name).attribute(2, data);
                    });
                }
            });
        let mut print = Print::default();
        messages(request.bytes()).for_each(|message| print.add(&message));
        print
    }

    #[test]
    fn handles_and_counters_are_no_part_of_it() {
        let of_iptables = |handle, counted, target| print(handle, counted, target).iptables.bytes;
        assert_eq!(of_iptables(1, 0, &[7]), of_iptables(2, 9, &[7]));
        assert_ne!(of_iptables(1, 0, &[7]), of_iptables(1, 0, &[8]));
        assert!(!of_iptables(1, 0, &[7]).is_empty());
    }

    #[test]
    fn texts_of_nft_are_found_by_handle() {
        let of_nft = |handle, counted| print(handle, counted, &[7]).nft.bytes;
        assert_eq!(of_nft(1, 0), of_nft(1, 9));
        assert_ne!(of_nft(1, 0), of_nft(2, 0));
    }

    #[test]
    fn an_interface_by_its_number_is_not_remembered() {
        let is_partial = |key: u32| {
            let mut request = Requests::new(1);
            let kind = (SUBSYS_NFTABLES, NFT_MSG_NEWRULE);
            let rule = request.message(kind, 0, Family::Ipv4.number(), 0);
            rule.nest(EXPRESSIONS, |list| {
                list.expression("meta", |meta| {
                    meta.number(META_KEY, key).number(1, 1);
                });
            });
            let mut print = Print::default();
            messages(request.bytes()).for_each(|message| print.add(&message));
            print.nft.is_partial
        };
        // By number and by name.
        assert!(is_partial(4));
        assert!(!is_partial(6));
    }

    #[test]
    fn a_text_is_read_once() {
        let print = print(1, 0, b"of this test");
        let first = print.known_or(|| Ok::<_, ()>(BTreeMap::new()));
        assert_eq!(print.known_or(|| Err(())), first);
    }
}
