//! `goldpath run`: trials, their table, and the reports.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::exit::Exit;
use super::list::chosen;
use super::preflight::{must_have_programs, must_read_goldens};
use super::progress::Progress;
use super::report::closing;
use super::report_files::ReportFiles;
use super::sandbox::{broken, inside_and_look};
use crate::case::Backend;
use crate::report::{CaseReport, ImplementationReport, Report, schema, trial_line, trial_name};
use crate::run::{
    Event, GoldenUse, Options, Partition, Rerun, Trial, TrialResult, Watch, recipe_tools, run_all,
};

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
    /// Runs only one part of the trials, as `hash:1/2`; `goldpath report merge` joins the parts' reports.
    #[arg(long, value_name = "PART")]
    pub partition: Option<Partition>,
    /// Where the report goes.
    #[command(flatten)]
    pub files: ReportFiles,
    /// Folder for the evidence of trials that did not pass.
    #[arg(long, value_name = "DIR", default_value = "evidence")]
    pub evidence: PathBuf,
    /// Trials at work at the same time; the number of processors if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
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
    let ready = must_read_goldens(&args.golden, &trials, &mut err)
        .and_then(|()| must_have_programs(&trials, &mut err));
    if let Err(exit) = ready {
        return exit.into();
    }
    let part: Vec<Trial> = trials
        .iter()
        .filter(|trial| {
            args.partition
                .is_none_or(|part| part.holds(&trial_name(trial)))
        })
        .cloned()
        .collect();
    inside_and_look(|| run_trials(args, &part, &trials))
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

fn run_trials(args: &Args, trials: &[Trial], planned: &[Trial]) -> Exit {
    let options = Options {
        golden: args.golden.clone(),
        evidence: Some(args.evidence.clone()),
        golden_use: GoldenUse::from_environment(),
        watch: Watch::All,
        rerun: rerun(args),
    };
    let jobs = args.jobs.map_or_else(default_jobs, usize::from);
    let mut out = io::stdout();
    let names = trials.iter().map(ToString::to_string).collect();
    let progress = Progress::begin(names);
    let ran = run_all(trials, &options, jobs, |event| match event {
        Event::Started(position) => progress.started(position),
        Event::Finished(position, result) => {
            let line = trial_line(&CaseReport::of(&trials[position], result));
            progress.finished(position, || {
                // A closed pipe must not stop the run: the reports are still to be written.
                let _ = out.write_all(line.as_bytes());
            });
        }
    });
    progress.end();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => return broken("start the trials", &error),
    };
    let finished = trials.iter().zip(&ran.results);
    let cases =
        finished.filter_map(|(trial, result)| Some(CaseReport::of(trial, result.as_ref()?)));
    let report = Report::of(cases.collect(), planned, under_test(), command());
    let _ = write!(out, "\n{}", closing(&report));
    if let Some(signal) = ran.interrupted {
        let left = trials.len() - report.cases.len();
        let _ = writeln!(
            out,
            "interrupted by {signal}: {left} of {} trials not finished",
            trials.len()
        );
    }
    if let Err(exit) = args.files.write(&report) {
        return exit;
    }
    ran.interrupted.map_or_else(|| exit_of(&report), Exit::from)
}

/// Runs all trials without a word about each, or says how the command ends instead.
pub(super) fn run_quietly(
    trials: &[Trial],
    options: &Options,
    jobs: usize,
) -> Result<Vec<TrialResult>, Exit> {
    let ran = run_all(trials, options, jobs, |_| {}).map_err(|e| broken("start the trials", &e))?;
    ran.interrupted.map_or_else(
        || Ok(ran.results.into_iter().flatten().collect()),
        |signal| Err(signal.into()),
    )
}

/// Recipes are goldpath's own; their programs are the machine's.
fn under_test() -> Vec<ImplementationReport> {
    vec![ImplementationReport {
        name: String::from("recipe"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        tools: recipe_tools(),
    }]
}

/// This command line, to be pasted.
fn command() -> String {
    let words = std::env::args().skip(1);
    let quoted = words.map(|word| {
        shlex::try_quote(&word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned)
    });
    std::iter::once(String::from("goldpath"))
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn exit_of(report: &Report) -> Exit {
    match report.summary {
        summary if summary.errored > 0 => Exit::Errored,
        summary if summary.failed > 0 => Exit::Failed,
        _ => Exit::Success,
    }
}

fn rerun(args: &Args) -> Rerun {
    let mut words = vec![String::from("run")];
    let mut folder = |option: &str, given: &Path, usual: &str| {
        if given != Path::new(usual) {
            words.extend([option.to_owned(), given.display().to_string()]);
        }
    };
    for cases in &args.cases {
        folder("--cases", cases, "cases");
    }
    folder("--golden", &args.golden, "golden");
    Rerun::Goldpath(words)
}
