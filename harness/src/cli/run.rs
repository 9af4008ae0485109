//! `goldpath run`: trials, their table, and the reports.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use super::asked::Implementations;
use super::chosen::{Chosen, must_mean_trials, of_patterns};
use super::declared::must_name_cases;
use super::exit::Exit;
use super::inputs::{Inputs, wrong_with_folder};
use super::output::output;
use super::preflight::{must_have_programs, must_read_goldens};
use super::progress::Progress;
use super::report::closing;
use super::report_files::ReportFiles;
use super::sandbox::{broken, inside_and_look};
use crate::adapter::Candidate;
use crate::case::{BUILTIN, Backend, Case, CaseKind, usual_cases};
use crate::golden::{self, Comparison, GoldenError};
use crate::report::{self, ImplementationReport, case_report, trial_line, words};
use crate::run::{
    Event, GoldenUse, Options, Partition, Rerun, Tables, Tool, Trial, TrialResult, Watch,
    recipe_tools, run_all,
};

/// The folder of evidence if nobody names another one.
const EVIDENCE: &str = "evidence";

/// Run cases and compare their packet paths with the goldens.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which cases.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Directory of golden paths.
    #[arg(long, value_name = "DIR", default_value = "golden")]
    pub golden: PathBuf,
    /// Run recipes with this firewall back end only.
    #[arg(long, value_name = "BACKEND", value_parser = parse_backend)]
    pub backend: Option<Backend>,
    /// What contract cases are put to.
    #[command(flatten)]
    pub implementations: Implementations,
    /// Also compare detailed paths (real interface names and rules) with those kept below `detail/` of the goldens, and
    /// write missing ones there. Differences are reported but do not fail the run.
    #[arg(long)]
    pub detail: bool,
    /// Exit 1 also if only cases of level `should` or `may` fail. Without it they are reported and counted.
    #[arg(long)]
    pub strict: bool,
    /// Run one part of the trials, such as `hash:1/2`. `goldpath report merge` joins the reports of the parts.
    #[arg(long, value_name = "PART")]
    pub partition: Option<Partition>,
    /// Folder for the evidence of trials that did not pass.
    #[arg(long, value_name = "DIR", default_value = EVIDENCE)]
    pub evidence: PathBuf,
    /// Folder for the recording of every trial, also of one that passes. `goldpath replay` judges it again.
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Number of trials to run at the same time. The default is the number of processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Do not ask the intent's table. Otherwise, where a contract says so or after its last step, every question that can be asked of
    /// its network is asked, and each answer compared with the intent (`goldpath intent CASE` lists them).
    #[arg(long)]
    pub no_tables: bool,
    /// Compare implementations question by question: where they keep the intent, where they part from it, and what each does
    /// where no promise binds.
    #[arg(long, conflicts_with = "no_tables")]
    pub answers: bool,
    /// Print below each trial how long each of its phases took.
    #[arg(long)]
    pub timings: bool,
    /// Where the report goes.
    #[command(flatten)]
    pub files: ReportFiles,
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
    let inputs = Inputs {
        cases: &args.chosen.cases,
        golden: Some(&args.golden),
        files: args.implementations.files(),
    };
    let read = args.files.check(&inputs, &mut err);
    let cases = match read.and_then(|()| args.chosen.read_for_trials(&mut err)) {
        Ok(cases) => cases,
        Err(exit) => return exit.into(),
    };
    let meant = args.implementations.must_mean_something(&cases);
    if let Err(reason) =
        meant.and_then(|()| must_name_cases(&args.implementations.expected, &args.chosen.cases))
    {
        let _ = writeln!(err, "{reason}");
        return Exit::WrongInput.into();
    }
    let patterns = &args.chosen.patterns;
    let asked = args.implementations.or_named_by(patterns);
    if let Err(reason) = must_mean_trials(&cases, args.backend, &asked, patterns) {
        let _ = writeln!(err, "{reason}");
        return Exit::WrongInput.into();
    }
    let recipes = Trial::of(&cases, args.backend, &[]);
    let ready = must_have_folders(args, &mut err)
        .and_then(|()| must_read_goldens(&args.golden, &cases, &mut err))
        .and_then(|()| must_have_programs(&recipes, &mut err));
    if let Err(exit) = ready {
        return exit.into();
    }
    let planned = || {
        let found = needed(&cases, &asked)?;
        let planned = of_patterns(Trial::of(&cases, args.backend, &found), patterns)?;
        Ok((planned, found))
    };
    inside_and_look(|| match planned() {
        Ok((planned, found)) => run_part(args, &planned, &found),
        Err::<_, String>(reason) => {
            let _ = writeln!(io::stderr(), "{reason}");
            Exit::WrongInput
        }
    })
}

/// Evidence and recordings can be written where somebody asks for that. Without evidence, which only a failure has, a run is a run.
fn must_have_folders(args: &Args, err: &mut impl Write) -> Result<(), Exit> {
    let evidence =
        (args.evidence != Path::new(EVIDENCE)).then_some(("--evidence", &*args.evidence));
    let record = args.record.as_deref().map(|folder| ("--record", folder));
    for (option, folder) in evidence.into_iter().chain(record) {
        if let Some(reason) = wrong_with_folder(folder) {
            let _ = writeln!(
                err,
                "cannot write {option} to {}: {reason}",
                folder.display()
            );
            return Err(Exit::WrongInput);
        }
    }
    Ok(())
}

/// Runs the trials of the chosen partition, all of them if there is none.
fn run_part(args: &Args, planned: &[Trial], found: &[Candidate]) -> Exit {
    let part: Vec<Trial> = planned
        .iter()
        .filter(|trial| {
            args.partition
                .is_none_or(|part| part.holds(&trial.to_string()))
        })
        .cloned()
        .collect();
    run_trials(args, &part, planned, found)
}

/// What contract cases are put to. Without such a case nobody is asked who it is, unless by name.
fn needed(cases: &[Arc<Case>], asked: &Implementations) -> Result<Vec<Candidate>, String> {
    let is_recipe = |case: &Arc<Case>| matches!(case.kind, CaseKind::Recipe { .. });
    if asked.are_absent() && cases.iter().all(is_recipe) {
        return Ok(Vec::new());
    }
    asked.find()
}

/// How many trials run at the same time if nobody says.
pub(super) fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn run_trials(args: &Args, trials: &[Trial], planned: &[Trial], found: &[Candidate]) -> Exit {
    let options = Options {
        golden: args.golden.clone(),
        evidence: Some(args.evidence.clone()),
        record: args.record.clone(),
        golden_use: GoldenUse::from_environment(),
        watch: Watch::All,
        tables: if args.no_tables {
            Tables::None
        } else {
            Tables::All
        },
        answers: args.answers,
        rerun: rerun(args),
        words,
    };
    let jobs = args.jobs.map_or_else(default_jobs, usize::from);
    let mut out = output();
    let names = trials.iter().map(ToString::to_string).collect();
    let progress = Progress::begin(names);
    // Processes that the report waits for and no trial does.
    let tools = thread::spawn(recipe_tools);
    let adapters: Vec<_> = found
        .iter()
        .filter_map(|one| one.adapter.clone().ok())
        .collect();
    let versions =
        thread::spawn(move || adapters.iter().for_each(|one| one.implementation().ask()));
    let ran = run_all(trials, &options, jobs, |event| match event {
        Event::Started(position) => progress.started(position),
        Event::Finished(position, result) => {
            let report = case_report(&trials[position], result);
            // An engine that cannot start is told once; the closing lines count the others.
            let line = if report.is_not_run() {
                String::new()
            } else {
                trial_line(&report)
            };
            progress.finished(position, || {
                // A closed pipe must not stop the run: the reports are still to be written.
                let _ = out.write_all(line.as_bytes());
                if args.timings {
                    let _ = writeln!(out, "       {}", result.timings);
                }
            });
        }
    });
    progress.end();
    let _ = versions.join();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => return broken("start the trials", &error),
    };
    let finished = trials.iter().zip(&ran.results);
    let cases = finished.filter_map(|(trial, result)| Some(case_report(trial, result.as_ref()?)));
    let report = report::report(
        cases.collect(),
        planned,
        under_test(trials, found, || tools.join().unwrap_or_default()),
        command(),
        args.strict,
    );
    let _ = write!(out, "\n{}", closing(&report));
    let _ = writeln!(out, "{}", data_used(&args.chosen.cases, &args.golden));
    if args.detail {
        let finished = trials.iter().zip(&ran.results);
        for (trial, result) in finished.filter_map(|(t, r)| Some((t, r.as_ref()?))) {
            match detail(&args.golden, trial, result) {
                Ok(None) => {}
                Ok(Some(news)) => drop(writeln!(out, "{news}")),
                Err(error) => drop(writeln!(io::stderr(), "{error}")),
            }
        }
    }
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
    if args.partition.is_none() && report.summary.asked_nothing() {
        let _ = writeln!(
            io::stderr(),
            "nothing was asked: no chosen case can be put to what was chosen for it"
        );
        return Exit::WrongInput;
    }
    ran.interrupted
        .map_or_else(|| Exit::of(report.result), Exit::from)
}

/// What took part: recipes are goldpath's own with the machine's programs, the others say who they are.
fn under_test(
    trials: &[Trial],
    found: &[Candidate],
    tools: impl FnOnce() -> Vec<Tool>,
) -> Vec<ImplementationReport> {
    let mut all = Vec::new();
    if trials.iter().any(|trial| trial.implementation().is_none()) {
        all.push(ImplementationReport {
            name: String::from("recipe"),
            calls_itself: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            adjusted: Vec::new(),
            tools: tools(),
        });
    }
    let asked = found
        .iter()
        .filter_map(|one| Some((one, one.adapter.as_ref().ok()?)));
    all.extend(asked.map(|(candidate, adapter)| {
        let implementation = adapter.implementation();
        ImplementationReport {
            name: candidate.name.clone(),
            calls_itself: candidate.calls_itself().map(str::to_owned),
            version: implementation.version().to_owned(),
            adjusted: implementation.adjusted.clone(),
            tools: implementation
                .running()
                .map(|(name, part)| Tool {
                    name: name.to_owned(),
                    version: part.version().to_owned(),
                    path: part.path.as_ref().map(|path| path.display().to_string()),
                })
                .collect(),
        }
    }));
    all
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

/// What is new about an implementation's path in detail.
fn detail(
    golden: &Path,
    trial: &Trial,
    result: &TrialResult,
) -> Result<Option<String>, GoldenError> {
    let Some(candidate) = trial.implementation().filter(|_| !result.probes.is_empty()) else {
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
            let heading = difference.heading.unwrap_or_default();
            let place = format!("line {}, {heading}", difference.line);
            Some(format!(
                "detail of {trial} differs at {place}: {}",
                path.display()
            ))
        }
    })
}

/// Where cases and goldens came from.
fn data_used(cases: &[PathBuf], golden: &Path) -> String {
    let cases: Vec<String> = cases.iter().map(|one| one.display().to_string()).collect();
    let version = env!("CARGO_PKG_VERSION");
    match (&cases[..], golden.is_dir()) {
        ([one], false) if one == BUILTIN => format!(
            "cases and goldens: built into goldpath {version}; `goldpath cases export DIR` writes them out"
        ),
        // What a run has seen is written there, too.
        ([one], true) if one == BUILTIN => format!(
            "cases: built into goldpath {version}; goldens: {}, and the built-in ones of other cases",
            golden.display()
        ),
        _ => format!("cases: {}; goldens: {}", cases.join(", "), golden.display()),
    }
}

fn rerun(args: &Args) -> Rerun {
    let mut words = vec![String::from("run")];
    let mut folder = |option: &str, given: &Path, usual: &Path| {
        if given != usual {
            words.extend([option.to_owned(), given.display().to_string()]);
        }
    };
    for cases in &args.chosen.cases {
        folder("--cases", cases, &usual_cases());
    }
    folder("--golden", &args.golden, Path::new("golden"));
    Rerun::Goldpath(words)
}
