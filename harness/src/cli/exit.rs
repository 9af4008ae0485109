//! How the command ends.

use std::io::{self, Write as _};
use std::process::ExitCode;

use nix::sys::signal::Signal;

use crate::report::Conclusion;
use crate::run::StoppedRun;

/// The exit codes, which are documented and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing failed.
    Success = 0,
    /// A case of level `must` failed; in a strict run, a case of any level.
    Failed = 1,
    /// A file, a directory or an argument is wrong; nothing was started.
    WrongInput = 2,
    /// The harness or the machine broke.
    Errored = 3,
    /// The terminal went away (128 + SIGHUP).
    HungUp = 129,
    /// Stopped by Ctrl-C (128 + SIGINT).
    Interrupted = 130,
    /// Stopped by Ctrl-\ (128 + SIGQUIT).
    Quit = 131,
    /// Stopped by `kill` (128 + SIGTERM).
    Terminated = 143,
}

impl Exit {
    /// How a run that came to this ends.
    pub fn of(result: Conclusion) -> Self {
        match result {
            Conclusion::Errored => Self::Errored,
            Conclusion::Failed => Self::Failed,
            Conclusion::Conformant | Conclusion::Partial => Self::Success,
        }
    }
}

impl From<Signal> for Exit {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::SIGHUP => Self::HungUp,
            Signal::SIGQUIT => Self::Quit,
            Signal::SIGTERM => Self::Terminated,
            _ => Self::Interrupted,
        }
    }
}

impl From<StoppedRun> for Exit {
    /// Says what the machine refused. Who has sent a signal knows that they did.
    fn from(stopped: StoppedRun) -> Self {
        match stopped {
            StoppedRun::Interrupted(signal) => signal.into(),
            StoppedRun::Start(_) => {
                let _ = writeln!(io::stderr(), "{stopped}");
                Self::Errored
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
