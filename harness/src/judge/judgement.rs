//! A trial's judgement as it grows: each thing that is seen is drawn and held against the case.

use super::expect::{doubled, gap, judge};
use super::way::{title, way};
use super::{CellSeen, Outcome, ProbeRecord, ProbeSeen, Seen};
use crate::case::{Case, CaseKind, NetworkEvent, Step};
use crate::finding::{Finding, ProbeName, What};
use crate::golden::{self, Comparison, Golden};
use crate::path::{
    Cause, Drawing, Passage, account, assemble, by_wiring, draw, draw_neutral, render,
};

/// The judgement of a trial, as far as it is seen.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What is compared with the golden.
    pub drawing: Drawing,
    /// The paths with their real names and rules.
    pub detail: Drawing,
    /// The probes in order.
    pub probes: Vec<ProbeRecord>,
    /// What is wrong.
    wrong: Vec<Finding>,
    /// What is no mistake and must not be hidden.
    told: Vec<Finding>,
    /// What broke in the harness or the machine.
    broken: Option<Finding>,
}

impl Judgement {
    /// Takes what was seen next. Returns whether all of it is right.
    pub fn take(&mut self, case: &Case, seen: &Seen) -> bool {
        let before = self.wrong.len();
        let step = |position: &usize| case.steps.get(*position);
        match seen {
            Seen::Change {
                step: at,
                wrong,
                told,
            } => {
                if let Some(Step {
                    line,
                    change: Some(change),
                    ..
                }) = step(at)
                {
                    self.change(*line, change, wrong, told);
                }
            }
            Seen::Routes {
                step: at,
                list,
                are,
            } => {
                if let Some(step) = step(at)
                    && let Some(wanted) = step.routes.get(*list)
                {
                    self.list(step.line, "routes", wanted.of.as_str(), &wanted.are, are);
                }
            }
            Seen::Interfaces {
                step: at,
                list,
                are,
            } => {
                if let Some(step) = step(at)
                    && let Some(wanted) = step.interfaces.get(*list)
                {
                    self.list(
                        step.line,
                        "interfaces",
                        wanted.of.as_str(),
                        &wanted.are,
                        are,
                    );
                }
            }
            Seen::Namespaces { step: at, shared } => {
                if let Some(step) = step(at)
                    && let Some(same) = &step.same
                {
                    let nodes = same.nodes.iter().map(ToString::to_string).collect();
                    self.namespaces(step.line, nodes, *shared);
                }
            }
            Seen::Probe(probe) => {
                if let Some(step) = step(&probe.step) {
                    self.probe(case, step, probe);
                }
            }
            Seen::Causes { causes, unread } => self.causes(case, causes, unread.as_deref()),
            Seen::Cell(cell) => self.cell(case, cell),
            Seen::Refused { said } => {
                let said = said.clone();
                self.wrong.push(Finding::of(What::Implementation { said }));
            }
            Seen::Broken { said } => {
                let said = said.clone();
                self.broken = Some(Finding::of(What::Broken { said }));
            }
        }
        self.wrong.len() == before && self.broken.is_none()
    }

    fn change(&mut self, line: usize, change: &NetworkEvent, wrong: &[What], told: &[What]) {
        let said = match change {
            NetworkEvent::Remove(name) => format!("{name} is removed"),
            NetworkEvent::Lose(name) => format!("{name} has vanished and is removed"),
            NetworkEvent::Add(name) => format!("{name} is added"),
            NetworkEvent::Refuse(name) => format!("{name} is refused"),
            NetworkEvent::Check { finds, .. } => format!("check finds {finds}"),
            NetworkEvent::Teardown { .. } => String::from("teardown leaves nothing"),
        };
        self.drawing.say(&said);
        self.detail.say(&said);
        let wrong = wrong.iter().cloned();
        self.wrong.extend(wrong.map(|what| Finding::at(line, what)));
        self.told.extend(told.iter().cloned().map(Finding::of));
    }

    /// Draws a list of a node, and compares it; its order means nothing.
    fn list(&mut self, line: usize, of: &str, node: &str, are: &[String], seen: &[String]) {
        self.drawing.list(&format!("{of} of {node}"), seen);
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        if sorted(are) != sorted(seen) {
            let entries = What::Entries {
                of: of.to_owned(),
                node: node.to_owned(),
                expected: are.to_vec(),
                seen: seen.to_vec(),
            };
            self.wrong.push(Finding::at(line, entries));
        }
    }

    fn namespaces(&mut self, line: usize, nodes: Vec<String>, shared: bool) {
        let word = if shared { "one" } else { "different" };
        self.drawing
            .say(&format!("namespace of {}: {word}", nodes.join(" and ")));
        if !shared {
            self.wrong.push(Finding::at(line, What::Apart { nodes }));
        }
    }

    fn probe(&mut self, case: &Case, step: &Step, seen: &ProbeSeen) {
        let Some(exchange) = &step.exchange else {
            return;
        };
        let ProbeSeen {
            evidence,
            known,
            roles,
            ..
        } = seen;
        let path = assemble(evidence);
        let mut wrong = judge(exchange, &path, evidence.answer.as_ref(), known);
        let drawn = match &case.kind {
            CaseKind::Contract { .. } => {
                let way = way(case, exchange);
                // Between two connections of a proxy there is no wire to follow.
                wrong.extend(gap(&path).filter(|_| way == Passage::Through));
                draw_neutral(&path, way, roles)
            }
            CaseKind::Recipe { .. } => {
                wrong.extend(gap(&path));
                draw(&path)
            }
        };
        wrong.extend(doubled(&path));
        let name = self.name(title(case, exchange, evidence.asked));
        let detail = draw(&by_wiring(&path, &evidence.nodes));
        self.detail.probe(name.number, &name.title, detail);
        self.drawing.probe(name.number, &name.title, drawn.clone());
        let wrong = wrong.into_iter();
        let wrong = wrong.map(|what| Finding::at(step.line, what).about(name.clone()));
        self.wrong.extend(wrong);
        self.probes.push(ProbeRecord {
            title: name.title,
            path,
            drawn,
        });
    }

    fn causes(&mut self, case: &Case, causes: &[Cause], unread: Option<&str>) {
        // The outcome stands; what is missing is said beside it.
        let unread = unread.map(|said| What::NotSaved {
            said: said.to_owned(),
        });
        self.wrong.extend(unread.map(Finding::of));
        let number = self.probes.len();
        let Some(name) = self.name_of(number) else {
            return;
        };
        let causes = causes.iter().cloned().map(|cause| What::Cause { cause });
        self.wrong
            .extend(causes.map(|what| Finding::of(what).about(name.clone())));
        self.account(case, number);
    }

    fn cell(&mut self, case: &Case, seen: &CellSeen) {
        let mut difference = seen.difference.clone();
        let Some(evidence) = &seen.evidence else {
            // What is declared fails nobody; what is not was asked only once.
            let finding = Finding::of(What::Cell(difference));
            if seen.difference.known.is_some() {
                self.told.push(finding);
            } else {
                self.wrong.push(finding);
            }
            return;
        };
        let path = assemble(evidence);
        let wired = by_wiring(&path, &evidence.nodes);
        let name = self.name(seen.difference.question.clone());
        self.probes.push(ProbeRecord {
            title: name.title.clone(),
            path,
            drawn: draw(&wired),
        });
        difference.path = render(&wired);
        let number = name.number;
        self.wrong
            .push(Finding::of(What::Cell(difference)).about(name));
        self.account(case, number);
    }

    /// Finds what netfilter did to a probe of a contract, whose golden leaves it out. A recipe's shows it.
    fn account(&mut self, case: &Case, number: usize) {
        let is_of = |finding: &Finding| {
            let probe = finding.probe.as_ref().map(|probe| probe.number);
            matches!(finding.what, What::Netfilter(_)) && probe == Some(number)
        };
        let is_recipe = matches!(case.kind, CaseKind::Recipe { .. });
        if is_recipe || self.wrong.iter().any(is_of) {
            return;
        }
        let probe = number.checked_sub(1).and_then(|at| self.probes.get(at));
        if let (Some(probe), Some(name)) = (probe, self.name_of(number)) {
            let deeds = account(&probe.path, "host").into_iter();
            self.wrong
                .extend(deeds.map(|deed| Finding::of(What::Netfilter(deed)).about(name.clone())));
        }
    }

    /// Holds the drawing against the golden. Returns whether it is the same.
    pub fn compare(&mut self, case: &Case, golden: Option<&Golden>) -> bool {
        match golden::compare(golden, &self.drawing) {
            Comparison::Same => return true,
            Comparison::Different(difference) => {
                let probe = difference.probe;
                self.wrong.push(Finding::of(What::Golden { difference }));
                if let Some(number) = probe {
                    self.account(case, number);
                }
            }
            Comparison::New => self.wrong.push(Finding::of(What::NoGolden)),
        }
        false
    }

    /// Adds what was found beside what was seen.
    pub fn add(&mut self, finding: Finding) {
        self.wrong.push(finding);
    }

    /// How the trial ends.
    pub fn outcome(&self) -> Outcome {
        match &self.broken {
            Some(_) => Outcome::Errored,
            None if self.wrong.is_empty() => Outcome::Passed,
            None => Outcome::Failed,
        }
    }

    /// Whether nothing is wrong but what no `must` binds.
    pub fn is_mild(&self) -> bool {
        self.wrong.iter().all(Finding::is_mild)
    }

    /// Everything that was found: what broke, what is wrong, what must not be hidden.
    pub fn findings(&self) -> Vec<Finding> {
        let all = self.broken.iter().chain(&self.wrong).chain(&self.told);
        all.cloned().collect()
    }

    /// The name of the next probe.
    fn name(&self, title: String) -> ProbeName {
        ProbeName {
            number: self.probes.len() + 1,
            title,
        }
    }

    fn name_of(&self, number: usize) -> Option<ProbeName> {
        let probe = self.probes.get(number.checked_sub(1)?)?;
        Some(ProbeName {
            number,
            title: probe.title.clone(),
        })
    }
}
