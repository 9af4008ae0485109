//! Two ledgers side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Entry;
use super::words::what_changed;

/// One thing that two ledgers don't share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerDifference {
    /// The thing, as the later ledger has it; as the earlier one had it if it is gone.
    pub entry: Entry,
    /// What became of it.
    pub change: EntryChange,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryChange {
    /// Only the later ledger has it.
    Added,
    /// Only the earlier one had it.
    Removed,
    /// It was otherwise before.
    Changed(Box<Entry>),
    /// Both have it, in another order.
    Moved,
}

/// A line with a sign: `+ link docker0: …`.
impl fmt::Display for LedgerDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, change } = self;
        let kind = entry.kind().as_str();
        match change {
            EntryChange::Added => write!(f, "+ {kind} {entry}"),
            EntryChange::Removed => write!(f, "- {kind} {entry}"),
            EntryChange::Moved => write!(f, "~ {kind} {entry}, in another place"),
            EntryChange::Changed(before) => match (&**before, entry) {
                (Entry::Sysctl(old), _) => write!(f, "~ {kind} {entry}, was {}", old.value),
                (Entry::File(old), Entry::File(new)) => {
                    write!(f, "~ {kind} {entry}: {}", what_changed(old, new))
                }
                (old, _) => write!(f, "~ {kind} {entry}; was {old}"),
            },
        }
    }
}

/// What `now` has otherwise than `before`, in the order of the entries: what is gone, then what came or changed.
pub(super) fn differences(before: &[Entry], now: &[Entry]) -> Vec<LedgerDifference> {
    let (mut gone, mut came) = (without(before, now), without(now, before));
    let moved = moved(before, now, &gone, &came);
    let mut changed = Vec::new();
    came.retain(|new| {
        let identity = new.identity();
        let same = |old: &&Entry| old.kind() == new.kind() && old.identity() == identity;
        let Some(place) = gone.iter().position(same) else {
            return true;
        };
        changed.push(LedgerDifference {
            entry: (*new).clone(),
            change: EntryChange::Changed(Box::new(gone.remove(place).clone())),
        });
        false
    });
    let plain = |change: EntryChange| {
        move |entry: &Entry| LedgerDifference {
            entry: entry.clone(),
            change: change.clone(),
        }
    };
    let gone = gone.into_iter().map(plain(EntryChange::Removed));
    let came = came.into_iter().map(plain(EntryChange::Added));
    gone.chain(changed).chain(came).chain(moved).collect()
}

/// What `some` has more often than `others`: two equal entries are two.
fn without<'a>(some: &'a [Entry], others: &[Entry]) -> Vec<&'a Entry> {
    let mut left: BTreeMap<&Entry, usize> = BTreeMap::new();
    for entry in others {
        *left.entry(entry).or_default() += 1;
    }
    let mut missing = Vec::new();
    for entry in some {
        match left.get_mut(entry) {
            Some(count) if *count > 0 => *count -= 1,
            _ => missing.push(entry),
        }
    }
    missing
}

/// What both have, and now in another order than before.
fn moved(
    before: &[Entry],
    now: &[Entry],
    gone: &[&Entry],
    came: &[&Entry],
) -> Vec<LedgerDifference> {
    let common = |all: &[Entry], but: &[&Entry]| {
        let but: BTreeSet<&Entry> = but.iter().copied().collect();
        let mut orders: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in all.iter().filter(|entry| !but.contains(entry)) {
            if let Some(order) = entry.order() {
                orders.entry(order).or_default().push(entry.clone());
            }
        }
        orders
    };
    let (old, new) = (common(before, gone), common(now, came));
    let pairs = old
        .iter()
        .filter_map(|(order, old)| Some((old, new.get(order)?)));
    pairs
        .flat_map(|(old, new)| old.iter().zip(new))
        .filter(|(old, new)| old != new)
        .map(|(_, new)| LedgerDifference {
            entry: new.clone(),
            change: EntryChange::Moved,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{PolicyRule, Sysctl};
    use super::*;

    fn rule(priority: u32) -> Entry {
        Entry::PolicyRule(PolicyRule {
            family: "IPv4".into(),
            priority,
            matches: vec!["from all".into()],
            action: "lookup 254".into(),
            rest: Vec::new(),
        })
    }

    fn changes(before: &[u32], now: &[u32]) -> Vec<String> {
        let rules = |of: &[u32]| of.iter().map(|one| rule(*one)).collect::<Vec<_>>();
        let found = differences(&rules(before), &rules(now));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_entries_are_counted() {
        assert_eq!(
            changes(&[1, 1], &[1]),
            ["- policy-rule IPv4 1: from all lookup 254"]
        );
        assert_eq!(
            changes(&[1], &[1, 2]),
            ["+ policy-rule IPv4 2: from all lookup 254"]
        );
    }

    #[test]
    fn order_of_rules_matters_also_beside_a_new_one() {
        let moved =
            |number| format!("~ policy-rule IPv4 {number}: from all lookup 254, in another place");
        assert_eq!(changes(&[1, 2], &[2, 1]), [moved(2), moved(1)]);
        let beside = changes(&[1, 2], &[3, 2, 1]);
        assert_eq!(beside[1..], [moved(2), moved(1)]);
        assert_eq!(changes(&[1, 2], &[3, 1, 2]).len(), 1, "only what came");
    }

    #[test]
    fn a_changed_setting_is_one_line() {
        let setting = |value: &str| {
            [Entry::Sysctl(Sysctl {
                name: "ipv4/ip_forward".into(),
                value: value.into(),
            })]
        };
        let found = differences(&setting("0"), &setting("1"));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["~ sysctl ipv4/ip_forward = 1, was 0"]);
    }
}
