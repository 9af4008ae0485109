//! `goldpath run`: trials, their table, and the reports.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::exit::Exit;
use super::list::chosen;
use super::sandbox::{broken, inside};
use crate::adapter::native::{Fault, Faults};
use crate::adapter::{Candidate, Selection, plugin};
use crate::case::{Backend, Case};
use crate::golden::{self, Comparison, GoldenError};
use crate::lab::Graveyard;
use crate::report::{CaseReport, Report, claims_table, schema, summary_line, trial_line};
use crate::run::{GoldenUse, Options, Trial, TrialResult, Watch, run_all};

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
    /// Puts contract cases to this implementation, `native` if absent; may be given several times. One that is not
    /// installed is an error; with `all`, it is listed as not supported.
    #[arg(short, long, value_name = "NAME")]
    pub implementation: Vec<Selection>,
    /// Plants a fault in the native implementation, to see it found; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub fault: Vec<Fault>,
    /// Also compares each implementation's path in detail with the one that it took before, kept below `detail/` of the
    /// goldens, and writes new ones there. What differs is told, and fails nobody.
    #[arg(long)]
    pub detail: bool,
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Folder for the evidence of trials that did not pass.
    #[arg(long, value_name = "DIR", default_value = "evidence")]
    pub evidence: PathBuf,
    /// Trials at work at the same time; the number of processors if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Prints the JSON schema of the plugin protocol and runs nothing.
    #[arg(long)]
    pub plugin_schema: bool,
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
    if args.schema || args.plugin_schema {
        let text = if args.schema {
            schema()
        } else {
            plugin::plugin_schema()
        };
        let printed = io::stdout().write_all(text.as_bytes());
        return if printed.is_ok() {
            Exit::Success
        } else {
            Exit::Errored
        }
        .into();
    }
    let cases = match chosen_cases(&args.cases, &args.patterns, &mut err) {
        Ok(cases) => cases,
        Err(exit) => return exit.into(),
    };
    inside(
        || match implementations(&args.implementation, &args.fault) {
            Ok(found) => run_trials(args, &Trial::of(&cases, args.backend, &found)),
            Err(reason) => {
                let _ = writeln!(io::stderr(), "{reason}");
                Exit::WrongInput
            }
        },
    )
}

/// What the command line asks for, `native` if nothing. What is asked for by name must be there. Called inside the
/// sandbox, since a plugin is asked who it is.
pub(super) fn implementations(
    asked: &[Selection],
    faults: &[Fault],
) -> Result<Vec<Candidate>, String> {
    let faults: Faults = faults.iter().copied().collect();
    let asked = match asked {
        [] => &[Selection::Native(Faults::default())],
        some => some,
    };
    let mut found = Vec::new();
    for selection in asked {
        if *selection == Selection::All {
            found.extend(Candidate::every());
            continue;
        }
        let candidate = Candidate::find(&selection.clone().with_faults(&faults));
        if let Err(reason) = &candidate.adapter {
            return Err(format!("implementation {selection}: {reason}"));
        }
        found.push(candidate);
    }
    Ok(found)
}

/// The chosen cases, or why there are none.
pub(super) fn chosen_cases(
    directories: &[PathBuf],
    patterns: &[String],
    err: &mut impl Write,
) -> Result<Vec<Arc<Case>>, Exit> {
    let cases = chosen(directories, patterns, err).map_err(|_| Exit::Errored)?;
    Ok(cases
        .ok_or(Exit::WrongInput)?
        .into_iter()
        .map(Arc::new)
        .collect())
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
    });
    let cases = trials
        .iter()
        .zip(&results)
        .map(|(trial, result)| CaseReport::of(trial, result));
    let report = Report::of(cases.collect());
    let _ = writeln!(out, "\n{}{}", claims_table(&report), summary_line(&report));
    if args.detail {
        for (trial, result) in trials.iter().zip(&results) {
            match detail(&args.golden, trial, result) {
                Ok(None) => {}
                Ok(Some(news)) => drop(writeln!(out, "{news}")),
                Err(error) => drop(writeln!(io::stderr(), "{error}")),
            }
        }
    }
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

/// What is new about an implementation's path in detail.
fn detail(
    golden: &Path,
    trial: &Trial,
    result: &TrialResult,
) -> Result<Option<String>, GoldenError> {
    let Some(candidate) = trial
        .implementation
        .as_ref()
        .filter(|_| !result.probes.is_empty())
    else {
        return Ok(None);
    };
    let folder = golden.join("detail").join(candidate.name.replace('/', "_"));
    let id = trial.case.id.as_str();
    let known = golden::read(&folder, id)?;
    Ok(match golden::compare(known.as_ref(), &result.detail) {
        Comparison::Same => None,
        Comparison::New => {
            let path = golden::accept(&folder, id, &result.detail)?;
            Some(format!("detail of {trial} is new: {}", path.display()))
        }
        Comparison::Different(difference) => {
            let path = golden::write_pending(&folder, id, &result.detail)?;
            let place = format!("line {}, {}", difference.line, difference.probe);
            Some(format!(
                "detail of {trial} differs at {place}: {}",
                path.display()
            ))
        }
    })
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
