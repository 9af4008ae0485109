//! A trial at work: its steps one after another, what they showed, and the evidence of it.

use goldpath_report::AnswersReport;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::causes::{causes, dropped};
use super::contract_lab::Changed;
use super::folder;
use super::observe::{Observer, Origin};
use super::timing::{Clock, Phase};
use super::trial_lab::TrialLab;
use super::{GoldenUse, Options, RuleTried, RunError, Trial, TrialResult};
use crate::adapter::Circumstance;
use crate::ask::{Flows, Numbers};
use crate::case::{Case, Endpoint, Exchange, Level, NetworkEvent, ProbeKind, Step};
use crate::finding::{Defect, Finding, Review, What};
use crate::golden;
use crate::intent::LASTING;
use crate::judge::{Judgement, Outcome, ProbeSeen, Recording, Seen, hold_against};
use crate::lab::FinishedLabs;
use crate::packet::Token;
use crate::path::PacketPath;
use crate::probe::{ProbeRequest, SOURCE_PORT};

/// Payload of an echo request in bytes, as `ping` sends it.
const PING_PAYLOAD: usize = 56;
/// Payload of a UDP or TCP probe in bytes: the token.
const TOKEN_PAYLOAD: usize = 16;

/// Numbers of probes that are sent again to see why they are lost lie behind those of any case.
const AGAIN: usize = 500;

/// Labs made by this process, so that each has tokens of its own.
static LABS: AtomicU32 = AtomicU32::new(0);

/// A number for tokens that no other lab of this process has.
pub(super) fn lab_number() -> u32 {
    LABS.fetch_add(1, Ordering::Relaxed)
}

/// A trial at work.
pub(super) struct TrialRun {
    pub(super) clock: Clock,
    pub(super) lab: TrialLab,
    pub(super) observer: Observer,
    lab_number: u32,
    /// Tokens and ports of its tables.
    pub(super) numbers: Numbers,
    /// Flows of its tables.
    pub(super) flows: Flows,
    /// Containers that have known a gateway by an address that was no longer its own, at any of its tables.
    pub(super) misled: BTreeSet<String>,
    /// Containers whose announcement nobody heard when they came.
    pub(super) unheard: BTreeSet<String>,
    pub(super) judgement: Judgement,
    /// What was seen, in order: the judgement's whole input.
    pub(super) seen: Vec<Seen>,
    pub(super) case: Arc<Case>,
    /// Rules that were taken away for a while.
    pub(super) tried: Vec<RuleTried>,
    /// Tables that were asked, and what came of their questions.
    pub(super) tables_asked: usize,
    pub(super) answers: Vec<AnswersReport>,
    golden_sha256: Option<String>,
}

impl TrialRun {
    pub(super) fn start(
        trial: &Trial,
        options: &Options,
        finished: &FinishedLabs,
    ) -> Result<Self, RunError> {
        let mut clock = Clock::start();
        let lab = TrialLab::build(trial, options.tables, &mut clock, finished)?;
        let observer = Observer::arm(lab.live(), options.watch)?;
        clock.lap(Phase::Arm);
        let lab_number = LABS.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            clock,
            lab,
            observer,
            lab_number,
            numbers: Numbers::of_lab(lab_number),
            flows: Flows::default(),
            misled: BTreeSet::new(),
            unheard: BTreeSet::new(),
            judgement: Judgement::default(),
            seen: Vec::new(),
            case: trial.case.clone(),
            tried: Vec::new(),
            tables_asked: 0,
            answers: Vec::new(),
            golden_sha256: None,
        })
    }

    /// Does every step and compares what was seen with the golden.
    pub(super) fn steps(&mut self, trial: &Trial, options: &Options) {
        let case = Arc::clone(&self.case);
        let mut done = Ok(());
        for position in 0..case.steps.len() {
            done = done
                .and_then(|()| self.step(position))
                .and_then(|()| self.table_after(position, trial, options));
        }
        let compared = done.and_then(|()| self.compare(trial, options));
        self.clock.lap(Phase::Compare);
        match compared {
            Ok(()) => {}
            // What it was asked for in a step it has not done.
            Err(RunError::Implementation(error)) => {
                let said = error.to_string();
                self.take(Seen::Refused { said });
            }
            Err(error) => {
                let said = error.to_string();
                self.take(Seen::Broken { said });
            }
        }
    }

    /// Has something judged, and keeps it. Returns whether it is right.
    pub(super) fn take(&mut self, seen: Seen) -> bool {
        let is_right = self.judgement.take(&self.case, &seen);
        self.seen.push(seen);
        is_right
    }

    /// Does the step at this position of the case.
    pub(super) fn step(&mut self, position: usize) -> Result<(), RunError> {
        let case = Arc::clone(&self.case);
        let Some(step) = case.steps.get(position) else {
            return Ok(());
        };
        if let Some(change) = &step.change {
            self.change(position, change)?;
        }
        if self.lab.configure(step)? {
            self.observer.rules_changed();
        }
        self.clock.lap(Phase::Commands);
        self.inspect(position, step)?;
        self.clock.lap(Phase::Lookups);
        if let Some(exchange) = &step.exchange {
            self.exchange(position, exchange)?;
        }
        Ok(())
    }

    fn change(&mut self, step: usize, change: &NetworkEvent) -> Result<(), RunError> {
        match change {
            NetworkEvent::Remove(name) | NetworkEvent::Lose(name) => {
                self.flows.hang_up(name.as_str())?;
                self.flows.retain(|node| node != name.as_str());
            }
            // What is left of the others is looked for.
            NetworkEvent::Teardown { .. } => {
                self.flows
                    .retain(|node| node != "host" && LASTING.contains(&node));
            }
            _ => {}
        }
        let changed = self.lab.change(&self.case, change, &mut self.observer)?;
        if let NetworkEvent::Add(name) = change
            && self.lab.live().is_unheard(name.as_str())?
        {
            self.unheard.insert(name.to_string());
        }
        if let Some(name) = &changed.came {
            self.observer.watch_also(name, self.lab.live())?;
        }
        self.observer.forget_reports()?;
        let Changed {
            wrong,
            told,
            waited,
            ..
        } = changed;
        self.clock
            .lap_but((Phase::Removals, waited), Phase::Commands);
        self.take(Seen::Change { step, wrong, told });
        Ok(())
    }

    /// The known defect because of which this trial is expected to fail, if there is one.
    fn expected_failure(&self, trial: &Trial) -> Option<Defect> {
        let lost = (!self.unheard.is_empty()).then_some(Circumstance::AnnouncementLost);
        trial.expected_failure(lost.as_slice())
    }

    fn inspect(&mut self, position: usize, step: &Step) -> Result<(), RunError> {
        for (list, routes) in step.routes.iter().enumerate() {
            let are = self.lab.live().routes(routes.of.as_str())?;
            self.take(Seen::Routes {
                step: position,
                list,
                are,
            });
        }
        for (list, interfaces) in step.interfaces.iter().enumerate() {
            let are = self.lab.live().interfaces(interfaces.of.as_str())?;
            self.take(Seen::Interfaces {
                step: position,
                list,
                are,
            });
        }
        if let Some(same) = &step.same {
            let mut inodes = Vec::new();
            for node in &same.nodes {
                inodes.push(self.lab.live().netns(node.as_str())?.inode()?);
            }
            self.take(Seen::Namespaces {
                step: position,
                shared: inodes.windows(2).all(|pair| pair[0] == pair[1]),
            });
        }
        Ok(())
    }

    fn exchange(&mut self, step: usize, exchange: &Exchange) -> Result<(), RunError> {
        let probe = &exchange.probe;
        let number = self.judgement.probes.len() + 1;
        let destination = self.address(&probe.to)?;
        let request = self.request(exchange, destination, number);
        let again = self.request(exchange, destination, number + AGAIN);
        let from = probe.from.as_str();
        self.lab.live().prepare_neighbours(from, destination)?;
        self.clock.lap(Phase::Neighbours);
        let lab = self.lab.live();
        let services = self.lab.services();
        let origin = Origin {
            lab,
            nodes: self.lab.nodes()?,
            from,
        };
        let recorded = self.observer.follow(
            origin,
            &request,
            number,
            &mut services.borrow_mut(),
            &mut self.clock,
        )?;
        let evidence = recorded.evidence;
        let is_right = self.take(Seen::Probe(Box::new(ProbeSeen {
            step,
            known: self.lab.known(exchange, &evidence),
            roles: self.lab.roles(),
            evidence,
        })));
        if !is_right {
            self.ask_causes(&recorded.path, &again);
        }
        self.clock.lap(Phase::Compare);
        Ok(())
    }

    /// Asks the lab what it still answers about the last probe.
    fn ask_causes(&mut self, path: &PacketPath, again: &ProbeRequest) {
        let Some(evidence) = self.seen.last().and_then(Seen::evidence) else {
            return;
        };
        let lab = self.lab.live();
        let asked = match causes(lab, evidence, path) {
            // Nobody can say what became of a probe that is not watched.
            Ok(causes) if causes.is_empty() && self.observer.watches() => {
                let mut services = self.lab.services().borrow_mut();
                dropped(lab, evidence, path, again, &mut services)
            }
            other => other.map_err(RunError::from),
        };
        let (causes, unread) = match asked {
            Ok(causes) => (causes, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        self.take(Seen::Causes { causes, unread });
    }

    fn address(&self, endpoint: &Endpoint) -> Result<IpAddr, RunError> {
        self.lab
            .resolve(endpoint)
            .ok_or_else(|| RunError::NoAddress {
                endpoint: endpoint.to_string(),
            })
    }

    fn request(&self, exchange: &Exchange, destination: IpAddr, number: usize) -> ProbeRequest {
        let probe = &exchange.probe;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let (size, first_port) = match probe.send {
            ProbeKind::IcmpEcho => (PING_PAYLOAD, 0),
            ProbeKind::IpProtocol | ProbeKind::IcmpReply => (TOKEN_PAYLOAD, 0),
            ProbeKind::Udp | ProbeKind::Tcp | ProbeKind::TcpFin => (TOKEN_PAYLOAD, SOURCE_PORT),
        };
        ProbeRequest {
            kind: probe.send,
            destination,
            port: probe.port.unwrap_or_default(),
            // A port of its own for each probe: no connection of an earlier one lingers in conntrack.
            source_port: probe.source_port.unwrap_or(first_port + number),
            token: Token::new(std::process::id(), self.lab_number, number.into()),
            size: probe
                .size
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(size),
            ttl: probe.ttl,
            tos: probe.tos,
            dont_fragment: probe.dont_fragment,
        }
    }

    fn compare(&mut self, trial: &Trial, options: &Options) -> Result<(), RunError> {
        if options.golden_use == GoldenUse::Ignore {
            return Ok(());
        }
        let id = trial.case.id.as_str();
        let golden = golden::read_of(&options.golden, &self.case)?;
        self.golden_sha256 = golden.as_ref().map(|golden| golden.sha256.clone());
        if self.judgement.compare(&self.case, golden.as_ref()) {
            return Ok(());
        }
        let is_known = self.expected_failure(trial).is_some();
        let review = if is_known {
            Review::Nothing
        } else if options.golden_use == GoldenUse::Compare {
            match golden::write_pending(&options.golden, id, &self.judgement.drawing) {
                Ok(pending) => Review::Pending(pending.display().to_string()),
                // The outcome stands; what is missing is said beside it.
                Err(error) => Review::NotWritten(error.to_string()),
            }
        } else {
            Review::Elsewhere
        };
        let id = options.rerun.also(trial);
        self.judgement.add(Finding::of(What::Review { id, review }));
        Ok(())
    }

    pub(super) fn finish(
        mut self,
        trial: &Trial,
        options: &Options,
        finished: &FinishedLabs,
    ) -> TrialResult {
        let mut outcome = self.judgement.outcome();
        let is_mild = self.judgement.is_mild();
        let defect = self.expected_failure(trial);
        let mut findings = self.judgement.findings();
        let recording = Recording {
            version: Recording::VERSION,
            goldpath: env!("CARGO_PKG_VERSION").to_owned(),
            trial: trial.to_string(),
            case: trial.case.text.to_string(),
            defect: defect.clone(),
            findings: findings.clone(),
            seen: self.seen,
        };
        let mut evidence = None;
        let not_saved = |error: RunError| {
            Finding::of(What::NotSaved {
                said: error.to_string(),
            })
        };
        if let Some(root) = &options.record {
            let saved = folder::record(root, trial, &recording);
            findings.extend(saved.map_err(not_saved).err());
        }
        if outcome != Outcome::Passed
            && let Some(root) = &options.evidence
        {
            let record = folder::Record {
                trial,
                lab: &self.lab,
                captured: self.observer.captured(),
                recording: &recording,
                text: &self.judgement.drawing.to_string(),
                message: (options.words)(&findings),
                findings: &findings,
                rerun: options.rerun.line(trial),
            };
            match folder::save(root, &record) {
                Ok(path) => evidence = Some(path),
                // The outcome stands; what is missing is said beside it.
                Err(error) => findings.push(not_saved(error)),
            }
        }
        let errors = self.lab.clear();
        let torn_down = errors.is_empty();
        for error in errors {
            if outcome == Outcome::Passed {
                outcome = Outcome::Failed;
            }
            let said = error.to_string();
            findings.push(Finding::of(What::Teardown { said }));
        }
        self.flows.end_unheard();
        self.lab.end(self.observer, finished);
        self.clock.lap(Phase::End);
        let level = match self.case.level {
            Level::Must if outcome == Outcome::Failed && is_mild && torn_down => Level::Should,
            of_case => of_case,
        };
        if let Some(defect) = defect {
            let has_probes = !self.judgement.probes.is_empty();
            hold_against(&defect, &mut outcome, &mut findings, has_probes);
        }
        TrialResult {
            outcome,
            level,
            findings,
            drawing: self.judgement.drawing,
            detail: self.judgement.detail,
            probes: self.judgement.probes,
            tried: self.tried,
            answers: self.answers,
            golden_sha256: self.golden_sha256,
            evidence,
            rerun: String::new(),
            duration: std::time::Duration::ZERO,
            timings: self.clock.timings().clone(),
        }
    }
}
