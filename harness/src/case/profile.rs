//! Named sets of contract cases, which keep their names and meaning in all versions.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::builtin::builtin_ids;
use super::select::glob;

const ENTRIES: &str = include_str!("profiles.toml");
const RELEASED: &str = include_str!("released.txt");

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
    #[serde(skip)]
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
    let mut profiles = entries.map_or_else(|_| Vec::new(), |entries| entries.profile);
    for profile in &mut profiles {
        profile.provisional = profile.new_since(RELEASED).map(str::to_owned).collect();
    }
    profiles
});

/// All profiles, in the order of the file.
pub fn profiles() -> &'static [Profile] {
    &PROFILES
}

/// The first line of the list of released cases: which version it is for.
fn released_before(version: &str) -> String {
    format!(
        "# Contract cases of the releases before {version}. `goldpath profiles --released VERSION` writes it."
    )
}

/// The list for the version that comes after this one, to be kept as `released.txt` when the version is raised: every
/// contract case that there is. What comes after that is new in that version, and provisional.
pub fn released(next: &str) -> String {
    let mut ids: Vec<&str> = builtin_ids()
        .filter(|id| id.starts_with("contract/"))
        .collect();
    ids.sort_unstable();
    format!("{}\n{}\n", released_before(next), ids.join("\n"))
}

impl Profile {
    /// Whether a case belongs to it.
    pub fn holds(&self, id: &str) -> bool {
        self.cases.iter().any(|pattern| glob(id, pattern))
    }

    /// Whether its result does not depend on a case: one that is new in this version, or a person's own.
    pub fn is_provisional(&self, id: &str) -> bool {
        self.provisional.iter().any(|one| one == id) || !builtin_ids().any(|one| one == id)
    }

    /// The ids of its cases that a list of released ones has not. Before the first release none is new.
    fn new_since(&self, released: &str) -> impl Iterator<Item = &'static str> {
        let lines = released.lines().filter(|line| !line.starts_with('#'));
        let released: BTreeSet<String> = lines.map(str::to_owned).collect();
        self.ids()
            .filter(move |id| !released.is_empty() && !released.contains(*id))
    }

    /// The ids of its cases among those that the program carries, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        builtin_ids().filter(|id| self.holds(id))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
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
        for id in builtin_ids().filter(|id| id.starts_with("contract/")) {
            let homes = profiles().iter().filter(|one| one.holds(id));
            assert_eq!(homes.count(), 1, "{id}");
        }
    }

    /// A glob without a case is a folder that was renamed.
    #[test]
    fn what_a_profile_names_is_there() {
        for profile in profiles() {
            for pattern in &profile.cases {
                assert!(builtin_ids().any(|id| glob(id, pattern)), "{pattern}");
            }
        }
    }

    /// A case is provisional in the version that it is new in, and in no other one.
    #[test]
    fn what_was_not_released_is_provisional_for_one_version() {
        let errors = profiles().iter().find(|one| one.name == "errors").unwrap();
        let all = released("0.2.0");
        assert_eq!(errors.new_since(&all).count(), 0);
        let new = "contract/errors/ttl-exceeded-returns";
        let before = all.replace(&format!("{new}\n"), "");
        assert_eq!(errors.new_since(&before).collect::<Vec<_>>(), [new]);
        // Then the version is raised, and the list is made again.
        assert_eq!(errors.new_since(&released("0.3.0")).count(), 0);
        // Of the first version, no case is newer than the others.
        assert_eq!(errors.new_since(&released_before("0.1.0")).count(), 0);
    }

    /// Whoever raises the version makes the list again: otherwise cases of the last version would stay provisional.
    #[test]
    fn the_list_of_released_cases_is_for_this_version() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            RELEASED.lines().next(),
            Some(&*released_before(version)),
            "before anything else is changed, type: goldpath profiles --released {version} > harness/src/case/released.txt"
        );
        for id in RELEASED.lines().filter(|line| !line.starts_with('#')) {
            assert!(builtin_ids().any(|one| one == id), "{id} is gone");
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
