//! Named sets of contract cases, which keep their names and meaning in all versions.

use std::sync::LazyLock;

use serde::Deserialize;

use super::select::glob;

const ENTRIES: &str = include_str!("profiles.toml");

/// Begins a pattern that means the cases of a profile.
pub const PROFILE: &str = "profile:";

/// A named set of contract cases.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name, as in `goldpath run profile:NAME`.
    pub name: String,
    /// What holds if it is kept, in one sentence.
    pub title: String,
    /// What it asks.
    pub about: String,
    /// Globs of its cases.
    cases: Vec<String>,
    /// Ids of cases that are new in this version: they are run, and the result does not depend on them.
    #[serde(default)]
    pub provisional: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    profile: Vec<Profile>,
}

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let entries: Result<Entries, _> = toml::from_str(ENTRIES);
    // A test reads the file; a program that carries another one was not built from this source.
    entries.map_or_else(|_| Vec::new(), |entries| entries.profile)
});

/// All profiles, in the order of the file.
pub fn profiles() -> &'static [Profile] {
    &PROFILES
}

/// The id of each case that the program carries.
fn ids() -> impl Iterator<Item = &'static str> {
    let files = goldpath_cases::files().into_iter();
    files.filter_map(|(path, _)| path.strip_suffix(".toml"))
}

impl Profile {
    /// Whether a case belongs to it.
    pub fn holds(&self, id: &str) -> bool {
        self.cases.iter().any(|pattern| glob(id, pattern))
    }

    /// Whether its result does not depend on a case.
    pub fn is_provisional(&self, id: &str) -> bool {
        self.provisional.iter().any(|one| one == id)
    }

    /// The ids of its cases among those that the program carries, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        ids().filter(|id| self.holds(id))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_contract_case_is_in_one_profile() {
        let entries: Entries = toml::from_str(ENTRIES).unwrap();
        let names: BTreeSet<&str> = entries
            .profile
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names.len(), entries.profile.len());
        for id in ids().filter(|id| id.starts_with("contract/")) {
            let homes = profiles().iter().filter(|one| one.holds(id));
            assert_eq!(homes.count(), 1, "{id}");
        }
    }

    /// A glob without a case is a folder that was renamed.
    #[test]
    fn what_a_profile_names_is_there() {
        for profile in profiles() {
            for pattern in &profile.cases {
                assert!(ids().any(|id| glob(id, pattern)), "{pattern}");
            }
            for id in &profile.provisional {
                assert!(profile.ids().any(|one| one == id), "{id}");
            }
        }
    }

    /// Users name them in workflows; one that goes away or gets another meaning is a breaking change.
    #[test]
    fn names_stay() {
        let names: Vec<&str> = profiles().iter().map(|one| one.name.as_str()).collect();
        let known = [
            "core",
            "publish",
            "isolation",
            "errors",
            "lifecycle",
            "coexistence",
        ];
        assert!(known.iter().all(|name| names.contains(name)), "{names:?}");
    }
}
