//! What the kernel holds of iptables' rules, as a key under which their printed text is remembered.
//!
//! `iptables-nft-save` prints nothing but what is in these messages, so equal prints have equal texts. Running it takes 4
//! to 5 ms, and labs of one process ask for the same few rulesets again and again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::save::SavedTable;
use crate::address::Family;
use crate::netlink::{
    Attributes, Message, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE, SUBSYS_NFTABLES, text,
};

/// `NFTA_CHAIN_TABLE`, `_NAME`, `_HOOK`, `_POLICY`, `_TYPE`: no handle, no use count, no counters.
const OF_CHAIN: [u16; 5] = [1, 3, 4, 5, 7];
/// `NFTA_RULE_TABLE`, `_CHAIN`, `_COMPAT`, `_USERDATA`; expressions are looked through.
const OF_RULE: [u16; 4] = [1, 2, 5, 7];
const EXPRESSIONS: u16 = 4;
/// Expressions that refer to something outside of the rule, which is not in the print.
const REFERRING: [&str; 4] = ["lookup", "dynset", "objref", "map"];
/// More rulesets than a run has; a few KiB each.
const REMEMBERED: usize = 1_024;

type Saved = Arc<BTreeMap<String, SavedTable>>;

static TEXTS: Mutex<Option<HashMap<Vec<u8>, Saved>>> = Mutex::new(None);

/// Everything that the text of a ruleset depends on.
#[derive(Debug, Default)]
pub(super) struct Print {
    bytes: Vec<u8>,
    /// Whether something was met that is not in `bytes`.
    is_partial: bool,
}

impl Print {
    /// Adds a chain or a rule as dumped.
    pub(super) fn add(&mut self, message: &Message<'_>) {
        let (subsystem, number) = message.subsystem();
        if subsystem != SUBSYS_NFTABLES || message.family() != Some(Family::Ipv4.number()) {
            return;
        }
        let kept: &[u16] = match number {
            NFT_MSG_NEWCHAIN => &OF_CHAIN,
            NFT_MSG_NEWRULE => &OF_RULE,
            _ => return,
        };
        self.push(number.into(), &[]);
        for (kind, value) in message.attributes() {
            if number == NFT_MSG_NEWRULE && kind == EXPRESSIONS {
                self.expressions(value);
            } else if kept.contains(&kind) {
                self.push(kind, value);
            }
        }
    }

    fn expressions(&mut self, list: &[u8]) {
        for (_, expression) in Attributes(list) {
            let find = |wanted| Attributes(expression).find(|(kind, _)| *kind == wanted);
            let name = find(1).map(|(_, value)| text(value)).unwrap_or_default();
            self.is_partial |= REFERRING.contains(&name.as_str());
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

    /// The text under this print, or what `read` says, which is then remembered.
    pub(super) fn known_or<E>(
        &self,
        read: impl FnOnce() -> Result<BTreeMap<String, SavedTable>, E>,
    ) -> Result<Saved, E> {
        let locked = || TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_partial {
            return read().map(Arc::new);
        }
        let known = locked()
            .as_ref()
            .and_then(|texts| texts.get(&self.bytes).cloned());
        if let Some(saved) = known {
            return Ok(saved);
        }
        let saved = Arc::new(read()?);
        let mut texts = locked();
        let texts = texts.get_or_insert_default();
        if texts.len() >= REMEMBERED {
            texts.clear();
        }
        texts.insert(self.bytes.clone(), Arc::clone(&saved));
        Ok(saved)
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
        assert_eq!(print(1, 0, &[7]).bytes, print(2, 9, &[7]).bytes);
        assert_ne!(print(1, 0, &[7]).bytes, print(1, 0, &[8]).bytes);
        assert!(!print(1, 0, &[7]).bytes.is_empty());
    }

    #[test]
    fn a_text_is_read_once() {
        let print = print(1, 0, b"of this test");
        let first = print.known_or(|| Ok::<_, ()>(BTreeMap::new()));
        assert_eq!(print.known_or(|| Err(())), first);
    }
}
