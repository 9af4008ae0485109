//! Which cases a verb works on, in the same words for every verb.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::exit::Exit;
use crate::case::{Case, discover, render, select};

/// Cases, by folder and id.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// Case ids, parts of them, or globs with `*`; all cases if absent.
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Directory of case files; may be given several times.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub cases: Vec<PathBuf>,
}

impl Chosen {
    /// The cases that the patterns mean, or why there are none.
    pub(super) fn read(&self, err: &mut impl Write) -> Result<Vec<Arc<Case>>, Exit> {
        chosen_cases(&self.cases, &self.patterns, err)
    }
}

/// The chosen cases, or how a verb ends that has none.
pub(super) fn chosen_cases(
    directories: &[PathBuf],
    patterns: &[String],
    err: &mut impl Write,
) -> Result<Vec<Arc<Case>>, Exit> {
    let cases = chosen(directories, patterns, err).map_err(|_| Exit::Errored)?;
    let cases = cases.ok_or(Exit::WrongInput)?;
    Ok(cases.into_iter().map(Arc::new).collect())
}

/// The cases that the patterns mean; if the input is wrong, says why and returns none.
pub(super) fn chosen(
    directories: &[PathBuf],
    patterns: &[String],
    err: &mut impl Write,
) -> io::Result<Option<Vec<Case>>> {
    let cases = match discover(directories) {
        Ok(cases) => cases,
        Err(errors) => {
            let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            write!(err, "{}", render(&errors, colour))?;
            return Ok(None);
        }
    };
    match select(cases, patterns) {
        Ok(cases) => Ok(Some(cases)),
        Err(nothing) => {
            writeln!(err, "{nothing}\nall ids: goldpath list")?;
            Ok(None)
        }
    }
}
