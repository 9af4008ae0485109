//! Verbs that touch the kernel do it in the sandbox, and nowhere else.

use std::io::{self, Write};
use std::process::ExitCode;

use super::exit::Exit;
use super::output::output;
use crate::lab::sandbox::{self, Entered, Finished, Look};

/// Runs `verb` inside the sandbox. Outside, in the process that the user started, this waits for the
/// one inside and ends as that one ended.
pub(super) fn inside(verb: impl FnOnce() -> Exit) -> ExitCode {
    enter(sandbox::Options::default(), verb)
}

/// The same, and says at the end what the run left behind, from looking.
pub(super) fn inside_and_look(verb: impl FnOnce() -> Exit) -> ExitCode {
    let options = sandbox::Options {
        look: Look::Around,
        ..sandbox::Options::default()
    };
    enter(options, verb)
}

fn enter(options: sandbox::Options, verb: impl FnOnce() -> Exit) -> ExitCode {
    match sandbox::enter(options) {
        Ok(Entered::Inside(_sandbox)) => verb().into(),
        Ok(Entered::Finished(finished)) => end(finished),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            Exit::Errored.into()
        }
    }
}

fn end(finished: Finished) -> ExitCode {
    let Some(residue) = finished.residue else {
        return finished.code;
    };
    // The reports are written: a closed pipe changes nothing.
    let _ = writeln!(output(), "{residue}");
    if residue.is_certain() {
        Exit::Errored.into()
    } else {
        finished.code
    }
}

/// Says what the machine refused and ends as errored.
pub(super) fn broken(operation: &str, error: &io::Error) -> Exit {
    let _ = writeln!(io::stderr(), "cannot {operation}: {error}");
    Exit::Errored
}
