//! What implementations keep by design: data, each with its source, and never hidden.

use serde::Deserialize;

use crate::case::glob;
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
    /// The entry, with `*` for any text.
    pub entry: String,
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

impl Kept {
    /// Whether this is what is meant. A setting that was changed is there twice, before and after.
    pub fn covers(&self, difference: &Difference) -> bool {
        let kind = format!("{:?}", difference.kind).to_ascii_lowercase();
        let changed = difference.change == Change::Added || kind == "sysctl";
        changed && kind == self.kind && glob(&difference.entry, &self.entry)
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
    fn what_is_taken_away_is_not_kept() {
        let kept = Kept {
            implementations: vec!["mine".into()],
            kind: "link".into(),
            entry: "*br0*".into(),
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
