//! Verbs that touch the kernel do it in the sandbox, and nowhere else.

use std::io::{self, Write};
use std::process::ExitCode;

use super::exit::Exit;
use crate::lab::sandbox::{self, Entered};

/// Runs `verb` inside the sandbox. Outside, in the process that the user started, this waits for the
/// one inside and ends as that one ended.
pub(super) fn inside(verb: impl FnOnce() -> Exit) -> ExitCode {
    match sandbox::enter(sandbox::Options::default()) {
        Ok(Entered::Inside(_sandbox)) => verb().into(),
        Ok(Entered::Finished(code)) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            Exit::Errored.into()
        }
    }
}

/// Says what the machine refused and ends as errored.
pub(super) fn broken(operation: &str, error: &io::Error) -> Exit {
    let _ = writeln!(io::stderr(), "cannot {operation}: {error}");
    Exit::Errored
}
