//! Puts scenarios to implementations, and makes those smaller in which one parts from the intent.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nix::sys::signal::Signal;

use super::cover::{Sample, Stream};
use super::shrink::smaller;
use super::sketch::Sketch;
use crate::adapter::{AskedCell, Candidate, Circumstance};
use crate::case::{Case, CaseError, Feature, NetworkEvent, parse};
use crate::finding::What;
use crate::intent::{Moment, refusals, table};
use crate::run::{Event, Options, Outcome, Run, Tables, Trial, TrialResult, run_all};

/// Scenarios that are put to all implementations before the next look at the clock.
const BATCH: usize = 16;
/// Smaller scenarios that are tried for one disagreement: each takes a lab, and a hundred find the smallest.
const TRIES: usize = 300;
/// The first line of a case file below `cases/explored`.
const SCHEMA: &str = "../case.schema.json";

/// Scenarios for implementations.
#[derive(Debug)]
pub struct Campaign<'a> {
    /// Who is asked.
    pub candidates: &'a [Candidate],
    /// How trials run, but for the tables that they ask. Goldens are to be left alone: nobody has drawn one.
    pub options: &'a Options,
    /// Trials at work at the same time.
    pub jobs: usize,
    /// Whether the first disagreement is the last, and stays as large as it is.
    pub first: bool,
}

/// When a campaign is over.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After so many scenarios.
    Scenarios(usize),
    /// At this time.
    Time(Instant),
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub struct Explored {
    /// Scenarios that were put to the implementations.
    pub scenarios: usize,
    /// How many trials ended so, of all implementations.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Scenarios that were made plainer, or not put to an implementation, by the reason.
    pub spared: BTreeMap<String, usize>,
    /// Where implementations part from the intent, each kind once and made small.
    pub disagreements: Vec<Disagreement>,
    /// Trials about which nothing is known, with what broke.
    pub errored: Vec<(String, TrialResult)>,
    /// How many pairs of values of two axes there are.
    pub pairs: usize,
    /// Those that did not occur.
    pub missing: Vec<String>,
    /// Rules of the intent that answered a question, with the number of tables.
    pub rules: BTreeMap<&'static str, usize>,
    /// The signal that ended the campaign early.
    pub interrupted: Option<Signal>,
}

/// One way in which an implementation parts from the intent.
#[derive(Debug)]
pub struct Disagreement {
    /// The scenario's number in the stream.
    pub sample: usize,
    /// What parts it: rules of the intent, or what else was found.
    pub kinds: BTreeSet<String>,
    /// Scenarios that showed nothing else.
    pub times: usize,
    /// The smallest scenario that shows it.
    pub sketch: Sketch,
    /// The trial of it.
    pub trial: Trial,
    /// What came of it.
    pub result: TrialResult,
}

/// What happens during a campaign.
#[derive(Debug)]
pub enum Step<'a> {
    /// A trial is over.
    Tried,
    /// A disagreement is being made smaller.
    Shrinking(&'a Trial),
    /// It is as small as it gets.
    Found(&'a Disagreement),
}

impl Campaign<'_> {
    /// Explores the stream of a seed.
    ///
    /// # Errors
    /// A thread or the signals cannot be had, or a scenario is no case, which is a mistake of goldpath's own.
    pub fn explore(
        &self,
        seed: u64,
        until: Until,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> io::Result<Explored> {
        let mut stream = Stream::of(seed);
        let mut explored = Explored::default();
        while explored.interrupted.is_none() {
            let batch = if self.first { self.jobs.max(1) } else { BATCH };
            let left = match until {
                Until::Scenarios(all) => all - explored.scenarios.min(all),
                Until::Time(end) if Instant::now() >= end => 0,
                Until::Time(_) => batch,
            };
            if left == 0 {
                break;
            }
            let samples: Vec<Sample> = stream.by_ref().take(left.min(batch)).collect();
            explored.scenarios += samples.len();
            self.put(&samples, &mut explored, tell)?;
            if self.first && !explored.disagreements.is_empty() {
                break;
            }
        }
        explored.pairs = stream.pairs().0;
        explored.missing = stream.missing();
        Ok(explored)
    }

    fn put(
        &self,
        samples: &[Sample],
        explored: &mut Explored,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> io::Result<()> {
        let mut trials = Vec::new();
        let mut owners = Vec::new();
        for sample in samples {
            for candidate in self.candidates {
                let sketch = match &candidate.adapter {
                    Ok(adapter) => {
                        let (sketch, without) = sample.within(&adapter.features());
                        explored.note_plainer(&candidate.name, &without);
                        sketch
                    }
                    Err(_) => sample.sketch.clone(),
                };
                let case = case(&sketch, sample.number)?;
                trials.extend(Trial::of(&[case], None, std::slice::from_ref(candidate)));
                owners.resize(trials.len(), (sample.number, sketch));
            }
        }
        let run = self.run(&trials)?;
        explored.interrupted = run.interrupted;
        for ((trial, (number, sketch)), result) in trials.iter().zip(owners).zip(run.results) {
            let Some(mut result) = result else { continue };
            tell(Step::Tried);
            if result.outcome == Outcome::Failed && kinds(trial, &result).is_empty() {
                result.outcome = Outcome::ExpectedFailure;
            }
            *explored.outcomes.entry(result.outcome).or_default() += 1;
            if !matches!(result.outcome, Outcome::NotSupported | Outcome::Errored) {
                explored.note_rules(trial);
            }
            match result.outcome {
                Outcome::NotSupported => {
                    let reason = trial.not_supported().unwrap_or_default();
                    *explored.spared.entry(reason).or_default() += 1;
                }
                Outcome::Errored => explored.errored.push((trial.to_string(), result)),
                Outcome::Failed => {
                    let found = Disagreement {
                        sample: number,
                        kinds: kinds(trial, &result),
                        times: 1,
                        sketch,
                        trial: trial.clone(),
                        result,
                    };
                    self.note(found, explored, tell)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps a disagreement of a new kind, made small.
    fn note(
        &self,
        mut found: Disagreement,
        explored: &mut Explored,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> io::Result<()> {
        let mut known = explored.disagreements.iter_mut();
        let known = known.find(|known| {
            known.trial.subject.to_string() == found.trial.subject.to_string()
                && found.kinds.is_subset(&known.kinds)
        });
        if let Some(known) = known {
            known.times += 1;
            return Ok(());
        }
        if !self.first {
            tell(Step::Shrinking(&found.trial));
            self.shrink(&mut found, explored)?;
        }
        self.explain(&mut found, explored)?;
        tell(Step::Found(&found));
        explored.disagreements.push(found);
        Ok(())
    }

    /// Takes away whatever the disagreement shows without.
    fn shrink(&self, of: &mut Disagreement, explored: &mut Explored) -> io::Result<()> {
        let mut tries = 0;
        'smaller: while tries < TRIES && explored.interrupted.is_none() {
            let candidates = smaller(&of.sketch);
            for some in candidates.chunks(self.jobs.max(1)) {
                let mut trials = Vec::new();
                for sketch in some {
                    let case = case(sketch, of.sample)?;
                    let implementation = of.trial.implementation().cloned();
                    trials.extend(Trial::of(&[case], None, implementation.as_slice()));
                }
                tries += trials.len();
                let run = self.run(&trials)?;
                explored.interrupted = explored.interrupted.or(run.interrupted);
                let results = some.iter().zip(trials).zip(run.results);
                for ((sketch, trial), result) in results {
                    let Some(result) = result else { continue };
                    // Another defect would take this one's place.
                    let kinds = kinds(&trial, &result);
                    if result.outcome == Outcome::Failed
                        && !kinds.is_empty()
                        && kinds.is_subset(&of.kinds)
                    {
                        of.sketch = sketch.clone();
                        of.kinds = kinds;
                        of.trial = trial;
                        of.result = result;
                        continue 'smaller;
                    }
                }
                if explored.interrupted.is_some() {
                    return Ok(());
                }
            }
            return Ok(());
        }
        Ok(())
    }

    /// Runs the trial of a disagreement once more, with paths. One that shows nothing this time stays as it was.
    fn explain(&self, of: &mut Disagreement, explored: &mut Explored) -> io::Result<()> {
        if explored.interrupted.is_some() {
            return Ok(());
        }
        let trials = std::slice::from_ref(&of.trial);
        let run = self.run_with(trials, Tables::ToTheFirstWithPaths)?;
        explored.interrupted = run.interrupted;
        if let Some(result) = run.results.into_iter().flatten().next()
            && result.outcome == Outcome::Failed
        {
            of.kinds.extend(kinds(&of.trial, &result));
            of.result = result;
        }
        Ok(())
    }

    /// Runs trials of which is asked whether something differs.
    fn run(&self, trials: &[Trial]) -> io::Result<Run> {
        self.run_with(trials, Tables::ToTheFirst)
    }

    fn run_with(&self, trials: &[Trial], tables: Tables) -> io::Result<Run> {
        let options = Options {
            tables,
            ..self.options.clone()
        };
        run_all(trials, &options, self.jobs, |_: Event<'_>| {})
    }
}

impl Explored {
    /// Counts the rules that answer a question of the tables that a trial asks.
    fn note_rules(&mut self, trial: &Trial) {
        let adapter = trial
            .implementation()
            .and_then(|one| one.adapter.as_ref().ok());
        let features = adapter.map(|one| one.features()).unwrap_or_default();
        let mut moment = Moment::of(&trial.case, trial.family, &features);
        for step in &trial.case.steps {
            if let Some(change) = &step.change {
                moment = moment.after(&trial.case, change);
            }
            if step.table.is_none() {
                continue;
            }
            let rows = table(&moment).into_iter().chain(refusals(&moment));
            let bound = rows.filter(|row| !row.is_unspecified() || row.rule.open().is_some());
            let rules: BTreeSet<&'static str> = bound.map(|row| row.rule.id.0).collect();
            for rule in rules {
                *self.rules.entry(rule).or_default() += 1;
            }
        }
    }

    fn note_plainer(&mut self, name: &str, without: &BTreeSet<Feature>) {
        for feature in without {
            let reason = format!("{name} does not list {feature}");
            *self.spared.entry(reason).or_default() += 1;
        }
    }
}

impl Disagreement {
    /// The case that shows it by itself, as the text of its file.
    pub fn case_file(&self, seed: u64) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        let title = format!(
            "{} parts from the intent: {}",
            self.trial.subject,
            kinds.join(", ")
        );
        let source = format!("goldpath explore --seed {seed}, scenario {}", self.sample);
        self.sketch.case_file(&title, &source, SCHEMA)
    }
}

/// Whether the implementation is to undo what belongs to a container that has vanished.
fn vanishes(case: &Case) -> bool {
    case.steps.iter().any(|step| {
        matches!(
            step.change,
            Some(NetworkEvent::Lose(_) | NetworkEvent::Teardown { gone: Some(_), .. })
        )
    })
}

/// What parts a trial from the intent: the rules of a table that differ, and the kinds of everything else. What is declared of
/// its implementation is none.
fn kinds(trial: &Trial, result: &TrialResult) -> BTreeSet<String> {
    let vanished = Vec::from_iter(vanishes(&trial.case).then_some(Circumstance::ContainerVanished));
    let kind = |what: &What| match what {
        What::Cell(difference) if difference.known.is_some() => None,
        What::Cell(difference) => Some(difference.rule.clone()),
        What::Kept { .. } | What::Netfilter(_) | What::NoGolden | What::Review { .. } => None,
        other => {
            let written = serde_json::to_value(other).unwrap_or_default();
            let word = written.get("what").and_then(|word| word.as_str())?;
            let rule = match other {
                What::Leftover(left) => format!("{word}-{}", left.kind),
                _ => word.to_owned(),
            };
            let left = match other {
                What::Leftover(left) => Some(left.entry.as_str()),
                _ => None,
            };
            let asked = AskedCell {
                rule: &rule,
                by: "",
                left,
                circumstances: vanished.clone(),
            };
            trial.known(&asked).is_none().then(|| word.to_owned())
        }
    };
    result
        .findings
        .iter()
        .filter_map(|one| kind(&one.what))
        .collect()
}

/// Scenarios of a seed as contract cases, as far as these features go.
///
/// # Errors
/// One is no case, which is a mistake of goldpath's own.
pub fn cases(
    seed: u64,
    scenarios: std::ops::Range<usize>,
    features: &BTreeSet<Feature>,
) -> io::Result<Vec<Arc<Case>>> {
    let samples = Stream::of(seed).skip(scenarios.start).take(scenarios.len());
    let made = samples.map(|sample| case(&sample.within(features).0, sample.number));
    made.collect()
}

/// The contract case of a scenario.
fn case(sketch: &Sketch, number: usize) -> io::Result<Arc<Case>> {
    let id = format!("explored/scenario-{number}");
    let text = sketch.case_file("A scenario that nobody wrote", "goldpath explore", SCHEMA);
    let path = format!("{id}.toml");
    let case = parse(text.clone(), Path::new(&path), &id).map_err(|errors: Vec<CaseError>| {
        let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
        io::Error::other(format!("{}:\n{text}", why.join("; ")))
    })?;
    Ok(Arc::new(case))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_and_every_smaller_one_is_a_case() {
        for sample in Stream::of(11).take(60) {
            let made = case(&sample.sketch, sample.number);
            made.unwrap_or_else(|error| panic!("{error}"));
            for sketch in smaller(&sample.sketch) {
                let made = case(&sketch, sample.number);
                made.unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }

    #[test]
    fn a_container_vanishes_in_some_scenarios_and_not_in_all() {
        let cases = Stream::of(11)
            .take(60)
            .map(|sample| case(&sample.sketch, sample.number));
        let vanishing = cases
            .map(|made| made.expect("a case"))
            .filter(|case| vanishes(case))
            .count();
        assert!((1..60).contains(&vanishing), "{vanishing}");
    }
}
