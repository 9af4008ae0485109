//! What implementations keep by design: data, each with its source, and never hidden.

use serde::Deserialize;

use crate::case::{OneOrMany, glob};
use crate::lab::{Change, Difference};

/// The entries, checked in beside this file and compiled in.
const ENTRIES: &str = include_str!("kept.toml");

/// Something that an implementation keeps by design.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Names of implementations.
    pub implementations: Vec<String>,
    /// The kind of the ledger's entry.
    pub kind: String,
    /// The entry, or several, with `*` for any text.
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

/// Everything that this implementation keeps by design.
///
/// # Errors
/// The checked-in file is broken, which a test excludes.
pub fn kept(implementation: &str) -> Result<Vec<Kept>, toml::de::Error> {
    let entries: Entries = toml::from_str(ENTRIES)?;
    let all = entries.kept.into_iter();
    Ok(all
        .filter(|one| {
            one.implementations
                .iter()
                .any(|name| name == implementation)
        })
        .collect())
}

/// What of this implementation's patterns matched nothing that was kept, of a kind and as an entry: each with its kind.
///
/// # Errors
/// The checked-in file is broken, which a test excludes.
pub fn unmatched<'a>(
    implementation: &str,
    seen: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<String>, toml::de::Error> {
    let seen: Vec<(&str, &str)> = seen.into_iter().collect();
    let mut never = Vec::new();
    for entry in kept(implementation)? {
        for pattern in &entry.entry.0 {
            let is_it = |(kind, text): &(&str, &str)| *kind == entry.kind && glob(text, pattern);
            if !seen.iter().any(is_it) {
                never.push(format!("{} {pattern}", entry.kind));
            }
        }
    }
    Ok(never)
}

impl Kept {
    /// Whether this is what is meant. A setting that was changed is there twice, before and after.
    pub fn covers(&self, difference: &Difference) -> bool {
        let kind = difference.kind.as_str();
        let changed = difference.change == Change::Added || kind == "sysctl";
        changed && kind == self.kind && self.patterns(&difference.entry).next().is_some()
    }

    fn patterns<'a>(&'a self, entry: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.entry.0.iter().map(String::as_str);
        all.filter(move |pattern| glob(entry, pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Kind;

    #[test]
    fn the_entries_read_and_have_a_source() {
        let entries: Entries = toml::from_str(ENTRIES).expect("well-formed");
        assert!(!entries.kept.is_empty());
        assert!(entries.kept.iter().all(|one| !one.source.is_empty()));
    }

    #[test]
    fn a_pattern_that_nothing_matched_is_listed() {
        let link = ("link", "5 LinkFlags(Up) [IfName(\"docker0\"), Mtu(1500)]");
        let never = unmatched("docker", [link]).expect("well-formed");
        let of_links = never.iter().filter(|one| one.starts_with("link "));
        assert_eq!(of_links.count(), 0);
        assert!(never.iter().any(|one| one.starts_with("address ")));
    }

    #[test]
    fn what_is_taken_away_is_not_kept() {
        let kept = Kept {
            implementations: vec!["mine".into()],
            kind: "link".into(),
            entry: OneOrMany(vec!["*br0*".into()]),
            source: "a manual".into(),
        };
        let of = |change| Difference {
            kind: Kind::Link,
            change,
            entry: "5 br0".into(),
        };
        assert!(kept.covers(&of(Change::Added)));
        assert!(!kept.covers(&of(Change::Removed)));
    }
}
