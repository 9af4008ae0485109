//! What is known about an installed engine as a whole, shared by the trials of a process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether an engine can start at all, asked at most once.
#[derive(Debug, Default)]
pub struct Installation {
    answer: OnceLock<Result<(), String>>,
    told: AtomicBool,
}

impl Installation {
    /// The answer, if somebody has asked.
    pub fn known(&self) -> Option<&Result<(), String>> {
        self.answer.get()
    }

    /// The answer, from `starts` if nobody has asked before. Who asks meanwhile waits.
    pub fn ask(&self, starts: impl FnOnce() -> Result<(), String>) -> &Result<(), String> {
        self.answer.get_or_init(starts)
    }

    /// Whether the caller is the first one to tell the reason; true once.
    pub fn is_first_to_tell(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }
}
