//! Which cases the patterns of a command line mean.

use super::id::CaseId;
use super::model::Case;
use super::profile::{PROFILE, profiles};
use super::suggest::edits;

/// How many ids a failed selection shows.
const NEAR_IDS: usize = 3;

/// Whether an id is selected: by no patterns at all, by its whole, by a part, by a glob if the pattern holds a `*`, or by the
/// profile that it belongs to.
pub fn matches(id: &CaseId, patterns: &[String]) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| means(id.as_str(), pattern))
}

/// Whether a pattern means a case of this id.
pub(crate) fn means(id: &str, pattern: &str) -> bool {
    if let Some(name) = pattern.strip_prefix(PROFILE) {
        let mut named = profiles().iter().filter(|profile| profile.name == name);
        named.any(|profile| profile.holds(id))
    } else if pattern.contains('*') {
        glob(id, pattern)
    } else {
        id.contains(pattern)
    }
}

/// `*` stands for any text, also across slashes.
pub(crate) fn glob(text: &str, pattern: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| glob(&rest[at..], tail))
}

/// A pattern that means no case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no case matches `{pattern}`; near: {}", near.join(", "))]
pub struct NothingSelected {
    /// The pattern.
    pub pattern: String,
    /// The ids nearest to it.
    pub near: Vec<String>,
}

/// The cases that some pattern means. A whole id means that case only, and each pattern must mean at least one.
pub fn select(cases: Vec<Case>, patterns: &[String]) -> Result<Vec<Case>, NothingSelected> {
    let exact = |pattern: &str| cases.iter().any(|case| case.id.as_str() == pattern);
    let chosen = |id: &str, pattern: &String| {
        if exact(pattern) {
            id == pattern
        } else {
            means(id, pattern)
        }
    };
    for pattern in patterns {
        if !cases.iter().any(|case| chosen(case.id.as_str(), pattern)) {
            return Err(NothingSelected {
                pattern: pattern.clone(),
                near: near(&cases, pattern),
            });
        }
    }
    let keep: Vec<bool> = cases
        .iter()
        .map(|case| {
            patterns.is_empty()
                || patterns
                    .iter()
                    .any(|pattern| chosen(case.id.as_str(), pattern))
        })
        .collect();
    Ok(cases
        .into_iter()
        .zip(keep)
        .filter_map(|(case, keep)| keep.then_some(case))
        .collect())
}

/// Ids by distance; a part of an id, from a dash or slash on, is compared at the pattern's length too. Of profiles all names.
fn near(cases: &[Case], pattern: &str) -> Vec<String> {
    if let Some(asked) = pattern.strip_prefix(PROFILE) {
        let names = profiles().iter().map(|profile| &profile.name);
        let names = names.filter(|name| *name != asked);
        return names.map(|name| format!("{PROFILE}{name}")).collect();
    }
    let length = pattern.chars().count();
    let mut ids: Vec<(usize, &str)> = cases
        .iter()
        .map(|case| {
            let id = case.id.as_str();
            let starts =
                std::iter::once(0).chain(id.match_indices(['-', '/']).map(|(at, _)| at + 1));
            let parts = starts.map(|at| id[at..].chars().take(length).collect::<String>());
            (
                parts
                    .map(|part| edits(pattern, &part))
                    .min()
                    .unwrap_or(length),
                id,
            )
        })
        .collect();
    ids.sort_unstable();
    ids.into_iter()
        .take(NEAR_IDS)
        .map(|(_, id)| id.to_owned())
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_part_a_glob_or_a_whole() {
        let id = CaseId::new("article/a16-forward-rules-by-interface").unwrap();
        let means = |pattern: &str| matches(&id, &[pattern.to_owned()]);
        assert!(matches(&id, &[]));
        assert!(means("forward-rules"));
        assert!(means("article/*"));
        assert!(means("*a16*face"));
        assert!(means("article/a16-forward-rules-by-interface"));
        assert!(!means("a16*rules"));
        assert!(!means("a17"));
    }

    #[test]
    fn a_profile_means_its_cases_and_no_others() {
        let ids = |pattern: &str| -> Vec<&'static str> {
            let all = profiles().iter().flat_map(|profile| profile.ids());
            all.filter(|id| means(id, pattern)).collect()
        };
        assert_eq!(
            ids("profile:errors"),
            [ids("contract/errors/"), ids("contract/path/")].concat()
        );
        // The name is no part of an id: `core` alone means none of these.
        assert!(ids("profile:core").len() > 5 && ids("core").is_empty());
        assert!(ids("profile:cor").is_empty() && ids("profile:").is_empty());
        let nothing = select(Vec::new(), &[String::from("profile:cor")]);
        assert!(nothing.is_err_and(|none| none.near.contains(&String::from("profile:core"))));
    }
}
