//! What a person at a terminal sees while trials run: how many are done, what runs now, and what is slow.
//!
//! On standard error, and only if that is a terminal: a pipe gets the results and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// How often the line is drawn anew, so that seconds of slow trials go on.
const REFRESH: Duration = Duration::from_millis(100);
/// A trial takes a tenth of this: what runs for longer is named with its time.
const SLOW: Duration = Duration::from_secs(1);
/// As many names as fit on a line of 100 columns beside the bar.
const NAMED: usize = 2;

/// The progress line.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    names: Vec<String>,
    running: Arc<Running>,
}

/// Trials at work and since when, by their position.
#[derive(Debug, Default)]
struct Running(Mutex<BTreeMap<usize, (Instant, String)>>);

impl Progress {
    /// Draws the line for trials of these names, if there is a terminal.
    pub(super) fn begin(names: Vec<String>) -> Self {
        let running = Arc::new(Running::default());
        let shown = Arc::clone(&running);
        let style = ProgressStyle::with_template("{bar:20} {pos}/{len}  {elapsed}  {now}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("now", move |_: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = out.write_str(&shown.words(Instant::now()));
            });
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::new(names.len() as u64).with_style(style);
        if !bar.is_hidden() {
            bar.enable_steady_tick(REFRESH);
        }
        Self {
            bar,
            names,
            running,
        }
    }

    pub(super) fn started(&self, position: usize) {
        let name = self.names.get(position).cloned().unwrap_or_default();
        self.running.lock().insert(position, (Instant::now(), name));
    }

    /// Moves on, and lets `print` write its lines above.
    pub(super) fn finished(&self, position: usize, print: impl FnOnce()) {
        self.running.lock().remove(&position);
        self.bar.suspend(print);
        self.bar.inc(1);
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, (Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `a (slow: 3 s), b and 2 more`, the oldest first.
    fn words(&self, now: Instant) -> String {
        let running = self.lock();
        let mut oldest: Vec<&(Instant, String)> = running.values().collect();
        oldest.sort();
        let named = oldest.iter().take(NAMED).map(|(since, name)| {
            let age = now.saturating_duration_since(*since);
            if age < SLOW {
                name.clone()
            } else {
                format!("{name} (slow: {} s)", age.as_secs())
            }
        });
        let mut text = named.collect::<Vec<_>>().join(", ");
        if oldest.len() > NAMED {
            text.push_str(&format!(" and {} more", oldest.len() - NAMED));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_named_and_the_slow_ones_have_their_time() {
        let running = Running::default();
        let start = Instant::now();
        for (position, name) in ["late", "b", "slow"].into_iter().enumerate() {
            let since = start + Duration::from_secs(2 - position as u64);
            running.lock().insert(position, (since, name.into()));
        }
        let words = running.words(start + Duration::from_millis(1_900));
        assert_eq!(words, "slow (slow: 1 s), b and 1 more");
    }
}
