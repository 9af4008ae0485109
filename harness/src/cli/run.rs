//! `goldpath run`: trials, their table, and the reports.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::exit::Exit;
use super::list::chosen;
use super::sandbox::{broken, inside};
use crate::case::Backend;
use crate::lab::Graveyard;
use crate::report::{CaseReport, Report, claims_table, schema, summary_line, trial_line};
use crate::run::{GoldenUse, Options, Trial, Watch, run_all};

/// Runs cases and compares their packet paths with the golden ones.
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
    /// Runs only this firewall back end.
    #[arg(long, value_name = "BACKEND", value_parser = parse_backend)]
    pub backend: Option<Backend>,
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Folder for the evidence of trials that did not pass.
    #[arg(long, value_name = "DIR", default_value = "evidence")]
    pub evidence: PathBuf,
    /// Trials at work at the same time; the number of processors if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Says below each trial where its time went.
    #[arg(long)]
    pub timings: bool,
    /// Prints the JSON schema of the report and runs nothing.
    #[arg(long)]
    pub schema: bool,
}

pub(super) fn parse_backend(text: &str) -> Result<Backend, String> {
    let names: Vec<&str> = Backend::ALL
        .iter()
        .map(|backend| backend.as_str())
        .collect();
    let found = Backend::ALL.iter().find(|backend| backend.as_str() == text);
    found
        .copied()
        .ok_or_else(|| format!("there are {}", names.join(" and ")))
}

/// Runs the chosen cases inside the sandbox and reports on standard output.
pub fn run(args: &Args) -> ExitCode {
    let mut err = io::stderr();
    if args.schema {
        let printed = io::stdout().write_all(schema().as_bytes());
        return if printed.is_ok() {
            Exit::Success
        } else {
            Exit::Errored
        }
        .into();
    }
    let trials = match chosen_trials(&args.cases, &args.patterns, args.backend, &mut err) {
        Ok(trials) => trials,
        Err(exit) => return exit.into(),
    };
    inside(|| run_trials(args, &trials))
}

/// The trials of the chosen cases, or why there are none.
pub(super) fn chosen_trials(
    directories: &[PathBuf],
    patterns: &[String],
    backend: Option<Backend>,
    err: &mut impl Write,
) -> Result<Vec<Trial>, Exit> {
    let cases = chosen(directories, patterns, err).map_err(|_| Exit::Errored)?;
    let cases: Vec<Arc<_>> = cases
        .ok_or(Exit::WrongInput)?
        .into_iter()
        .map(Arc::new)
        .collect();
    Ok(Trial::of(&cases, backend))
}

/// How many trials run at the same time if nobody says.
pub(super) fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn run_trials(args: &Args, trials: &[Trial]) -> Exit {
    let options = Options {
        golden: args.golden.clone(),
        evidence: Some(args.evidence.clone()),
        golden_use: golden_use(),
        watch: Watch::All,
        rerun: rerun(args),
    };
    let jobs = args.jobs.map_or_else(default_jobs, usize::from);
    let mut out = io::stdout();
    let graveyard = match Graveyard::open() {
        Ok(graveyard) => graveyard,
        Err(error) => return broken("start the closing threads", &error),
    };
    let results = run_all(trials, &options, jobs, &graveyard, |position, result| {
        let line = trial_line(&CaseReport::of(&trials[position], result));
        // A closed pipe must not stop the run: the reports are still to be written.
        let _ = out.write_all(line.as_bytes());
        if args.timings {
            let _ = writeln!(out, "       {}", result.timings);
        }
    });
    let cases = trials
        .iter()
        .zip(&results)
        .map(|(trial, result)| CaseReport::of(trial, result));
    let report = Report::of(cases.collect());
    let _ = writeln!(out, "\n{}{}", claims_table(&report), summary_line(&report));
    if let Some(path) = &args.json
        && let Err(error) = write_json(path, &report)
    {
        let _ = writeln!(
            io::stderr(),
            "cannot write the report to {}: {error}",
            path.display()
        );
        return Exit::Errored;
    }
    exit_of(&report)
}

fn write_json(path: &Path, report: &Report) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer_pretty(&mut file, report)?;
    writeln!(file)?;
    file.flush()
}

pub(super) fn exit_of(report: &Report) -> Exit {
    match report.summary {
        summary if summary.errored > 0 => Exit::Errored,
        summary if summary.failed > 0 => Exit::Failed,
        _ => Exit::Success,
    }
}

/// CI never writes goldens, as insta has it.
pub(super) fn golden_use() -> GoldenUse {
    match std::env::var("CI") {
        Ok(value) if !value.is_empty() && value != "false" && value != "0" => {
            GoldenUse::CompareOnly
        }
        _ => GoldenUse::Compare,
    }
}

fn rerun(args: &Args) -> String {
    let mut words = vec![String::from("goldpath run")];
    let default = |given: &Path, usual: &str| given == Path::new(usual);
    for cases in &args.cases {
        if !default(cases, "cases") {
            words.push(format!("--cases {}", cases.display()));
        }
    }
    if !default(&args.golden, "golden") {
        words.push(format!("--golden {}", args.golden.display()));
    }
    words.join(" ")
}
