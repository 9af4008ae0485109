//! Trials on worker threads, goldpath's own or a test runner's, until they are done or the person has had enough.

use std::cell::{Cell, OnceCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::execute::execute;
use super::{Options, RunError, Trial, TrialResult};
use crate::lab::{FinishedLabs, LabError, privatise_thread_mounts, renew_thread_proc};

thread_local! {
    /// Whether this thread has its own mounts, which it needs once and keeps.
    static MOUNTS: OnceCell<Result<(), LabError>> = const { OnceCell::new() };
    /// Trials that ran on this thread, and whether its procfs was renewed.
    static TRIALS: Cell<(u32, bool)> = const { Cell::new((0, false)) };
}

/// Labs that share a procfs: enough to make a mount cheap, few enough for short chains.
const LABS_PER_PROC: u32 = 16;

/// Runs one trial on the calling thread, whose mounts become its own, and leaves it in the network
/// namespace that it came from. The process is inside the [sandbox](crate::lab::sandbox).
pub fn run_one(trial: &Trial, options: &Options, finished: &FinishedLabs) -> TrialResult {
    let work = || {
        let (before, mut renewed) = TRIALS.get();
        if before > 0 && before.is_multiple_of(LABS_PER_PROC) {
            renewed = renew_thread_proc(renewed);
        }
        TRIALS.set((before.wrapping_add(1), renewed));
        execute(trial, options, finished)
    };
    on_own_mounts(work).unwrap_or_else(|error| TrialResult::errored(&error))
}

/// Runs `work` on the calling thread, with mounts of its own from the first time on.
pub(super) fn on_own_mounts<T>(work: impl FnOnce() -> T) -> Result<T, RunError> {
    MOUNTS.with(|mounts| match mounts.get_or_init(privatise_thread_mounts) {
        Ok(()) => Ok(work()),
        Err(error) => Err(RunError::Mounts(error.to_string())),
    })
}

/// What happens during a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The trial at this position was begun.
    Started(usize),
    /// The trial at this position is over.
    Finished(usize, &'a TrialResult),
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// The result of each trial, in the trials' order; none where it was not reached or not finished.
    pub results: Vec<Option<TrialResult>>,
    /// The signal that ended the run early. Trials are then still at work: the process is to end soon.
    pub interrupted: Option<Signal>,
}

enum Message {
    Started(usize),
    Finished(usize, Box<TrialResult>),
    Stop(Signal),
}

/// What every worker shares. Workers are not scoped: an interrupted run does not wait for them.
struct Shared {
    trials: Vec<Trial>,
    options: Options,
    next: AtomicUsize,
    finished: FinishedLabs,
}

/// Runs all trials, `jobs` at a time, and tells of each as it begins and ends. A signal that asks the process to end makes
/// it return with what is finished by then.
///
/// # Errors
/// Signals cannot be caught, or a thread cannot be started.
pub fn run_all(
    trials: &[Trial],
    options: &Options,
    jobs: usize,
    mut tell: impl FnMut(Event<'_>),
) -> io::Result<Run> {
    let mut run = Run {
        results: trials.iter().map(|_| None).collect(),
        interrupted: None,
    };
    let (sender, messages) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
    let listening = signals.handle();
    let stop = sender.clone();
    let listener = thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for number in signals.forever() {
                // Nobody listens when the run is over.
                let _ = Signal::try_from(number).map(|signal| stop.send(Message::Stop(signal)));
            }
        })?;
    let shared = Arc::new(Shared {
        trials: trials.to_vec(),
        options: options.clone(),
        next: AtomicUsize::new(0),
        finished: FinishedLabs::open()?,
    });
    let workers = (0..jobs.clamp(1, trials.len().max(1))).map(|number| {
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        thread::Builder::new()
            .name(format!("worker {number}"))
            .spawn(move || shared.work(&sender))
    });
    let workers: Vec<_> = workers.collect::<io::Result<_>>()?;
    let mut left = trials.len();
    while left > 0 {
        // This end's own sender keeps the channel open.
        match messages.recv() {
            Ok(Message::Started(position)) => tell(Event::Started(position)),
            Ok(Message::Finished(position, result)) => {
                left -= 1;
                tell(Event::Finished(position, &result));
                run.results[position] = Some(*result);
            }
            Ok(Message::Stop(signal)) => {
                shared.next.store(shared.trials.len(), Ordering::Relaxed);
                run.interrupted = Some(signal);
                return Ok(run);
            }
            Err(mpsc::RecvError) => break,
        }
    }
    for worker in workers {
        // A trial's panic is caught where it happens.
        let _ = worker.join();
    }
    listening.close();
    let _ = listener.join();
    // The last of them: this waits until the captures are closed.
    drop(shared);
    Ok(run)
}

/// Runs all trials, `jobs` at a time, without a word about each.
///
/// # Errors
/// As [`run_all`], and a signal that ends the run before its last trial.
pub fn run_quietly(
    trials: &[Trial],
    options: &Options,
    jobs: usize,
) -> Result<Vec<TrialResult>, StoppedRun> {
    let run = run_all(trials, options, jobs, |_| {}).map_err(StoppedRun::Start)?;
    match run.interrupted {
        None => Ok(run.results.into_iter().flatten().collect()),
        Some(signal) => Err(StoppedRun::Interrupted(signal)),
    }
}

/// Why not all trials of a run were run.
#[derive(Debug, thiserror::Error)]
pub enum StoppedRun {
    /// Signals cannot be caught, or a thread cannot be started.
    #[error("cannot start the trials: {0}")]
    Start(#[source] io::Error),
    /// Somebody asked the process to end.
    #[error("stopped by {0}")]
    Interrupted(Signal),
}

impl Shared {
    fn work(&self, sender: &Sender<Message>) {
        loop {
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(trial) = self.trials.get(position) else {
                return;
            };
            // An interrupted run doesn't listen any more.
            let _ = sender.send(Message::Started(position));
            let result = run_one(trial, &self.options, &self.finished);
            let _ = sender.send(Message::Finished(position, Box::new(result)));
        }
    }
}
