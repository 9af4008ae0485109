//! Faults that nobody chose, and who catches each.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::equivalent::{EquivalentFault, declared_faults};
use super::measure::Measure;
use super::{Catcher, GeneratedScore, MutateError, ScoredGenerated};
use crate::adapter::native::{Faults, Generated, changes};
use crate::adapter::{Candidate, Selection};
use crate::case::{Case, CaseKind, Feature};
use crate::explore::{self, PAIRS_WITHIN, drawn};
use crate::run::{GoldenUse, Options, Outcome, Tables, Trial};

/// Scenarios of the longer exploration, behind those that cover every pair.
const LONGER: usize = 240;
/// Trials of one fault in one stage: of scenarios that it changes, most show it at once.
const TRIES: usize = 24;

/// A fault on its way through the cases.
struct Hunted {
    fault: Generated,
    candidate: Candidate,
    /// Cases that it changes, in the order in which they are tried.
    cases: VecDeque<Arc<Case>>,
    scored: ScoredGenerated,
    is_caught: bool,
}

impl Measure {
    /// Draws faults and puts each to the cases that it changes, until one fails. `tell` hears before each round who looks
    /// for which faults.
    ///
    /// # Errors
    /// No scenarios can be drawn, or the run was stopped.
    pub fn generated(
        &self,
        count: usize,
        seed: u64,
        stories: &[Arc<Case>],
        tell: impl Fn(Catcher, &[&str]),
    ) -> Result<GeneratedScore, MutateError> {
        let mut hunted: Vec<Hunted> = drawn(Generated::all(), count, seed)
            .into_iter()
            .map(Hunted::of)
            .collect();
        for (catcher, cases) in stages(seed, stories)? {
            let mut open: Vec<&mut Hunted> =
                hunted.iter_mut().filter(|one| !one.is_caught).collect();
            open.iter_mut().for_each(|one| one.face(&cases));
            loop {
                let left = open.iter().filter(|one| !one.cases.is_empty());
                let left: Vec<&str> = left.map(|one| one.scored.name.as_str()).collect();
                if left.is_empty() {
                    break;
                }
                tell(catcher, &left);
                self.ask_once(catcher, &mut open)?;
                open.retain(|one| !one.is_caught);
            }
        }
        let declared = declared_faults()?;
        let scored = hunted.into_iter().map(|one| one.scored.excused(&declared));
        Ok(GeneratedScore::of(seed, scored.collect()))
    }

    /// Puts each fault to the next of its cases.
    fn ask_once(&self, catcher: Catcher, open: &mut [&mut Hunted]) -> Result<(), MutateError> {
        let mut trials = Vec::new();
        let mut owners = Vec::new();
        for (place, one) in open.iter_mut().enumerate() {
            if let Some(case) = one.cases.pop_front() {
                let candidates = std::slice::from_ref(&one.candidate);
                trials.extend(Trial::of(&[case], None, candidates));
                owners.resize(trials.len(), place);
            }
        }
        let results = match catcher {
            Catcher::Stories => self.run(&trials)?,
            _ => self.with_tables().run(&trials)?,
        };
        for ((trial, place), result) in trials.iter().zip(owners).zip(&results) {
            open[place].note(catcher, trial, result.outcome);
        }
        Ok(())
    }

    /// A scenario is nothing but its tables, and nobody has drawn its golden.
    fn with_tables(&self) -> Self {
        Self {
            options: Options {
                golden_use: GoldenUse::Ignore,
                tables: Tables::ToTheFirst,
                ..self.options.clone()
            },
            jobs: self.jobs,
        }
    }
}

/// Who looks for faults, and in which cases.
type Stage = (Catcher, Vec<Arc<Case>>);

/// The stages in their order.
fn stages(seed: u64, stories: &[Arc<Case>]) -> Result<[Stage; 3], MutateError> {
    let native = Candidate::find(&Selection::native(&Faults::default()));
    let adapter = native.adapter.map_err(MutateError::Native)?;
    let features: BTreeSet<Feature> = adapter.features();
    let scenarios = |range| explore::cases(seed, range, &features).map_err(MutateError::Draw);
    let is_story = |case: &&Arc<Case>| matches!(case.kind, CaseKind::Contract { .. });
    Ok([
        (Catcher::Covering, scenarios(0..PAIRS_WITHIN)?),
        (
            Catcher::Stories,
            stories.iter().filter(is_story).cloned().collect(),
        ),
        (
            Catcher::Longer,
            scenarios(PAIRS_WITHIN..PAIRS_WITHIN + LONGER)?,
        ),
    ])
}

impl ScoredGenerated {
    /// The same, with the reason why nobody can catch it where one is declared. One that somebody has caught needs none.
    fn excused(mut self, declared: &[EquivalentFault]) -> Self {
        if self.by == Catcher::Nobody
            && let Some(one) = declared.iter().find(|one| one.covers(&self.name))
        {
            self.by = Catcher::Declared;
            self.reason = Some(one.reason.clone());
        }
        self
    }
}

impl Hunted {
    fn of(fault: Generated) -> Self {
        Self {
            fault,
            candidate: Candidate::find(&Selection::native(&fault.into())),
            cases: VecDeque::new(),
            scored: ScoredGenerated {
                name: fault.to_string(),
                operator: fault.operator().to_owned(),
                by: Catcher::Equivalent,
                case: String::new(),
                trials: 0,
                errored: 0,
                reason: None,
            },
            is_caught: false,
        }
    }

    /// Sets out to face those of the cases that it changes.
    fn face(&mut self, cases: &[Arc<Case>]) {
        let faults = Faults::from(self.fault);
        let changed = cases.iter().filter(|case| changes(case, &faults));
        self.cases = changed.take(TRIES).cloned().collect();
        if !self.cases.is_empty() {
            self.scored.by = Catcher::Nobody;
        }
    }

    fn note(&mut self, catcher: Catcher, trial: &Trial, outcome: Outcome) {
        self.scored.trials += 1;
        match outcome {
            Outcome::Failed => {
                self.is_caught = true;
                self.scored.by = catcher;
                self.scored.case = trial.case.id.to_string();
            }
            Outcome::Errored => self.scored.errored += 1,
            _ => {}
        }
    }
}
