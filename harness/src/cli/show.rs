//! `goldpath show`: runs one case and draws its paths.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::asked::Implementations;
use super::chosen::{Chosen, must_mean_trials, of_patterns};
use super::exit::Exit;
use super::output::output;
use super::preflight::must_have_programs;
use super::run::parse_backend;
use super::sandbox::inside;
use crate::case::{Backend, Level, usual_cases};
use crate::report::words;
use crate::run::{Options, Outcome, Rerun, Trial, TrialResult, run_quietly};

/// Run one case and draw the path of each probe, without comparing it with its golden.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The case's id, or a part of it that no other id contains; or a trial, such as `CASE::SUBJECT/FAMILY`.
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Directory of case files, or `builtin` for those that the program carries; may be given several times.
    #[arg(long, value_name = "DIR", default_values_os_t = [usual_cases()])]
    pub cases: Vec<PathBuf>,
    /// Firewall back end of a recipe. The default is the first one that it lists.
    #[arg(long, value_name = "BACKEND", value_parser = parse_backend)]
    pub backend: Option<Backend>,
    /// What a contract case is put to.
    #[command(flatten)]
    pub implementations: Implementations,
}

/// Draws the paths on standard output.
pub fn run(args: &Args) -> ExitCode {
    let mut err = io::stderr();
    let patterns = [args.case.clone()];
    let chosen = Chosen {
        patterns: patterns.to_vec(),
        cases: args.cases.clone(),
    };
    let cases = match chosen.read_for_trials(&mut err) {
        Ok(cases) => cases,
        Err(exit) => return exit.into(),
    };
    if let Err(reason) = args.implementations.must_mean_something(&cases) {
        let _ = writeln!(err, "{reason}");
        return Exit::WrongInput.into();
    }
    let asked = args.implementations.or_named_by(&patterns);
    if let Err(reason) = must_mean_trials(&cases, args.backend, &asked, &patterns) {
        let _ = writeln!(err, "{reason}");
        return Exit::WrongInput.into();
    }
    let recipes = Trial::of(&cases, args.backend, &[]);
    if let Err(exit) = must_have_programs(&recipes, &mut err) {
        return exit.into();
    }
    let trials = || {
        let found = asked.find()?;
        of_patterns(Trial::of(&cases, args.backend, &found), &patterns)
    };
    inside(|| match trials() {
        Ok(trials) => show_one(args, &trials),
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{reason}");
            Exit::WrongInput
        }
    })
}

fn show_one(args: &Args, trials: &[Trial]) -> Exit {
    let mut err = io::stderr();
    let Some(trial) = trials.first() else {
        let _ = writeln!(err, "`{}` has no trial on this back end", args.case);
        return Exit::WrongInput;
    };
    let ids: BTreeSet<&str> = trials.iter().map(|trial| trial.case.id.as_str()).collect();
    if ids.len() > 1 {
        let ids: Vec<&str> = ids.into_iter().collect();
        let _ = writeln!(
            err,
            "`{}` means several cases: {}",
            args.case,
            ids.join(", ")
        );
        return Exit::WrongInput;
    }
    show(trial)
}

fn show(trial: &Trial) -> Exit {
    let options = Options::unsaved(Rerun::Goldpath(vec![String::from("show")]), words);
    let results = match run_quietly(std::slice::from_ref(trial), &options, 1) {
        Ok(results) => results,
        Err(stopped) => return stopped.into(),
    };
    let result = results.first();
    let mut out = output();
    if let Some(result) = result {
        let _ = writeln!(
            out,
            "{}\n{trial}\n\n{}",
            trial.case.title,
            drawn(trial, result)
        );
        if result.outcome != Outcome::Passed {
            let _ = writeln!(out, "{}: {}", result.outcome, words(&result.findings));
        }
    }
    match result.map(|result| result.outcome) {
        Some(Outcome::Errored) | None => Exit::Errored,
        Some(Outcome::Failed) if result.is_some_and(|result| result.level == Level::Must) => {
            Exit::Failed
        }
        Some(_) => Exit::Success,
    }
}

/// A contract's path by roles is what is compared; the one with real names is what explains it.
fn drawn(trial: &Trial, result: &TrialResult) -> String {
    if trial.implementation().is_some() {
        format!(
            "by roles\n\n{}\nin detail\n\n{}",
            result.drawing, result.detail
        )
    } else {
        result.drawing.to_string()
    }
}
