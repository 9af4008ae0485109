//! `goldpath explore`: scenarios and sequences of events that nobody wrote.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::asked::Implementations;
use super::exit::Exit;
use super::inputs::{Inputs, wrong_with_folder};
use super::output::output;
use super::run::default_jobs;
use super::sandbox::{broken, inside_and_look};
use crate::explore::{Campaign, Disagreement, Explored, PAIRS_WITHIN, Step, Until};
use crate::files;
use crate::intent::rules;
use crate::report::{
    ExploredPairs, ExploredReport, ExploredRules, FoundReport, explored_html, words,
};
use crate::run::{Options, Rerun};

/// Generate scenarios and events from a seed, ask every question of the intent between them, and shrink each
/// disagreement to a small case.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the scenarios are put to.
    #[command(flatten)]
    pub implementations: Implementations,
    /// Seed. The same seed gives the same scenarios on every machine.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Number of scenarios. The default covers every pair of values of two axes.
    #[arg(long, value_name = "N", default_value_t = PAIRS_WITHIN as u32, conflicts_with = "time",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub scenarios: u32,
    /// Time to explore for, such as 90s or 10m, instead of a number of scenarios.
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub time: Option<Duration>,
    /// Number of trials to run at the same time. The default is the number of processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Stop at the first disagreement and do not shrink it.
    #[arg(long)]
    pub first: bool,
    /// Folder for the shrunk case of each disagreement.
    #[arg(long, value_name = "DIR", default_value = "explored")]
    pub out: PathBuf,
    /// Write what was found as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write what was found, and what was met, as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// A time as `90s`, `10m` or `2h`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write 90s, 10m or 2h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let number = Some(number).filter(|number| *number > 0);
    let number = number.ok_or_else(|| format!("in `{text}` nothing can be asked"))?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

/// Explores, and ends with 1 if some implementation parts from the intent.
pub fn run(args: &Args) -> ExitCode {
    if let Err(exit) = places(args) {
        return exit.into();
    }
    inside_and_look(|| {
        let candidates = match args.implementations.find() {
            Ok(candidates) => candidates,
            Err(reason) => {
                let _ = writeln!(io::stderr(), "{reason}");
                return Exit::WrongInput;
            }
        };
        let options = Options::unsaved(Rerun::Goldpath(vec![String::from("explore")]), words);
        let campaign = Campaign {
            candidates: &candidates,
            options: &options,
            jobs: args.jobs.map_or_else(default_jobs, usize::from),
            first: args.first,
        };
        let until = match args.time {
            Some(time) => Until::Time(Instant::now() + time),
            None => Until::Scenarios(args.scenarios as usize),
        };
        match campaign.explore(args.seed, until, &mut |step| tell(&step)) {
            Ok(explored) => finish(args, &explored),
            Err(error) => broken("explore", &error),
        }
    })
}

/// Says before anything is started what cannot be written.
fn places(args: &Args) -> Result<(), Exit> {
    if let Some(reason) = wrong_with_folder(&args.out) {
        let shown = args.out.display();
        let _ = writeln!(io::stderr(), "cannot write to --out {shown}: {reason}");
        return Err(Exit::WrongInput);
    }
    let inputs = Inputs {
        files: args.implementations.files(),
        ..Inputs::default()
    };
    let asked = [("--json", &args.json), ("--html", &args.html)].into_iter();
    for (option, path) in asked.filter_map(|(option, path)| Some((option, path.as_deref()?))) {
        if let Some(reason) = inputs.spoiled_by(path) {
            let shown = path.display();
            let _ = writeln!(io::stderr(), "cannot write {option} to {shown}: {reason}");
            return Err(Exit::WrongInput);
        }
    }
    Ok(())
}

/// Says on standard error what goes on.
fn tell(step: &Step<'_>) {
    let mut err = io::stderr();
    let _ = match step {
        Step::Tried => Ok(()),
        Step::Shrinking(trial) => writeln!(err, "{trial} parts from the intent; making it smaller"),
        Step::Found(found) => {
            let kinds: Vec<&str> = found.kinds.iter().map(String::as_str).collect();
            writeln!(
                err,
                "{} parts from the intent: {}",
                found.trial.subject,
                kinds.join(", ")
            )
        }
    };
}

fn finish(args: &Args, explored: &Explored) -> Exit {
    let mut out = output();
    let mut written = Ok(());
    for (number, found) in (1..).zip(&explored.disagreements) {
        let name = format!(
            "{}-{number}.toml",
            found.trial.subject.to_string().replace(['/', ':'], "-")
        );
        let path = args.out.join(name);
        let wrote = files::must_not_link(&args.out, &path)
            .and_then(|()| fs::create_dir_all(&args.out))
            .and_then(|()| files::create(&path))
            .and_then(|mut file| file.write_all(found.case_file(args.seed).as_bytes()));
        let _ = writeln!(out, "{}", disagreement(found));
        match wrote {
            Ok(()) => drop(writeln!(out, "    case: {}\n", path.display())),
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot write {}: {error}", path.display());
                written = Err(Exit::Errored);
            }
        }
    }
    for (trial, result) in &explored.errored {
        let _ = writeln!(
            out,
            "errored  {trial}\n{}",
            indented(&words(&result.findings))
        );
    }
    let report = report(args, explored);
    let _ = write!(out, "{}", report.conclusion());
    let as_json = || serde_json::to_string_pretty(&report).unwrap_or_default() + "\n";
    let files: [(&Option<PathBuf>, &dyn Fn() -> String); 2] = [
        (&args.json, &as_json),
        (&args.html, &|| explored_html(&report)),
    ];
    for (path, text) in files {
        if let Some(path) = path
            && let Err(error) =
                files::create_named(path).and_then(|mut file| file.write_all(text().as_bytes()))
        {
            let _ = writeln!(io::stderr(), "cannot write {}: {error}", path.display());
            written = Err(Exit::Errored);
        }
    }
    match (written, explored.interrupted) {
        (Err(exit), _) => exit,
        (Ok(()), Some(signal)) => signal.into(),
        (Ok(()), None) if !explored.errored.is_empty() => Exit::Errored,
        (Ok(()), None) if !explored.disagreements.is_empty() => Exit::Failed,
        (Ok(()), None) => Exit::Success,
    }
}

fn disagreement(found: &Disagreement) -> String {
    let subject = &found.trial.subject;
    let (sample, times) = (found.sample, found.times);
    let text = indented(&words(&found.result.findings));
    let sketch = indented(found.sketch.to_string().trim());
    format!(
        "{subject} parts from the intent (scenario {sample}, seen {times} ×)\n{text}\n    the smallest scenario that shows it:\n{sketch}"
    )
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

fn report(args: &Args, explored: &Explored) -> ExploredReport {
    let found = |one: &Disagreement| FoundReport {
        implementation: one.trial.subject.to_string(),
        scenario: one.sample,
        times: one.times,
        kinds: one.kinds.iter().cloned().collect(),
        findings: one.result.findings.clone(),
        case: one.case_file(args.seed),
    };
    let outcomes = explored.outcomes.iter();
    let met = explored.rules.iter();
    let missing = rules().map(|rule| rule.id.0);
    ExploredReport {
        seed: args.seed,
        scenarios: explored.scenarios,
        interrupted: explored.interrupted.is_some(),
        outcomes: outcomes
            .map(|(outcome, count)| (outcome.to_string(), *count))
            .collect(),
        without: explored.spared.clone(),
        pairs: ExploredPairs {
            all: explored.pairs,
            missing: explored.missing.clone(),
        },
        rules: ExploredRules {
            met: met
                .map(|(rule, count)| ((*rule).to_owned(), *count))
                .collect(),
            missing: missing
                .filter(|rule| !explored.rules.contains_key(rule))
                .map(str::to_owned)
                .collect(),
        },
        disagreements: explored.disagreements.iter().map(found).collect(),
        errored: explored.errored.len(),
    }
}
