//! `goldpath mutate`: how many wrong configurations the suite notices.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::Exit;
use super::run::{chosen_cases, default_jobs, parse_backend, run_quietly};
use super::sandbox::{broken, inside};
use crate::case::Backend;
use crate::mutate::{Fate, Mutant, Score, Scored, declared, judge, mutants};
use crate::run::{GoldenUse, Options, Outcome, Rerun, Trial, Watch};

/// Changes one thing at a time in recipe cases and counts the changes that they notice.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Case ids, parts of them, or globs with `*`; all cases if absent.
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Directory of case files; may be given several times.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub cases: Vec<PathBuf>,
    /// Directory of golden paths.
    #[arg(long, value_name = "DIR", default_value = "golden")]
    pub golden: PathBuf,
    /// The firewall back end that mutants run on.
    #[arg(long, value_name = "BACKEND", value_parser = parse_backend, default_value = "iptables-nft")]
    pub backend: Backend,
    /// Writes the score and every mutant as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Runs every mutant of the chosen cases. Ends with 1 while an undeclared survivor is left.
pub fn run(args: &Args) -> ExitCode {
    match chosen_cases(&args.cases, &args.patterns, &mut io::stderr()) {
        Ok(cases) => inside(|| mutate(args, &Trial::of(&cases, Some(args.backend), &[]))),
        Err(exit) => exit.into(),
    }
}

fn mutate(args: &Args, originals: &[Trial]) -> Exit {
    let equivalents = match declared() {
        Ok(equivalents) => equivalents,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            return Exit::WrongInput;
        }
    };
    let options = Options {
        golden: args.golden.clone(),
        evidence: None,
        golden_use: GoldenUse::CompareOnly,
        watch: Watch::All,
        rerun: Rerun::Goldpath(vec![String::from("mutate")]),
    };
    // A mutant that fails proves nothing if the original fails, too.
    let before = match run_quietly(originals, &options, default_jobs()) {
        Ok(before) => before,
        Err(exit) => return exit,
    };
    for (trial, result) in originals.iter().zip(&before) {
        if result.outcome != Outcome::Passed {
            let _ = writeln!(
                io::stderr(),
                "{trial} is {} without a change: {}",
                result.outcome,
                result.message
            );
            return Exit::Errored;
        }
    }
    let mutants: Vec<Mutant> = originals
        .iter()
        .flat_map(|trial| mutants(&trial.case))
        .collect();
    let trials: Vec<Trial> = mutants
        .iter()
        .map(|mutant| Trial {
            case: mutant.case.clone(),
            backend: args.backend,
            implementation: None,
        })
        .collect();
    let results = match run_quietly(&trials, &options, default_jobs()) {
        Ok(results) => results,
        Err(exit) => return exit,
    };
    let scored = mutants
        .iter()
        .zip(&results)
        .map(|(mutant, result)| judge(mutant, result, &equivalents));
    let score = Score::of(scored.collect());
    tell(&score);
    if let Some(path) = &args.json
        && let Err(error) = write_json(path, &score)
    {
        return broken("write the score", &error);
    }
    if score.survivors().next().is_some() {
        Exit::Failed
    } else {
        Exit::Success
    }
}

fn tell(score: &Score) {
    let mut out = io::stdout();
    // What was refused was never a network; the JSON file lists it, too.
    let shown = |scored: &&Scored| !matches!(scored.fate, Fate::Caught | Fate::Invalid);
    for scored in score.mutants.iter().filter(shown) {
        let change = &scored.change;
        let word = match scored.fate {
            Fate::Survived => "survived",
            Fate::Misplaced => "misplaced",
            Fate::Equivalent => "equivalent",
            Fate::Invalid => "invalid",
            Fate::Caught => "caught",
        };
        let instead = if change.is.is_empty() {
            "(nothing)"
        } else {
            &change.is
        };
        let _ = writeln!(
            out,
            "{word:10}  {}:{}  {}\n    {}: {}\n    {}",
            change.case, change.line, change.operator, change.node, change.was, instead
        );
        if scored.fate != Fate::Survived
            && let Some(line) = scored.message.lines().next()
        {
            let _ = writeln!(out, "    {line}");
        }
    }
    let _ = writeln!(
        out,
        "\n{} of {} mutants caught, {} equivalent, {} refused as no network at all",
        score.caught, score.all, score.equivalent, score.invalid
    );
}

fn write_json(path: &PathBuf, score: &Score) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer_pretty(&mut file, score)?;
    writeln!(file)?;
    file.flush()
}
