//! One trial from lab to outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::installation::{broken, known_broken};
use super::table::TIMES;
use super::trial_run::TrialRun;
use super::{Options, Outcome, RunError, Trial, TrialResult};
use crate::finding::What;
use crate::lab::{FinishedLabs, overflows};

/// Runs one trial on the calling thread and ends its lab. A panic is an error of the harness, not an outcome of the case.
pub(super) fn execute(trial: &Trial, options: &Options, finished: &FinishedLabs) -> TrialResult {
    let start = Instant::now();
    let mut result = if let Some(reason) = &trial.case.disabled {
        let reason = reason.clone();
        TrialResult::without_run(Outcome::Disabled, What::Disabled { reason })
    } else if let Some(reason) = trial.not_supported() {
        TrialResult::without_run(Outcome::NotSupported, What::NotSupported { reason })
    } else if let Some(why) = trial.implementation().and_then(known_broken) {
        TrialResult::without_run(Outcome::Errored, why)
    } else {
        run_undisturbed(trial, options, finished)
    };
    // One that did not run has its case's.
    if result.probes.is_empty() {
        result.level = trial.case.level;
    }
    result.rerun = options.rerun.line(trial);
    result.duration = start.elapsed();
    result
}

/// Runs a trial until it passes or the kernel had room to remember its neighbours in: whoever finds its table full loses packets
/// that nobody has dropped, and cannot send some.
fn run_undisturbed(trial: &Trial, options: &Options, finished: &FinishedLabs) -> TrialResult {
    for _ in 0..TIMES {
        let before = overflows();
        let result = catch_unwind(AssertUnwindSafe(|| run(trial, options, finished)))
            .unwrap_or_else(|panic| TrialResult::errored(&RunError::Panic(panic_text(&panic))));
        if result.outcome == Outcome::Passed || overflows() == before {
            return result;
        }
    }
    TrialResult::errored(&RunError::Crowded { times: TIMES })
}

fn panic_text(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

fn run(trial: &Trial, options: &Options, finished: &FinishedLabs) -> TrialResult {
    let mut running = match TrialRun::start(trial, options, finished) {
        Ok(running) => running,
        Err(error) => {
            let candidate = trial.implementation();
            let candidate = candidate.filter(|_| matches!(error, RunError::Implementation(_)));
            return match candidate.and_then(broken) {
                Some(why) => TrialResult::without_run(Outcome::Errored, why),
                None => TrialResult::errored(&error),
            };
        }
    };
    #[cfg(debug_assertions)]
    panic_on_request(trial);
    running.steps(trial, options);
    running.finish(trial, options, finished)
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
