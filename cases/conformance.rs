//! Every recipe on every back end and every contract on every implementation as a trial of its own,
//! under `cargo test` and `cargo nextest run`.
//!
//! Trials are named `AREA/CASE::recipe/BACKEND/FAMILY` and `contract/AREA/CASE::IMPLEMENTATION/FAMILY`, whatever is installed. Listing them
//! needs no privilege and starts no engine. `cargo nextest run` starts a process for each trial: it looks for what its trial
//! needs and for nothing else.

mod thrift;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use goldpath::adapter::{Candidate, Selection};
use goldpath::address::Family;
use goldpath::case::{Case, CaseError, Level, discover_where, render};
use goldpath::lab::FinishedLabs;
use goldpath::lab::sandbox::{self, Entered};
use goldpath::report::{message, words};
use goldpath::run::{
    GoldenUse, Options, Outcome, Rerun, Tables, Trial, TrialResult, Watch, missing_programs,
    run_one,
};
use libtest_mimic::{Arguments, Completion, Failed};

/// As `goldpath` ends when a case file is wrong.
const WRONG_INPUT: u8 = 2;
/// As `goldpath` ends when the machine refuses.
const ERRORED: u8 = 3;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Also a list is made inside: only there may the kernel be asked which tables it has.
    let ended = match sandbox::enter(sandbox::Options::default()) {
        Ok(Entered::Inside(_)) if arguments.list => list(&arguments, true),
        Ok(Entered::Inside(_)) => listed(&arguments, true).map(|listed| run(&arguments, listed)),
        Ok(Entered::Finished(finished)) => Ok(finished.code),
        // Names need no privilege.
        Err(_) if arguments.list => list(&arguments, false),
        Err(error) => Ok(end(ERRORED, &error.to_string())),
    };
    ended.unwrap_or_else(|errors| end(WRONG_INPUT, &render(&errors, false)))
}

fn list(arguments: &Arguments, inside: bool) -> Result<ExitCode, Vec<CaseError>> {
    let listed = listed(arguments, inside)?.into_iter();
    let trials = listed.map(|one| one.trial(|_| Ok(Completion::Completed)));
    let trials = trials.chain(thrift::trials());
    Ok(libtest_mimic::run(arguments, trials.collect()).exit_code())
}

/// `native` is always there; an engine or a back end that this machine lacks is listed as ignored, with the reason.
fn listed(arguments: &Arguments, inside: bool) -> Result<Vec<Listed>, Vec<CaseError>> {
    // Only with `--exact` is the trial known from a name. What libtest-mimic compares has the reason of an ignored trial
    // before it.
    let exact = arguments.filter.as_deref().filter(|_| arguments.exact);
    let is_case = |id: &str| exact.is_none_or(|name| name.contains(&format!("{id}::")));
    let cases = discover_where(&[root()], is_case)?;
    let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
    let may_be = |ending: String| exact.is_none_or(|name| name.ends_with(&ending));
    let of_subject = |subject: &Selection| {
        let mut families = Family::ALL.iter();
        families.any(|family| may_be(format!("::{subject}/{family}")))
    };
    let candidates: Vec<Candidate> = Selection::all()
        .iter()
        .filter(|selection| of_subject(selection))
        .map(Candidate::find)
        .collect();
    let trials = Trial::of(&cases, None, &candidates).into_iter();
    Ok(trials
        .filter(|trial| may_be(trial.to_string()))
        .map(|trial| Listed::of(trial, inside))
        .collect())
}

fn run(arguments: &Arguments, listed: Vec<Listed>) -> ExitCode {
    let finished = match FinishedLabs::open() {
        Ok(finished) => Arc::new(finished),
        Err(error) => {
            return end(
                ERRORED,
                &format!("cannot start the closing threads: {error}"),
            );
        }
    };
    let options = Arc::new(options());
    let trials =
        listed.into_iter().map(|one| {
            let (options, finished) = (Arc::clone(&options), Arc::clone(&finished));
            one.trial(move |trial| {
                let result = run_one(trial, &options, &finished);
                let text = || message(&result.findings, result.evidence.as_deref(), &result.rerun);
                let said = || format!("{}: {}", result.outcome, text());
                match result.outcome {
                    Outcome::Passed | Outcome::ExpectedFailure => Ok(Completion::Completed),
                    Outcome::Failed if is_forgiven(&result) => Ok(Completion::ignored_with(
                        format!("recommendation ({}) not kept; {}", result.level, said()),
                    )),
                    _ => Err(said().into()),
                }
            })
        });
    let trials = trials.chain(thrift::trials());
    libtest_mimic::run(arguments, trials.collect()).exit_code()
}

/// A failing recommendation fails nobody, as in `goldpath run`, unless the environment has `GOLDPATH_STRICT`, which is
/// `--strict` there. It is shown as ignored with the reason: libtest has no word for it.
fn is_forgiven(result: &TrialResult) -> bool {
    result.level != Level::Must && std::env::var_os("GOLDPATH_STRICT").is_none()
}

/// A trial, and why it is not run unless somebody asks for ignored ones.
struct Listed {
    trial: Trial,
    ignored: Option<String>,
}

impl Listed {
    /// Decides now: a trial that is skipped while it runs is shown as passed by `cargo nextest`.
    fn of(mut trial: Trial, inside: bool) -> Self {
        // Whoever asks for ignored trials wants this one to run.
        let disabled = Arc::make_mut(&mut trial.case).disabled.take();
        let disabled = disabled.map(|reason| format!("disabled: {reason}"));
        let unclaimed = || {
            let is_asked = inside || trial.implementation().is_some();
            let reason = is_asked.then(|| trial.not_supported()).flatten()?;
            Some(format!("not supported: {reason}"))
        };
        let missing = || Some(missing_programs([&trial]).first()?.to_string());
        let ignored = disabled.or_else(unclaimed).or_else(missing);
        Self { trial, ignored }
    }

    fn trial(
        self,
        play: impl FnOnce(&Trial) -> Result<Completion, Failed> + Send + 'static,
    ) -> libtest_mimic::Trial {
        let Self { trial, ignored } = self;
        let name = trial.to_string();
        let is_ignored = ignored.is_some();
        // A kind is a part of the line that lists the trial.
        let words = ignored.unwrap_or_default();
        let kind = words.split_whitespace().collect::<Vec<_>>().join(" ");
        libtest_mimic::Trial::ignorable_test(name, move || play(&trial))
            .with_kind(kind)
            .with_ignored_flag(is_ignored)
    }
}

fn options() -> Options {
    let workspace = root().parent().map_or_else(PathBuf::new, Path::to_owned);
    // Where cargo builds, unless the tree was moved since.
    let target = match Path::new(env!("CARGO_TARGET_TMPDIR")).parent() {
        Some(target) if root() == Path::new(env!("CARGO_MANIFEST_DIR")) => target.to_owned(),
        _ => workspace.join("target"),
    };
    Options {
        golden: workspace.join("golden"),
        evidence: Some(target.join("evidence")),
        record: None,
        golden_use: GoldenUse::from_environment(),
        watch: Watch::All,
        tables: Tables::All,
        answers: false,
        rerun: Rerun::CargoTest,
        words,
    }
}

/// The folder of case files: cargo and nextest say where it is now, which is not where it was built
/// if nextest runs an archive.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn end(code: u8, why: &str) -> ExitCode {
    // Nobody to tell is no reason to end in another way.
    let _ = writeln!(std::io::stderr(), "{}", why.trim_end());
    ExitCode::from(code)
}
