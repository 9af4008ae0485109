//! What documents say that implementations keep when everything is torn down: data, each with its source, and never
//! hidden.

use serde::Deserialize;

use crate::case::{OneOrMany, glob};
use crate::ledger::{CaseNames, EntryChange, EntryKind, LedgerDifference, OfNetwork};

/// The entries, checked in beside this file and compiled in.
const ENTRIES: &str = include_str!("kept.toml");
/// What stands for every implementation.
const EVERY: &str = "*";

/// Something that implementations keep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What was asked for, as `cni` also of `cni:CONFLIST`; `*` for everything.
    pub implementations: Vec<String>,
    /// The kind of the ledger's entry.
    pub kind: EntryKind,
    /// The entry, or several, with `*` for any text, and in braces what the case calls its own.
    entry: OneOrMany<String>,
    /// Where it is documented.
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    #[serde(default)]
    kept: Vec<Kept>,
}

/// Everything that documents say of the implementation that was asked for by this name.
///
/// # Errors
/// The checked-in file is broken, which a test excludes.
pub fn kept(asked: &str) -> Result<Vec<Kept>, toml::de::Error> {
    let mut entries = parse(ENTRIES)?;
    entries.retain(|one| one.is_of(&[asked]));
    Ok(entries)
}

/// Reads somebody's own entries.
///
/// # Errors
/// They are not in the format of `kept.toml`; the error tells the place.
pub(super) fn parse(text: &str) -> Result<Vec<Kept>, toml::de::Error> {
    toml::from_str(text).map(|entries: Entries| entries.kept)
}

/// The entries of this implementation by which nothing was kept, given the sources of what was: each with its kind.
///
/// # Errors
/// The checked-in file is broken, which a test excludes.
pub fn unused<'a>(
    asked: &str,
    sources: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, toml::de::Error> {
    let sources: Vec<&str> = sources.into_iter().collect();
    let mut entries = kept(asked)?;
    entries.retain(|entry| !sources.contains(&entry.source.as_str()));
    let told = |entry: &Kept| format!("{} {}", entry.kind.as_str(), entry.entry.0.join(", "));
    Ok(entries.iter().map(told).collect())
}

impl Kept {
    /// Whether it is about an implementation of one of these names.
    pub fn is_of(&self, names: &[&str]) -> bool {
        let mut own = self.implementations.iter().map(String::as_str);
        own.any(|name| name == EVERY || names.contains(&name))
    }

    /// What an entry could never be about.
    pub fn means_nothing(&self) -> Option<String> {
        let is_empty = |text: &String| text.trim().is_empty();
        if self.implementations.is_empty() || self.implementations.iter().any(is_empty) {
            return Some(String::from("`implementations` names nobody"));
        }
        if self.entry.0.is_empty() || self.entry.0.iter().any(is_empty) {
            return Some(String::from("`entry` names nothing"));
        }
        if is_empty(&self.source) {
            return Some(String::from("`source` is empty"));
        }
        let filled = |pattern: &&String| {
            let rest = pattern.replace("{bridge}", "").replace("{network}", "");
            rest.contains(['{', '}'])
        };
        let pattern = self.entry.0.iter().find(filled)?;
        Some(format!(
            "in `{pattern}` only {{bridge}} and {{network}} may stand in braces"
        ))
    }

    /// Whether this is what is meant: something that came, or a setting or a policy that was changed.
    pub fn covers(&self, difference: &LedgerDifference, names: &CaseNames) -> bool {
        let stays = match &difference.change {
            EntryChange::Added => true,
            EntryChange::Changed(_) => {
                matches!(
                    self.kind,
                    EntryKind::Sysctl | EntryKind::Chain | EntryKind::File
                )
            }
            EntryChange::Removed | EntryChange::Moved => false,
        };
        let text = difference.entry.to_string();
        stays
            && difference.entry.kind() == self.kind
            && self
                .entry
                .0
                .iter()
                .any(|pattern| fits(&text, pattern, names))
    }
}

/// Whether a pattern fits, with what the case calls its own in place of what stands in braces.
fn fits(text: &str, pattern: &str, names: &CaseNames) -> bool {
    if !pattern.contains('{') {
        return glob(text, pattern);
    }
    let fits = |network: &OfNetwork| {
        let bridges = network.bridges.iter();
        bridges
            .map(|bridge| {
                pattern
                    .replace("{bridge}", bridge)
                    .replace("{network}", &network.name)
            })
            .chain([pattern.replace("{network}", &network.name)])
            .any(|pattern| glob(text, &pattern))
    };
    names.networks().iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Entry, Link};

    fn bridge(name: &str, change: EntryChange) -> LedgerDifference {
        LedgerDifference {
            entry: Entry::Link(Link {
                name: name.into(),
                kind: "bridge".into(),
                ..Link::default()
            }),
            change,
        }
    }

    #[test]
    fn an_entry_that_could_never_hold_is_told() {
        let wrong = |implementations: &str, entry: &str, source: &str| {
            let entry = format!(
                "[[kept]]\nimplementations = {implementations}\nkind = \"file\"\nentry = {entry}\nsource = '{source}'"
            );
            let entries = parse(&entry).expect("well-formed");
            entries.iter().any(|one| one.means_nothing().is_some())
        };
        assert!(!wrong("['cni']", "'/run/{bridge}'", "man"));
        assert!(wrong("[]", "'/run/x'", "man"));
        assert!(wrong("['cni']", "[]", "man"));
        assert!(wrong("['cni']", "''", "man"));
        assert!(wrong("['cni']", "'/run/x'", " "));
        assert!(wrong("['cni']", "'/run/{nosuch}'", "man"));
        assert!(wrong("['cni']", "'/run/{bridge'", "man"));
    }

    #[test]
    fn the_entries_read_and_have_a_source() {
        let entries: Entries = toml::from_str(ENTRIES).expect("well-formed");
        assert!(!entries.kept.is_empty());
        assert!(entries.kept.iter().all(|one| !one.source.is_empty()));
    }

    #[test]
    fn what_is_taken_away_is_not_kept() {
        let docker = kept("docker").expect("well-formed");
        let covers = |difference: &LedgerDifference| {
            docker
                .iter()
                .any(|one| one.covers(difference, &CaseNames::default()))
        };
        assert!(covers(&bridge("docker0", EntryChange::Added)));
        assert!(!covers(&bridge("docker0", EntryChange::Removed)));
        assert!(!covers(&bridge("docker1", EntryChange::Added)));
    }

    #[test]
    fn an_entry_that_kept_nothing_is_listed() {
        let docker = kept("docker").expect("well-formed");
        let source = &docker
            .iter()
            .find(|one| one.kind == EntryKind::Link)
            .expect("docker0")
            .source;
        let never = unused("docker", [source.as_str()]).expect("well-formed");
        assert!(!never.iter().any(|one| one.starts_with("link ")));
        assert!(never.iter().any(|one| one.starts_with("chain ")));
    }

    #[test]
    fn a_bridge_is_kept_whatever_it_is_called() {
        let cni = kept("cni").expect("well-formed");
        let mut names = CaseNames::default();
        names.network("front").bridges.push("nerdctl0".into());
        let covers = |link: &str| {
            let difference = bridge(link, EntryChange::Added);
            cni.iter().any(|one| one.covers(&difference, &names))
        };
        assert!(covers("nerdctl0"));
        assert!(!covers("cni0"), "no network's bridge");
    }
}
