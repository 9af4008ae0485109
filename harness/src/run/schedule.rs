//! Trials on worker threads, goldpath's own or a test runner's.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::execute::execute;
use super::{Options, RunError, Trial, TrialResult};
use crate::lab::{Graveyard, LabError, privatise_thread_mounts};

thread_local! {
    /// Whether this thread has its own mounts, which it needs once and keeps.
    static MOUNTS: OnceCell<Result<(), LabError>> = const { OnceCell::new() };
}

/// Runs one trial on the calling thread, whose mounts become its own, and leaves it in the network
/// namespace that it came from. The process is inside the [sandbox](crate::lab::sandbox).
pub fn run_one(trial: &Trial, options: &Options, graveyard: &Graveyard) -> TrialResult {
    on_own_mounts(|| execute(trial, options, graveyard))
        .unwrap_or_else(|error| TrialResult::errored(&error))
}

/// Runs `work` on the calling thread, with mounts of its own from the first time on.
pub(super) fn on_own_mounts<T>(work: impl FnOnce() -> T) -> Result<T, RunError> {
    MOUNTS.with(|mounts| match mounts.get_or_init(privatise_thread_mounts) {
        Ok(()) => Ok(work()),
        Err(error) => Err(RunError::Mounts(error.to_string())),
    })
}

/// Runs all trials, `jobs` at a time, and hands each result over as it comes, with its trial's position.
pub fn run_all(
    trials: &[Trial],
    options: &Options,
    jobs: usize,
    graveyard: &Graveyard,
    mut done: impl FnMut(usize, &TrialResult),
) -> Vec<TrialResult> {
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    let mut all: Vec<Option<TrialResult>> = trials.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, trials.len().max(1)) {
            let sender = sender.clone();
            let next = &next;
            scope.spawn(move || {
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(position) else {
                        break;
                    };
                    let result = run_one(trial, options, graveyard);
                    // The receiver lives as long as this scope.
                    let _ = sender.send((position, result));
                }
            });
        }
        drop(sender);
        for (position, result) in results {
            done(position, &result);
            all[position] = Some(result);
        }
    });
    all.into_iter().flatten().collect()
}
