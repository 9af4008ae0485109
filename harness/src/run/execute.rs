//! One trial from lab to outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::play::Play;
use super::{Options, Outcome, RunError, Trial, TrialResult};
use crate::adapter::Expected;
use crate::lab::Graveyard;
use crate::program::{SHOWN, shown_within};

/// Bytes of a trial's message. Eight programs may have said all that is shown of one.
const MESSAGE: usize = 8 * SHOWN;

/// Runs one trial on the calling thread and buries its lab. A panic is an error of the harness, not an outcome of the case.
pub(super) fn execute(trial: &Trial, options: &Options, graveyard: &Graveyard) -> TrialResult {
    let start = Instant::now();
    let mut result = if let Some(reason) = &trial.case.disabled {
        TrialResult::without_run(Outcome::Disabled, reason.clone())
    } else if let Some(reason) = trial.not_supported() {
        TrialResult::without_run(Outcome::NotSupported, reason)
    } else {
        catch_unwind(AssertUnwindSafe(|| run(trial, options, graveyard)))
            .unwrap_or_else(|panic| TrialResult::errored(&RunError::Panic(panic_text(&panic))))
    };
    if let Some(entry) = trial.expected_failure() {
        hold_against(&entry, &mut result);
    }
    // Whoever had the last word in it: names of interfaces and rules are anybody's choice, too.
    result.message = shown_within(&result.message, MESSAGE);
    result.duration = start.elapsed();
    result
}

/// A known defect that shows itself is no news; one that doesn't is.
fn hold_against(entry: &Expected, result: &mut TrialResult) {
    match result.outcome {
        // Without a probe it failed for another reason: set-up broke.
        Outcome::Failed if !result.probes.is_empty() => {
            result.outcome = Outcome::ExpectedFailure;
            result.message = format!("{entry}\n{}", result.message);
        }
        Outcome::Passed => {
            result.outcome = Outcome::Failed;
            result.message = format!(
                "it passed, and was expected to fail ({entry}); narrow `versions` of this entry in harness/src/adapter/expected.toml"
            );
        }
        _ => {}
    }
}

fn panic_text(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

fn run(trial: &Trial, options: &Options, graveyard: &Graveyard) -> TrialResult {
    let mut play = match Play::start(trial, options) {
        Ok(play) => play,
        Err(error) => return TrialResult::errored(&error),
    };
    #[cfg(debug_assertions)]
    panic_on_request(trial);
    play.steps(trial, options);
    play.finish(trial, options, graveyard)
}

/// How a test sees what a defect in the middle of a trial leaves behind: only in builds with debug assertions, and only in
/// a lab that is up.
#[cfg(debug_assertions)]
fn panic_on_request(trial: &Trial) {
    let wanted = std::env::var("GOLDPATH_TEST_PANIC");
    assert!(
        wanted.as_deref() != Ok(trial.case.id.as_str()),
        "on request of a test"
    );
}
