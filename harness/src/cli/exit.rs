//! How the command ends.

use std::process::ExitCode;

/// The exit codes, which are documented and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing failed.
    Success = 0,
    /// A case failed.
    Failed = 1,
    /// A file, a directory or an argument is wrong; nothing was started.
    WrongInput = 2,
    /// The harness or the machine broke.
    Errored = 3,
    /// Stopped by Ctrl-C (128 + SIGINT).
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
