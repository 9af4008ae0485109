//! `goldpath show`: runs one case and draws its paths.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::Exit;
use super::preflight::must_have_programs;
use super::run::{chosen_trials, parse_backend, run_quietly};
use super::sandbox::inside;
use crate::case::Backend;
use crate::run::{GoldenUse, Options, Outcome, Rerun, Trial, Watch};

/// Runs one case and draws the path of each probe, without looking at its golden.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The case's id, or a part of it that no other case has.
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Directory of case files; may be given several times.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub cases: Vec<PathBuf>,
    /// Firewall back end; the case's first one if absent.
    #[arg(long, value_name = "BACKEND", value_parser = parse_backend)]
    pub backend: Option<Backend>,
}

/// Draws the paths on standard output.
pub fn run(args: &Args) -> ExitCode {
    let mut err = io::stderr();
    let patterns = [args.case.clone()];
    let trials = match chosen_trials(&args.cases, &patterns, args.backend, &mut err) {
        Ok(trials) => trials,
        Err(exit) => return exit.into(),
    };
    let Some(trial) = trials.first() else {
        let _ = writeln!(err, "`{}` has no trial on this back end", args.case);
        return Exit::WrongInput.into();
    };
    let others: Vec<&str> = trials
        .iter()
        .map(|t| t.case.id.as_str())
        .filter(|id| *id != trial.case.id.as_str())
        .collect();
    if !others.is_empty() {
        let _ = writeln!(
            err,
            "`{}` means several cases: {}, {}",
            args.case,
            trial.case.id,
            others.join(", ")
        );
        return Exit::WrongInput.into();
    }
    match must_have_programs(std::slice::from_ref(trial), &mut err) {
        Ok(()) => inside(|| show(trial)),
        Err(exit) => exit.into(),
    }
}

fn show(trial: &Trial) -> Exit {
    let options = Options {
        golden: PathBuf::new(),
        evidence: None,
        golden_use: GoldenUse::Ignore,
        watch: Watch::All,
        rerun: Rerun::Goldpath(vec![String::from("show")]),
    };
    let results = match run_quietly(std::slice::from_ref(trial), &options, 1) {
        Ok(results) => results,
        Err(exit) => return exit,
    };
    let result = results.first();
    let mut out = io::stdout();
    if let Some(result) = result {
        let _ = writeln!(out, "{}\n{trial}\n\n{}", trial.case.title, result.text);
        if result.outcome != Outcome::Passed {
            let _ = writeln!(out, "{}: {}", result.outcome, result.message);
        }
    }
    match result.map(|result| result.outcome) {
        Some(Outcome::Errored) | None => Exit::Errored,
        Some(Outcome::Failed) => Exit::Failed,
        Some(_) => Exit::Success,
    }
}
