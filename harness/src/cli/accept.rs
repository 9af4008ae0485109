//! `goldpath accept`: runs cases and makes what was seen their golden.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::asked::Implementations;
use super::chosen::Chosen;
use super::exit::Exit;
use super::output::output;
use super::preflight::must_have_programs;
use super::run::default_jobs;
use super::sandbox::inside;
use crate::golden::{self, Comparison};
use crate::report::{difference_words, words};
use crate::run::{Options, Outcome, Rerun, Trial, TrialResult, run_quietly};

/// Run cases on all their back ends and write the paths as goldens. Read the difference before you commit it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which cases.
    #[command(flatten)]
    pub chosen: Chosen,
    /// What contract cases are put to.
    #[command(flatten)]
    pub implementations: Implementations,
    /// Directory of golden paths.
    #[arg(long, value_name = "DIR", default_value = "golden")]
    pub golden: PathBuf,
}

/// Accepts what passes its own expectations and is the same on every back end.
pub fn run(args: &Args) -> ExitCode {
    let mut err = io::stderr();
    let cases = match args.chosen.read(&mut err) {
        Ok(cases) => cases,
        Err(exit) => return exit.into(),
    };
    if let Err(exit) = must_have_programs(&Trial::of(&cases, None, &[]), &mut err) {
        return exit.into();
    }
    inside(|| match args.implementations.find() {
        Ok(found) => accept(args, &Trial::of(&cases, None, &found)),
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{reason}");
            Exit::WrongInput
        }
    })
}

fn accept(args: &Args, trials: &[Trial]) -> Exit {
    let options = Options {
        golden: args.golden.clone(),
        ..Options::unsaved(Rerun::Goldpath(vec![String::from("run")]), words)
    };
    let results = match run_quietly(trials, &options, default_jobs()) {
        Ok(results) => results,
        Err(stopped) => return stopped.into(),
    };
    let mut exit = Exit::Success;
    let pairs: Vec<(&Trial, &TrialResult)> = trials.iter().zip(&results).collect();
    for of_case in pairs.chunk_by(|a, b| a.0.case.id == b.0.case.id) {
        let ended = accept_case(args, of_case).unwrap_or_else(|why| {
            let _ = writeln!(
                io::stderr(),
                "{}: not accepted: {why}",
                of_case[0].0.case.id
            );
            Exit::Failed
        });
        exit = exit.max(ended);
    }
    exit
}

fn accept_case(args: &Args, of_case: &[(&Trial, &TrialResult)]) -> Result<Exit, String> {
    // Where a kernel has no tables of iptables-legacy, the others must agree.
    let ran = |pair: &&(&Trial, &TrialResult)| pair.1.outcome != Outcome::NotSupported;
    let of_case: Vec<_> = of_case.iter().filter(ran).chain(&of_case[..1]).collect();
    let (first, seen) = of_case[0];
    let id = first.case.id.as_str();
    for (trial, result) in &of_case[..(of_case.len() - 1).max(1)] {
        if result.outcome != Outcome::Passed {
            return Err(format!(
                "on {} it {}: {}",
                trial.subject,
                result.outcome,
                words(&result.findings)
            ));
        }
        if let Some(parting) = golden::difference(&seen.drawing, &result.drawing) {
            return Err(format!(
                "{} and {} differ: {}",
                first.subject,
                trial.subject,
                difference_words(&parting)
            ));
        }
    }
    let same = matches!(
        golden::read_of(&args.golden, &first.case)
            .map(|old| golden::compare(old.as_ref(), &seen.drawing)),
        Ok(Comparison::Same)
    );
    let path =
        golden::accept(&args.golden, id, &seen.drawing).map_err(|error| error.to_string())?;
    let word = if same { "unchanged" } else { "accepted" };
    let _ = writeln!(output(), "{word}  {}", path.display());
    Ok(Exit::Success)
}
