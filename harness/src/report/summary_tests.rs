//! The conclusion of a run, held against the sample.

use goldpath_report::{Conclusion, Outcome, Summary};

use super::sample;

#[test]
fn a_must_that_is_not_supported_makes_the_run_partial() {
    let mut cases = vec![sample::report().cases.swap_remove(1)];
    assert_eq!(Conclusion::of(&cases, 1, false), Conclusion::Conformant);
    cases[0].outcome = Outcome::NotSupported;
    assert_eq!(Conclusion::of(&cases, 1, false), Conclusion::Partial);
    cases[0].level = String::from("may");
    assert_eq!(Conclusion::of(&cases, 1, false), Conclusion::Conformant);
}

#[test]
fn a_recommendation_that_is_not_kept_fails_a_strict_run_alone() {
    let mut cases = vec![sample::report().cases.swap_remove(1)];
    cases[0].outcome = Outcome::Failed;
    assert_eq!(Conclusion::of(&cases, 1, false), Conclusion::Failed);
    for level in ["should", "may"] {
        cases[0].level = String::from(level);
        let summary = Summary::of(&cases);
        assert_eq!((summary.failed, summary.recommendations_not_kept), (0, 1));
        assert_eq!(summary.total(), 1);
        assert_eq!(Conclusion::of(&cases, 1, false), Conclusion::Conformant);
        assert_eq!(Conclusion::of(&cases, 1, true), Conclusion::Failed);
    }
}

#[test]
fn what_was_planned_and_not_run_makes_the_run_partial() {
    let cases = vec![sample::report().cases.swap_remove(1)];
    assert_eq!(Conclusion::of(&cases, 2, false), Conclusion::Partial);
    assert_eq!(Conclusion::of(&[], 0, false), Conclusion::Partial);
}
