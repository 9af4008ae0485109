//! The measure itself: each mutant and each fault is put to the cases, and what they notice is counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::equivalent::declared_rules;
use super::{
    FaultScore, LiveScore, Mutant, MutateError, Score, ScoredFault, declared, judge, mutants,
};
use crate::adapter::native::{Fault, Faults};
use crate::adapter::{Candidate, Selection};
use crate::address::Family;
use crate::case::{Backend, Case};
use crate::explore;
use crate::run::{GoldenUse, Options, Outcome, Subject, Tables, Trial, TrialResult, run_quietly};

/// How trials are run for a score.
#[derive(Debug)]
pub struct Measure {
    /// Where the goldens are, and what is compared.
    pub options: Options,
    /// Trials at work at the same time.
    pub jobs: usize,
}

/// Which faults are put to which cases.
#[derive(Debug)]
pub struct FaultsAsked<'a> {
    /// The faults, in the order of the score.
    pub faults: Vec<Fault>,
    /// Each only to the cases that it declares.
    pub declared_only: bool,
    /// To so many of the cases that it declares, spread evenly; to all of them if absent.
    pub at_most: Option<u16>,
    /// All cases of the contract were chosen: a declared case that is none of them does not exist.
    pub is_whole: bool,
    /// The chosen cases of the contract.
    pub cases: &'a [Arc<Case>],
}

impl Measure {
    /// Changes each command of recipes in every way, one at a time.
    ///
    /// # Errors
    /// A recipe does not pass unchanged, or the run was stopped.
    pub fn recipes(&self, recipes: &[Arc<Case>], backend: Backend) -> Result<Score, MutateError> {
        let originals = Trial::of(recipes, Some(backend), &[]);
        let equivalents = declared()?;
        self.must_pass(&originals)?;
        let mutants: Vec<Mutant> = originals
            .iter()
            .flat_map(|trial| mutants(&trial.case))
            .collect();
        let trials: Vec<Trial> = mutants
            .iter()
            .map(|mutant| Trial {
                case: mutant.case.clone(),
                subject: Subject::Recipe { backend },
                family: Family::Ipv4,
            })
            .collect();
        let results = self.run(&trials)?;
        let scored = mutants
            .iter()
            .zip(&results)
            .map(|(mutant, result)| judge(mutant, result, &equivalents));
        Ok(Score::of(scored.collect()))
    }

    /// Plants each fault in the native implementation, alone, and puts it to the contract.
    ///
    /// # Errors
    /// `native` without a fault does not pass, or the run was stopped.
    pub fn faults(&self, asked: &FaultsAsked<'_>) -> Result<FaultScore, MutateError> {
        let native = |faults: Faults| Candidate::find(&Selection::native(&faults));
        let sound = native(Faults::default());
        self.must_pass(&Trial::of(asked.cases, None, &[sound]))?;
        let mut trials = Vec::new();
        let mut owners = Vec::new();
        for fault in &asked.faults {
            let candidate = native(Faults::from_iter([*fault]));
            trials.extend(Trial::of(&asked.cases_of(*fault), None, &[candidate]));
            owners.push((*fault, trials.len()));
        }
        let results = self.run(&trials)?;
        let mut from = 0;
        let scored = owners.into_iter().map(|(fault, to)| {
            let of_fault = trials[from..to].iter().zip(&results[from..to]);
            from = to;
            let of_fault = of_fault.map(|(trial, result)| (trial.case.id.as_str(), result));
            ScoredFault::of(fault, of_fault, &asked.left_out(fault))
        });
        Ok(FaultScore::of(scored.collect()))
    }

    /// Takes each rule that implementations install away, one at a time, in scenarios of a seed or in `stories`, if there are any.
    ///
    /// # Errors
    /// No scenarios can be drawn, or the run was stopped.
    pub fn live(
        &self,
        candidates: &[Candidate],
        scenarios: usize,
        seed: u64,
        stories: &[Arc<Case>],
    ) -> Result<LiveScore, MutateError> {
        let reasons = declared_rules()?;
        let mut trials = Vec::new();
        for candidate in candidates {
            let features = candidate.adapter.as_ref().map(|one| one.features());
            let features = features.unwrap_or_default();
            let drawn = explore::cases(seed, 0..scenarios, &features).map_err(MutateError::Draw)?;
            let cases = if stories.is_empty() { &drawn } else { stories };
            trials.extend(Trial::of(cases, None, std::slice::from_ref(candidate)));
        }
        let measure = Self {
            options: Options {
                golden_use: GoldenUse::Ignore,
                tables: Tables::WithoutEachRule,
                ..self.options.clone()
            },
            jobs: self.jobs,
        };
        let results = measure.run(&trials)?;
        Ok(LiveScore::of(
            seed,
            &trials,
            &results,
            &reasons,
            self.options.words,
        ))
    }

    pub(super) fn run(&self, trials: &[Trial]) -> Result<Vec<TrialResult>, MutateError> {
        Ok(run_quietly(trials, &self.options, self.jobs)?)
    }

    fn must_pass(&self, originals: &[Trial]) -> Result<(), MutateError> {
        let before = self.run(originals)?;
        let is_sound = |result: &TrialResult| {
            matches!(
                result.outcome,
                Outcome::Passed | Outcome::NotSupported | Outcome::Disabled
            )
        };
        let broken = originals
            .iter()
            .zip(before)
            .find(|(_, result)| !is_sound(result));
        broken.map_or(Ok(()), |(trial, result)| {
            Err(MutateError::Original {
                trial: trial.to_string(),
                outcome: result.outcome,
                findings: result.findings,
            })
        })
    }
}

impl FaultsAsked<'_> {
    fn cases_of(&self, fault: Fault) -> Vec<Arc<Case>> {
        let picked = picked(fault.cases(), self.at_most);
        let is_picked = |case: &&Arc<Case>| picked.contains(&case.id.as_str());
        let cases = self.cases.iter();
        cases
            .filter(|case| !self.declared_only || is_picked(case))
            .cloned()
            .collect()
    }

    /// Cases that the fault declares, and that nobody asked.
    fn left_out(&self, fault: Fault) -> Vec<&'static str> {
        let ids: BTreeSet<&str> = self.cases.iter().map(|case| case.id.as_str()).collect();
        let picked = picked(fault.cases(), self.at_most);
        let declared = fault.cases().iter().map(String::as_str);
        declared
            .filter(|id| (!self.is_whole && !ids.contains(id)) || !picked.contains(id))
            .collect()
    }
}

/// At most so many of the ids, evenly from the first on.
fn picked(ids: &[String], at_most: Option<u16>) -> Vec<&str> {
    let count = ids.len();
    let wanted = at_most.map_or(count, usize::from).min(count);
    let position = |nth: usize| nth * count / wanted;
    (0..wanted).map(|nth| ids[position(nth)].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_picked_evenly() {
        let ids: Vec<String> = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
        assert_eq!(picked(&ids, None), ["a", "b", "c", "d", "e"]);
        assert_eq!(picked(&ids, Some(2)), ["a", "c"]);
        assert_eq!(picked(&ids, Some(9)).len(), 5);
        assert!(picked(&[], Some(1)).is_empty());
    }
}
