//! Trials on several worker threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Options, RunError, Trial, TrialResult, execute};
use crate::lab::{Graveyard, privatise_thread_mounts};

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
                let ready = privatise_thread_mounts().map_err(RunError::from);
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(position) else {
                        break;
                    };
                    let result = match &ready {
                        Ok(()) => execute(trial, options, graveyard),
                        Err(error) => TrialResult::errored(error),
                    };
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
