//! Profiles: what each came to in a run, and the page that describes them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use goldpath_report::{Conclusion, ProfileReport, Summary};

use super::{CaseReport, Report};
use crate::case::{Case, CaseKind, Feature, PROFILE, Profile, builtin_text, profiles};
use crate::run::Outcome;

/// What each profile came to, for each implementation that at least one of its cases was put to.
pub fn profile_reports(cases: &[CaseReport], strict: bool) -> Vec<ProfileReport> {
    let names: BTreeSet<&str> = cases
        .iter()
        .map(|case| case.implementation.as_str())
        .collect();
    let pairs = profiles()
        .iter()
        .flat_map(|profile| names.iter().map(move |name| (profile, *name)));
    pairs
        .filter_map(|(profile, name)| {
            let of_it = cases.iter();
            let of_it = of_it.filter(|case| case.implementation == name && profile.holds(&case.id));
            // What a person has put in the place of a case is not the case.
            let of_it =
                of_it.filter(|case| builtin_text(&case.id).is_none_or(|own| own == case.contract));
            let of_it: Vec<&CaseReport> = of_it.collect();
            (!of_it.is_empty()).then(|| profile_report(profile, name, &of_it, strict))
        })
        .collect()
}

fn profile_report(
    profile: &Profile,
    implementation: &str,
    cases: &[&CaseReport],
    strict: bool,
) -> ProfileReport {
    let run: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let missing: Vec<String> = profile
        .ids()
        .filter(|id| !run.contains(id) && !profile.is_provisional(id))
        .map(str::to_owned)
        .collect();
    let counted = cases.iter().copied();
    let counted = counted.filter(|case| !profile.is_provisional(&case.id));
    let counted: Vec<&CaseReport> = counted.collect();
    let is_skipped =
        |case: &&CaseReport| matches!(case.outcome, Outcome::NotSupported | Outcome::Disabled);
    let planned = counted.len() + missing.len();
    let result = match Conclusion::of(counted.iter().copied(), planned, strict) {
        Conclusion::Conformant if counted.iter().any(is_skipped) => Conclusion::Partial,
        other => other,
    };
    ProfileReport {
        name: profile.name.clone(),
        implementation: implementation.to_owned(),
        result,
        summary: Summary::of(counted.iter().copied()),
        missing,
        provisional: run
            .into_iter()
            .filter(|id| profile.is_provisional(id))
            .map(str::to_owned)
            .collect(),
    }
}

/// A line for each profile of which every case was run, and each implementation.
pub fn profile_lines(report: &Report) -> String {
    let mut text = String::new();
    for one in report.profiles.iter().filter(|one| one.missing.is_empty()) {
        let skipped = one.summary.not_supported + one.summary.disabled;
        let skipped = match skipped {
            0 => String::new(),
            more => format!(" ({more} of {} skipped)", one.summary.total()),
        };
        let (name, implementation, result) = (&one.name, &one.implementation, one.result);
        let _ = writeln!(
            text,
            "{PROFILE}{name} on {implementation}: {result}{skipped}"
        );
    }
    text
}

/// The page about the profiles and features, in Markdown.
pub fn profiles_page(cases: &[Case]) -> String {
    let title_of = |id: &str| {
        let case = cases.iter().find(|case| case.id.as_str() == id)?;
        Some(case.title.clone())
    };
    let mut text = String::from(INTRODUCTION);
    for profile in profiles() {
        let Profile {
            name, title, about, ..
        } = profile;
        let _ = writeln!(text, "\n## {name}\n\n{title}.\n\n{}\n", about.trim());
        let _ = writeln!(text, "| case | what must hold |\n| --- | --- |");
        for id in profile.ids() {
            let title = title_of(id).unwrap_or_default().replace('|', "\\|");
            let new = if profile.is_provisional(id) {
                " (provisional)"
            } else {
                ""
            };
            let _ = writeln!(text, "| `{id}`{new} | {title} |");
        }
    }
    text.push_str(FEATURES);
    for (feature, sentence) in Feature::described() {
        let requires = |case: &&Case| matches!(&case.kind, CaseKind::Contract { requires, .. } if requires.contains(&feature));
        let number = cases.iter().filter(requires).count();
        let _ = writeln!(text, "| `{feature}` | {sentence} | {number} |");
    }
    text
}

const FEATURES: &str = "
## Features

What an implementation may promise. A case is put to whoever lists all features that it requires (`requires` at its head); for
others it is not supported. The rules of the intent bind by features, too ([intent.md](intent.md)).

| feature | what it promises | cases that require it |
| --- | --- | ---: |
";

const INTRODUCTION: &str = include_str!("profiles.md");

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::report::sample;

    /// A trial of each case of a profile, all passed.
    fn all_of(name: &str) -> Vec<CaseReport> {
        let profile = profiles().iter().find(|one| one.name == name).unwrap();
        let passed = sample::report().cases.swap_remove(1);
        let trial = |id: &str| CaseReport {
            id: id.to_owned(),
            implementation: String::from("docker"),
            backend: None,
            contract: builtin_text(id).unwrap(),
            ..passed.clone()
        };
        profile.ids().map(trial).collect()
    }

    fn only(cases: &[CaseReport], strict: bool) -> ProfileReport {
        let mut all = profile_reports(cases, strict);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn a_profile_is_conformant_if_all_of_it_passed() {
        let report = only(&all_of("errors"), false);
        assert_eq!(report.result, Conclusion::Conformant);
        assert_eq!(
            (report.name.as_str(), report.implementation.as_str()),
            ("errors", "docker")
        );
        assert!(report.missing.is_empty() && report.provisional.is_empty());
    }

    #[test]
    fn a_skip_makes_it_partial_at_any_level() {
        for outcome in [
            Outcome::NotSupported,
            Outcome::Disabled,
            Outcome::ExpectedFailure,
        ] {
            for level in ["must", "should"] {
                let mut cases = all_of("errors");
                cases[0].outcome = outcome;
                cases[0].level = String::from(level);
                let result = only(&cases, false).result;
                let declared = (outcome, level) == (Outcome::ExpectedFailure, "should");
                let expected = if declared {
                    Conclusion::Conformant
                } else {
                    Conclusion::Partial
                };
                assert_eq!(result, expected, "{outcome} {level}");
            }
        }
    }

    #[test]
    fn a_case_that_was_not_run_makes_it_partial_and_is_named() {
        let mut cases = all_of("errors");
        let left_out = cases.remove(0).id;
        let report = only(&cases, false);
        assert_eq!(
            (report.result, report.missing),
            (Conclusion::Partial, vec![left_out])
        );
    }

    /// Whoever reads "conformant" must know of which cases.
    #[test]
    fn a_persons_own_cases_do_not_count() {
        let mut cases = all_of("errors");
        let replaced = cases[0].id.clone();
        cases[0].contract.push_str("# weaker\n");
        let own = CaseReport {
            id: String::from("contract/errors/my-own"),
            outcome: Outcome::Failed,
            ..cases[1].clone()
        };
        cases.push(own.clone());
        let report = only(&cases, false);
        assert_eq!(
            (report.result, report.missing, report.provisional),
            (Conclusion::Partial, vec![replaced], vec![own.id])
        );
    }

    #[test]
    fn one_failure_fails_its_profile_alone() {
        let mut cases = [all_of("errors"), all_of("core")].concat();
        cases[0].outcome = Outcome::Failed;
        let results = profile_reports(&cases, false);
        let results: Vec<_> = results
            .iter()
            .map(|one| (one.name.as_str(), one.result))
            .collect();
        let expected = [
            ("core", Conclusion::Conformant),
            ("errors", Conclusion::Failed),
        ];
        assert_eq!(results, expected);
        cases[0].level = String::from("should");
        assert_eq!(
            profile_reports(&cases, false)[1].result,
            Conclusion::Conformant
        );
        assert_eq!(profile_reports(&cases, true)[1].result, Conclusion::Failed);
    }

    #[test]
    fn a_provisional_case_does_not_count() {
        let mut cases = all_of("errors");
        let mut profile = profiles()
            .iter()
            .find(|one| one.name == "errors")
            .unwrap()
            .clone();
        profile.provisional.push(cases[0].id.clone());
        cases[0].outcome = Outcome::Failed;
        let cases: Vec<&CaseReport> = cases.iter().collect();
        let report = profile_report(&profile, "docker", &cases, true);
        assert_eq!(report.result, Conclusion::Conformant);
        assert_eq!(report.provisional, [cases[0].id.clone()]);
        let report = profile_report(&profile, "docker", &cases[1..], true);
        assert!(report.missing.is_empty() && report.provisional.is_empty());
    }

    #[test]
    fn recipes_have_no_profile() {
        assert!(profile_reports(&sample::report().cases, false).is_empty());
    }
}
