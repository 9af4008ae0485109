//! What can be known to be wrong before anything is started: programs and goldens.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::exit::Exit;
use crate::case::Case;
use crate::golden;
use crate::run::{Trial, missing_programs};

/// Whether every program of the trials is installed; says which are not.
pub(super) fn must_have_programs(trials: &[Trial], err: &mut impl Write) -> Result<(), Exit> {
    let enabled = trials.iter().filter(|trial| trial.case.disabled.is_none());
    let missing = missing_programs(enabled);
    for error in &missing {
        // The exit code tells, also where nobody listens.
        let _ = writeln!(err, "{error}");
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Exit::WrongInput)
    }
}

/// Whether every golden of the cases can be read; says what is wrong with the others.
pub(super) fn must_read_goldens(
    folder: &Path,
    cases: &[Arc<Case>],
    err: &mut impl Write,
) -> Result<(), Exit> {
    let mut read = Ok(());
    for case in cases {
        if let Err(error) = golden::read_of(folder, case) {
            let _ = writeln!(err, "{error}");
            read = Err(Exit::WrongInput);
        }
    }
    read
}
