//! `goldpath mutate`: how many wrong configurations, and how many faults of an implementation, the suite notices.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::asked::Implementations;
use super::chosen::Chosen;
use super::exit::Exit;
use super::generated;
use super::inputs::Inputs;
use super::live;
use super::output::output;
use super::run::parse_backend;
use super::sandbox::{broken, inside};
use crate::adapter::Asked;
use crate::adapter::native::Fault;
use crate::case::{Backend, Case, CaseKind};
use crate::files;
use crate::mutate::{
    Baseline, Fate, FaultScore, FaultsAsked, GeneratedScore, LiveScore, Measure, MutateError,
    Score, Scored, Scores,
};
use crate::report::words;
use crate::run::{GoldenUse, Options, Rerun, Tables, Watch};

/// Trials at work if nobody says: most of a mutant's time is spent on waiting for what does not come.
const JOBS: u16 = 8;

/// Scenarios in which rules are taken away, if nobody says otherwise.
const SCENARIOS: u16 = 12;

/// Break recipes and the native implementation, one change at a time, and count what the cases notice.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which cases.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Directory of golden paths.
    #[arg(long, value_name = "DIR", default_value = "golden")]
    pub golden: PathBuf,
    /// Firewall back end that changed recipes run with.
    #[arg(long, value_name = "BACKEND", value_parser = parse_backend, default_value = "iptables-nft")]
    pub backend: Backend,
    /// Write the score and every change as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Plant only this fault, and change no recipe unless you name some. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub fault: Vec<Fault>,
    /// Run each fault only against the cases that are declared to catch it.
    #[arg(long)]
    pub declared_only: bool,
    /// Run each fault against at most N of its declared cases, spread evenly: a quick check.
    #[arg(long, value_name = "N", requires = "declared_only", value_parser = clap::value_parser!(u16).range(1..))]
    pub at_most: Option<u16>,
    /// Compare with earlier scores (JSON), and exit 1 only if a score dropped.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Plant so many faults that nobody chose, each alone, and nothing else: in scenarios that cover every pair of values, in
    /// the chosen stories, and in a longer exploration, until one notices.
    #[arg(long, value_name = "N", group = "drawn", value_parser = clap::value_parser!(u16).range(1..), conflicts_with_all = ["fault", "baseline", "declared_only"])]
    pub generated: Option<u16>,
    /// Take each rule that an implementation has installed away, one at a time, and put it back: after set-up and after each
    /// event of the first scenarios of the seed, or of the chosen cases. Says which rules packets matched, and which absences
    /// were noticed.
    #[arg(long, group = "drawn", conflicts_with_all = ["fault", "baseline", "declared_only", "generated"])]
    pub live: bool,
    /// With --live, take the rules of this implementation away; may be given several times. The default is `native`.
    #[arg(short, long, value_name = "NAME", requires = "live")]
    pub implementation: Vec<Asked>,
    /// With --live and no patterns, the number of scenarios.
    #[arg(long, value_name = "N", default_value_t = SCENARIOS, requires = "live", value_parser = clap::value_parser!(u16).range(1..))]
    pub scenarios: u16,
    /// Seed that draws the generated faults and the scenarios.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "drawn")]
    pub seed: u64,
    /// Number of trials to run at the same time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), default_value_t = JOBS)]
    pub jobs: u16,
}

/// Runs every mutant and every fault that the chosen cases can notice. Ends with 1 while an undeclared survivor is left.
pub fn run(args: &Args) -> ExitCode {
    let cases = match args.chosen.read(&mut io::stderr()) {
        Ok(cases) => cases,
        Err(exit) => return exit.into(),
    };
    let asked = Implementations {
        implementation: args.implementation.clone(),
        fault: args.fault.clone(),
        ..Implementations::default()
    };
    if let Err(reason) = asked.must_mean_something(&cases) {
        let _ = writeln!(io::stderr(), "{reason}");
        return Exit::WrongInput.into();
    }
    let inputs = Inputs {
        cases: &args.chosen.cases,
        golden: Some(&args.golden),
        files: asked.files(),
    }
    .with(args.baseline.as_deref());
    if let Some(path) = &args.json
        && let Some(reason) = inputs.spoiled_by(path)
    {
        let shown = path.display();
        let _ = writeln!(io::stderr(), "cannot write --json to {shown}: {reason}");
        return Exit::WrongInput.into();
    }
    let baseline = match args.baseline.as_deref().map(read_baseline).transpose() {
        Ok(baseline) => baseline,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{reason}");
            return Exit::WrongInput.into();
        }
    };
    let measure = Measure {
        options: options(args),
        jobs: args.jobs.into(),
    };
    inside(|| {
        let ended = match args.generated {
            Some(count) => measure
                .generated(count.into(), args.seed, &cases, generated::tell)
                .map(|score| finish_generated(args, score)),
            None if args.live => take_rules_away(args, &asked, &measure, &cases),
            None => both(args, &measure, &cases).map(|scores| finish(args, baseline, &scores)),
        };
        ended.unwrap_or_else(stopped)
    })
}

/// Takes rules of implementations away.
fn take_rules_away(
    args: &Args,
    asked: &Implementations,
    measure: &Measure,
    cases: &[Arc<Case>],
) -> Result<Exit, MutateError> {
    let candidates = match asked.find() {
        Ok(candidates) => candidates,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{reason}");
            return Ok(Exit::WrongInput);
        }
    };
    let is_contract = |case: &&Arc<Case>| matches!(case.kind, CaseKind::Contract { .. });
    let chosen = cases.iter().filter(|_| !args.chosen.patterns.is_empty());
    let stories: Vec<Arc<Case>> = chosen.filter(is_contract).cloned().collect();
    if stories.is_empty() && !args.chosen.patterns.is_empty() {
        let what = "--live takes away the rules of implementations, and no contract case is chosen";
        let _ = writeln!(io::stderr(), "{what}; next: goldpath list contract");
        return Ok(Exit::WrongInput);
    }
    let score = measure.live(&candidates, args.scenarios.into(), args.seed, &stories)?;
    Ok(finish_live(args, score))
}

/// Says why there is no score.
fn stopped(error: MutateError) -> Exit {
    match error {
        MutateError::Stopped(stopped) => stopped.into(),
        MutateError::Original { ref findings, .. } => {
            let _ = writeln!(io::stderr(), "{error}: {}", words(findings));
            Exit::Errored
        }
        MutateError::Equivalent(_) => {
            let _ = writeln!(io::stderr(), "{error}");
            Exit::WrongInput
        }
        MutateError::Native(_) | MutateError::Draw(_) => {
            let _ = writeln!(io::stderr(), "{error}");
            Exit::Errored
        }
    }
}

fn read_baseline(path: &Path) -> Result<Baseline, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{shown} is no baseline: {error}"))
}

fn both(args: &Args, measure: &Measure, cases: &[Arc<Case>]) -> Result<Scores, MutateError> {
    let (recipes, contract): (Vec<_>, Vec<_>) = cases
        .iter()
        .cloned()
        .partition(|case| matches!(case.kind, CaseKind::Recipe { .. }));
    let recipes_asked = args.fault.is_empty() || !args.chosen.patterns.is_empty();
    let recipes = Some(recipes).filter(|recipes| recipes_asked && !recipes.is_empty());
    let contract = Some(contract).filter(|contract| !contract.is_empty());
    let recipes = recipes.map(|recipes| measure.recipes(&recipes, args.backend));
    let faults = contract.map(|contract| measure.faults(&faults_asked(args, &contract)));
    Ok(Scores {
        recipes: recipes.transpose()?,
        faults: faults.transpose()?,
        ..Scores::default()
    })
}

/// With patterns, a fault that none of the chosen cases declares is left out, unless it is asked for by its name.
fn faults_asked<'a>(args: &Args, cases: &'a [Arc<Case>]) -> FaultsAsked<'a> {
    let is_whole = args.chosen.patterns.is_empty();
    let is_chosen = |id: &String| cases.iter().any(|case| case.id.as_str() == id);
    let is_asked = |fault: &&Fault| is_whole || fault.cases().iter().any(is_chosen);
    FaultsAsked {
        faults: if args.fault.is_empty() {
            Fault::ALL.iter().filter(is_asked).copied().collect()
        } else {
            args.fault.clone()
        },
        declared_only: args.declared_only,
        at_most: args.at_most,
        is_whole,
        cases,
    }
}

fn finish(args: &Args, baseline: Option<Baseline>, scores: &Scores) -> Exit {
    scores.recipes.as_ref().inspect(|score| tell(score));
    scores.faults.as_ref().inspect(|score| tell_faults(score));
    let _ = write!(output(), "\n{}", crate::report::score_table(scores));
    if let Some(path) = &args.json
        && let Err(error) = write_json(path, scores)
    {
        return broken("write the score", &error);
    }
    if let Some(before) = baseline {
        let worse = before.worse(&scores.baseline());
        for line in &worse {
            let _ = writeln!(output(), "the score went down: {line}");
        }
        return if worse.is_empty() {
            Exit::Success
        } else {
            Exit::Failed
        };
    }
    let survivor = scores
        .recipes
        .as_ref()
        .is_some_and(|score| score.survivors().next().is_some());
    let faults = scores.faults.as_ref();
    if survivor || faults.is_some_and(|score| score.caught < score.all) {
        Exit::Failed
    } else {
        Exit::Success
    }
}

fn finish_generated(args: &Args, score: GeneratedScore) -> Exit {
    let (text, is_kept) = (generated::text(&score), score.is_kept());
    let scores = Scores {
        generated: Some(score),
        ..Scores::default()
    };
    finish_one(args, &text, &scores, is_kept)
}

fn finish_live(args: &Args, score: LiveScore) -> Exit {
    let (text, is_kept) = (live::text(&score), score.is_kept());
    let scores = Scores {
        live: Some(score),
        ..Scores::default()
    };
    finish_one(args, &text, &scores, is_kept)
}

/// Prints a score that is alone, and writes it if that is asked for.
fn finish_one(args: &Args, text: &str, scores: &Scores, is_kept: bool) -> Exit {
    let _ = write!(output(), "{text}");
    if let Some(path) = &args.json
        && let Err(error) = write_json(path, scores)
    {
        return broken("write the score", &error);
    }
    if is_kept { Exit::Success } else { Exit::Failed }
}

fn options(args: &Args) -> Options {
    Options {
        golden: args.golden.clone(),
        evidence: None,
        record: None,
        golden_use: GoldenUse::CompareOnly,
        watch: Watch::All,
        tables: Tables::None,
        answers: false,
        rerun: Rerun::Goldpath(vec![String::from("mutate")]),
        words,
    }
}

fn tell_faults(score: &FaultScore) {
    let mut out = output();
    for scored in score.faults.iter().filter(|scored| !scored.caught()) {
        let fault = &scored.fault;
        let word = if scored.survived() {
            "survived"
        } else {
            "undeclared"
        };
        let _ = writeln!(out, "{word:10}  {}  {}", fault.name, fault.what);
        for case in &scored.missing {
            let _ = writeln!(
                out,
                "    {case} must notice it, as catches.toml says, and does not"
            );
        }
        for case in &scored.extra {
            let _ = writeln!(
                out,
                "    {case} notices it, and catches.toml does not list the case for it"
            );
        }
        for broken in &scored.errored {
            let why = words(&broken.findings);
            let why = why.lines().next().unwrap_or_default();
            let _ = writeln!(out, "    {} broke: {why}", broken.case);
        }
    }
}

fn tell(score: &Score) {
    let mut out = output();
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
        let said = match &scored.reason {
            Some(reason) => reason.clone(),
            None => words(&scored.findings),
        };
        if scored.fate != Fate::Survived
            && let Some(line) = said.lines().next()
        {
            let _ = writeln!(out, "    {line}");
        }
    }
}

fn write_json(path: &Path, scores: &Scores) -> io::Result<()> {
    let mut file = BufWriter::new(files::create_named(path)?);
    serde_json::to_writer_pretty(&mut file, scores)?;
    writeln!(file)?;
    file.flush()
}
