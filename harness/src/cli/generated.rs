//! `goldpath mutate --generated`: faults that nobody chose, and who catches each.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use super::exit::Exit;
use super::run::run_quietly;
use super::sandbox::broken;
use crate::adapter::native::{Faults, Generated, changes};
use crate::adapter::{Candidate, Selection};
use crate::case::{Case, CaseKind, Feature};
use crate::explore::{self, PAIRS_WITHIN, drawn};
use crate::mutate::{Catcher, GeneratedScore, ScoredGenerated};
use crate::run::{GoldenUse, Options, Outcome, Trial};

/// Scenarios of the longer exploration, behind those that cover every pair.
const LONGER: usize = 240;
/// Trials of one fault in one stage: of scenarios that it changes, most show it at once.
const TRIES: usize = 24;

/// Faults that are named while they are looked for.
const FEW: usize = 12;

/// A fault on its way through the cases.
struct Hunted {
    fault: Generated,
    candidate: Candidate,
    /// Cases that it changes, in the order in which they are tried.
    cases: VecDeque<Arc<Case>>,
    scored: ScoredGenerated,
    is_caught: bool,
}

/// Draws faults and puts each to the cases that it changes, until one fails.
pub(super) fn hunt(
    count: usize,
    seed: u64,
    stories: &[Arc<Case>],
    options: &Options,
    jobs: usize,
) -> Result<GeneratedScore, Exit> {
    let native = Candidate::find(&Selection::native(&Faults::default()));
    let features: BTreeSet<Feature> = match &native.adapter {
        Ok(adapter) => adapter.features(),
        Err(reason) => {
            let _ = writeln!(io::stderr(), "native: {reason}");
            return Err(Exit::Errored);
        }
    };
    let scenarios = |range| explore::cases(seed, range, &features).map_err(|e| broken("draw", &e));
    let is_story = |case: &&Arc<Case>| matches!(case.kind, CaseKind::Contract { .. });
    let stages = [
        (Catcher::Covering, scenarios(0..PAIRS_WITHIN)?),
        (
            Catcher::Stories,
            stories.iter().filter(is_story).cloned().collect(),
        ),
        (
            Catcher::Longer,
            scenarios(PAIRS_WITHIN..PAIRS_WITHIN + LONGER)?,
        ),
    ];
    let mut hunted: Vec<Hunted> = drawn(Generated::all(), count, seed)
        .into_iter()
        .map(Hunted::of)
        .collect();
    // Nobody has drawn a scenario's golden.
    let without_goldens = Options {
        golden_use: GoldenUse::Ignore,
        ..options.clone()
    };
    for (catcher, cases) in stages {
        let mut open: Vec<&mut Hunted> = hunted.iter_mut().filter(|one| !one.is_caught).collect();
        open.iter_mut().for_each(|one| one.face(&cases));
        let left = |open: &[&mut Hunted]| open.iter().filter(|one| !one.cases.is_empty()).count();
        while left(&open) > 0 {
            tell(catcher, &open);
            let mut trials = Vec::new();
            let mut owners = Vec::new();
            for (place, one) in open.iter_mut().enumerate() {
                if let Some(case) = one.cases.pop_front() {
                    trials.extend(Trial::of(
                        &[case],
                        None,
                        std::slice::from_ref(&one.candidate),
                    ));
                    owners.resize(trials.len(), place);
                }
            }
            let options = match catcher {
                Catcher::Stories => options,
                _ => &without_goldens,
            };
            let results = run_quietly(&trials, options, jobs)?;
            for ((trial, place), result) in trials.iter().zip(owners).zip(&results) {
                if let Some(one) = open.get_mut(place) {
                    one.note(catcher, trial, result.outcome);
                }
            }
            open.retain(|one| !one.is_caught);
        }
    }
    Ok(GeneratedScore::of(
        seed,
        hunted.into_iter().map(|one| one.scored).collect(),
    ))
}

/// Says on standard error what is left, by name once it is little.
fn tell(catcher: Catcher, open: &[&mut Hunted]) {
    let left = open.iter().filter(|one| !one.cases.is_empty());
    let names: Vec<String> = left.map(|one| one.scored.name.clone()).collect();
    let few = if names.len() > FEW {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    };
    let _ = writeln!(
        io::stderr(),
        "{catcher:?}: {} faults to catch{few}",
        names.len()
    );
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

/// The score by operator, by who caught what, and every survivor.
pub(super) fn text(score: &GeneratedScore) -> String {
    let mut text = String::from(
        "| operator | caught | of all | changes nothing |\n| --- | ---: | ---: | ---: |\n",
    );
    for (name, one) in &score.operators {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} |",
            one.caught, one.all, one.equivalent
        );
    }
    let _ = writeln!(
        text,
        "\n{} of {} faults that change something were caught",
        score.caught, score.all
    );
    for (catcher, count) in &score.by {
        let who = match catcher {
            Catcher::Covering => "by the scenarios that cover every pair",
            Catcher::Stories => "by stories alone",
            Catcher::Longer => "by a longer exploration",
            Catcher::Nobody => "by nobody",
            Catcher::Equivalent => {
                "change nothing: the plan in its normal form is the same in every case"
            }
        };
        let _ = writeln!(text, "{count:5} {who}");
    }
    for survivor in score.survivors() {
        let _ = writeln!(
            text,
            "survived  {} ({} trials, {} of them errored)",
            survivor.name, survivor.trials, survivor.errored
        );
    }
    text
}
