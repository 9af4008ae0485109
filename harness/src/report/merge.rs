//! Several machines' reports as one.

use std::collections::BTreeMap;

use super::{CaseReport, Report, profile_reports};

/// Why reports don't make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Nothing to join.
    #[error("no report was given")]
    Nothing,
    /// Different versions of goldpath don't ask the same.
    #[error("`{first}` is of goldpath {is}, `{second}` of goldpath {other}")]
    Version {
        /// A part's name.
        first: String,
        /// Its version.
        is: String,
        /// Another part's name.
        second: String,
        /// Its version.
        other: String,
    },
    /// A trial has two results.
    #[error("{} in two reports:{}", count(.0.len()), lines(.0))]
    Twice(Vec<String>),
    /// A planned trial has no result.
    #[error("{} planned, but in no report:{}", count(.0.len()), lines(.0))]
    Missing(Vec<String>),
}

fn count(trials: usize) -> String {
    match trials {
        1 => String::from("1 trial is"),
        more => format!("{more} trials are"),
    }
}

fn lines(trials: &[String]) -> String {
    trials.iter().map(|trial| format!("\n  {trial}")).collect()
}

/// Joins parts, each with the name that errors call it by. What any part planned must have run in exactly one.
///
/// # Errors
/// A trial is in two parts or in none, or the parts are not of one version.
pub fn merge(parts: Vec<(String, Report)>) -> Result<Report, MergeError> {
    let mut parts = parts.into_iter();
    let (first, mut whole) = parts.next().ok_or(MergeError::Nothing)?;
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut settle = |part: &str, report: &Report| {
        for case in &report.cases {
            let parts = homes.entry(case.trial().to_string()).or_default();
            parts.push(part.to_owned());
        }
    };
    settle(&first, &whole);
    for (name, part) in parts {
        if part.goldpath != whole.goldpath {
            return Err(MergeError::Version {
                first,
                is: whole.goldpath,
                second: name,
                other: part.goldpath,
            });
        }
        settle(&name, &part);
        join(&mut whole, part);
    }
    let twice = homes.iter().filter(|(_, parts)| parts.len() > 1);
    let twice: Vec<String> = twice
        .map(|(trial, parts)| format!("{trial} in {}", parts.join(" and ")))
        .collect();
    if !twice.is_empty() {
        return Err(MergeError::Twice(twice));
    }
    whole.planned.sort();
    whole.planned.dedup();
    let missing = whole
        .planned
        .iter()
        .filter(|trial| !homes.contains_key(*trial));
    let missing: Vec<String> = missing.cloned().collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing(missing));
    }
    whole.cases.sort_by_cached_key(CaseReport::trial);
    whole.recount();
    whole.profiles = profile_reports(&whole.cases, whole.strict);
    Ok(whole)
}

fn join(whole: &mut Report, part: Report) {
    if !whole.kernel.split(", ").any(|kernel| kernel == part.kernel) {
        whole.kernel = format!("{}, {}", whole.kernel, part.kernel);
    }
    for implementation in part.implementations {
        if !whole.implementations.contains(&implementation) {
            whole.implementations.push(implementation);
        }
    }
    whole.strict |= part.strict;
    whole.commands.extend(part.commands);
    whole.planned.extend(part.planned);
    whole.cases.extend(part.cases);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::report::sample;

    fn halves() -> (Report, Report) {
        let (mut one, mut two) = (sample::report(), sample::report());
        two.cases = one.cases.split_off(2);
        two.kernel = String::from("6.8.0");
        (one, two)
    }

    fn join(one: Report, two: Report) -> Result<Report, MergeError> {
        merge(vec![
            (String::from("a.json"), one),
            (String::from("b.json"), two),
        ])
    }

    #[test]
    fn the_parts_make_the_whole() {
        let (one, two) = halves();
        let joined = join(two, one).unwrap();
        let whole = sample::report();
        assert_eq!(joined.summary, whole.summary);
        assert_eq!(joined.result, whole.result);
        assert_eq!(joined.kernel, "6.8.0, 6.1.0");
        let trials = |report: &Report| -> Vec<String> {
            report
                .cases
                .iter()
                .map(|case| case.trial().to_string())
                .collect()
        };
        assert_eq!(trials(&joined), trials(&whole));
    }

    #[test]
    fn a_trial_in_two_parts_is_refused() {
        let (one, mut two) = halves();
        two.cases.push(one.cases[0].clone());
        insta::assert_snapshot!(join(one, two).unwrap_err(), @r"
        1 trial is in two reports:
          egress/masquerade::<b>other/ipv4 in a.json and b.json
        ");
    }

    #[test]
    fn a_trial_in_no_part_is_refused() {
        let (one, mut two) = halves();
        two.cases.clear();
        let Err(MergeError::Missing(missing)) = join(one, two) else {
            panic!("taken for whole");
        };
        assert_eq!(missing.len(), sample::report().cases.len() - 2);
    }

    #[test]
    fn parts_of_other_versions_are_refused() {
        let (one, mut two) = halves();
        two.goldpath = String::from("9.9.9");
        assert!(matches!(
            join(one.clone(), two.clone()),
            Err(MergeError::Version { .. })
        ));
        assert_eq!(merge(Vec::new()).unwrap_err(), MergeError::Nothing);
    }
}
