//! Which cases a verb works on, in the same words for every verb.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::asked::Implementations;
use super::exit::Exit;
use crate::adapter::Candidate;
use crate::case::{
    BUILTIN, Backend, Case, builtin_ids, discover, matches, means, render, select, usual_cases,
};
use crate::program::quoted;
use crate::run::{Trial, TrialId, case_part, is_meant_by};

/// How many trials a failed selection shows.
const NEAR: usize = 4;

/// Cases, by folder and id.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// Case ids, parts of them, globs with `*`, or `profile:NAME` (`goldpath profiles`). The default is all cases. `run`, `show` and `list --trials` also take
    /// trials: `CASE::SUBJECT/FAMILY`, each half by a part or a glob.
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Directory of case files. May be given several times. `builtin` means the cases that the program carries, which is the
    /// default where there is no directory `cases`; a file replaces the one of the same id in it.
    #[arg(long, value_name = "DIR", default_values_os_t = [usual_cases()])]
    pub cases: Vec<PathBuf>,
}

impl Chosen {
    /// The cases that the patterns mean, or why there are none.
    pub(super) fn read(&self, err: &mut impl Write) -> Result<Vec<Arc<Case>>, Exit> {
        chosen_cases(&self.cases, &self.patterns, err)
    }

    /// The cases of the trials that the patterns mean, or why there are none.
    pub(super) fn read_for_trials(&self, err: &mut impl Write) -> Result<Vec<Arc<Case>>, Exit> {
        let whole = |pattern: &String| case_part(pattern).to_owned();
        let patterns: Vec<String> = self.patterns.iter().map(whole).collect();
        // What stands before `::` may be empty: any case.
        let patterns = match patterns.iter().any(String::is_empty) {
            true => Vec::new(),
            false => patterns,
        };
        chosen_cases(&self.cases, &patterns, err)
    }
}

/// Whether the patterns mean trials of these cases, told from names alone, before anything is looked for.
pub(super) fn must_mean_trials(
    cases: &[Arc<Case>],
    only: Option<Backend>,
    asked: &Implementations,
    patterns: &[String],
) -> Result<(), String> {
    let named = asked.selections()?;
    let named: Vec<Candidate> = named.iter().map(|(one, _)| Candidate::named(one)).collect();
    of_patterns(Trial::of(cases, only, &named), patterns).map(drop)
}

/// Which trials of the chosen cases the patterns of a command line mean: all, unless a pattern has a `::`.
pub(super) fn of_patterns(trials: Vec<Trial>, patterns: &[String]) -> Result<Vec<Trial>, String> {
    let (of_trials, of_cases): (Vec<&String>, Vec<&String>) = patterns
        .iter()
        .partition(|pattern| case_part(pattern) != pattern.as_str());
    if of_trials.is_empty() {
        return Ok(trials);
    }
    let of_cases: Vec<String> = of_cases.into_iter().cloned().collect();
    let ids: Vec<TrialId> = trials.iter().map(Trial::id).collect();
    let means = |id: &TrialId, pattern: &str| {
        let is_whole = ids.iter().any(|one| one.to_string() == pattern);
        if is_whole {
            id.to_string() == pattern
        } else {
            is_meant_by(id, pattern)
        }
    };
    if let Some(nothing) = of_trials
        .iter()
        .find(|pattern| !ids.iter().any(|id| means(id, pattern)))
    {
        let ids: Vec<String> = ids.iter().take(NEAR).map(ToString::to_string).collect();
        return Err(format!(
            "no trial matches `{nothing}`; there are {}\nall trials: goldpath list --trials",
            ids.join(", ")
        ));
    }
    let is_chosen = |trial: &Trial, id: &TrialId| {
        of_trials.iter().any(|pattern| means(id, pattern))
            || (!of_cases.is_empty() && matches(&trial.case.id, &of_cases))
    };
    let chosen = trials.iter().zip(&ids);
    let chosen = chosen.filter(|(trial, id)| is_chosen(trial, id));
    Ok(chosen.map(|(trial, _)| trial.clone()).collect())
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
            let carried = directories.iter().any(|one| one == Path::new(BUILTIN));
            if !carried && builtin_ids().any(|id| means(id, &nothing.pattern)) {
                let folders = directories.iter().map(|one| one.display().to_string());
                let folders: Vec<String> = folders
                    .flat_map(|one| [String::from("--cases"), one])
                    .collect();
                writeln!(
                    err,
                    "next: --cases {BUILTIN} {}, since the cases that the program carries are not among these",
                    quoted(&folders)
                )?;
            }
            Ok(None)
        }
    }
}
