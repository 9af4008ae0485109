//! A trial at work: its steps one after another, what they showed, and the evidence of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::causes::causes;
use super::folder;
use super::judge::{doubled, gap, judge};
use super::observe::{Observer, Origin, Recorded};
use super::scene::Scene;
use super::timing::{Clock, Phase};
use super::{GoldenUse, Options, Outcome, ProbeRecord, RunError, Trial, TrialResult};
use crate::ask::Numbers;
use crate::case::{Case, Change, Endpoint, Exchange, Level, NodeName, Send, Step};
use crate::finding::{Finding, ProbeName, Review, What};
use crate::golden::{self, Comparison};
use crate::lab::Graveyard;
use crate::packet::Token;
use crate::path::{Drawing, Way, account, by_wiring, draw, draw_neutral};
use crate::probe::{Protocol, Request, SOURCE_PORT};

/// Payload of an echo request in bytes, as `ping` sends it.
const PING_PAYLOAD: usize = 56;
/// Payload of a UDP or TCP probe in bytes: the token.
const TOKEN_PAYLOAD: usize = 16;

/// Labs made by this process, so that each has tokens of its own.
static LABS: AtomicU32 = AtomicU32::new(0);

/// A number for tokens that no other lab of this process has.
pub(super) fn lab_number() -> u32 {
    LABS.fetch_add(1, Ordering::Relaxed)
}

/// A trial at work.
pub(super) struct Play {
    pub(super) clock: Clock,
    pub(super) scene: Scene,
    pub(super) observer: Observer,
    lab_number: u32,
    /// Tokens and ports of its tables.
    pub(super) numbers: Numbers,
    /// What is compared with the golden.
    drawing: Drawing,
    /// The paths with their real names and rules.
    detail: Drawing,
    pub(super) probes: Vec<ProbeRecord>,
    pub(super) recorded: Vec<Recorded>,
    pub(super) findings: Vec<Finding>,
    /// What is no mistake and must not be hidden.
    told: Vec<Finding>,
    pub(super) case: Arc<Case>,
    errored: Option<RunError>,
}

impl Play {
    pub(super) fn start(trial: &Trial, options: &Options) -> Result<Self, RunError> {
        let mut clock = Clock::start();
        let scene = Scene::set(trial, &mut clock)?;
        let observer = Observer::arm(scene.lab(), options.watch)?;
        clock.lap(Phase::Arm);
        let lab_number = LABS.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            clock,
            scene,
            observer,
            lab_number,
            numbers: Numbers::of_lab(lab_number),
            drawing: Drawing::default(),
            detail: Drawing::default(),
            probes: Vec::new(),
            recorded: Vec::new(),
            findings: Vec::new(),
            told: Vec::new(),
            case: trial.case.clone(),
            errored: None,
        })
    }

    /// Plays every step and compares what was seen with the golden.
    pub(super) fn steps(&mut self, trial: &Trial, options: &Options) {
        let mut played = Ok(());
        for (position, step) in trial.case.steps.iter().enumerate() {
            let last = position + 1 == trial.case.steps.len();
            played = played
                .and_then(|()| self.step(step))
                .and_then(|()| self.table_after(step, last, trial, options));
        }
        let verdict = played.and_then(|()| self.compare(trial, options));
        self.clock.lap(Phase::Compare);
        match verdict {
            Ok(()) => {}
            // What it was asked for in a step it has not done.
            Err(RunError::Implementation(error)) => {
                let said = error.to_string();
                self.findings
                    .push(Finding::of(What::Implementation { said }));
            }
            Err(error) => self.errored = Some(error),
        }
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<(), RunError> {
        if let Some(change) = &step.change {
            self.change(step.line, change)?;
        }
        if self.scene.configure(step)? {
            self.observer.rules_changed();
        }
        self.clock.lap(Phase::Commands);
        self.inspect(step)?;
        self.clock.lap(Phase::Lookups);
        if let Some(exchange) = &step.exchange {
            self.exchange(step.line, exchange)?;
        }
        Ok(())
    }

    fn change(&mut self, line: usize, change: &Change) -> Result<(), RunError> {
        let changed = self.scene.change(&self.case, change, &mut self.observer)?;
        if let Some(name) = &changed.came {
            self.observer.watch_also(name, self.scene.lab())?;
        }
        self.observer.forget_reports()?;
        let said = match change {
            Change::Remove(name) => format!("{name} is removed"),
            Change::Add(name) => format!("{name} is added"),
            Change::Refuse(name) => format!("{name} is refused"),
            Change::Check { finds, .. } => format!("check finds {finds}"),
            Change::Teardown { .. } => String::from("teardown leaves nothing"),
        };
        self.drawing.say(&said);
        self.detail.say(&said);
        let wrong = changed.wrong.into_iter();
        self.findings
            .extend(wrong.map(|what| Finding::at(line, what)));
        self.told.extend(changed.told.into_iter().map(Finding::of));
        Ok(())
    }

    fn inspect(&mut self, step: &Step) -> Result<(), RunError> {
        for routes in &step.routes {
            let seen = self.scene.lab().routes(routes.of.as_str())?;
            self.list(step.line, "routes", &routes.of, &routes.are, &seen);
        }
        for interfaces in &step.interfaces {
            let seen = self.scene.lab().interfaces(interfaces.of.as_str())?;
            self.list(
                step.line,
                "interfaces",
                &interfaces.of,
                &interfaces.are,
                &seen,
            );
        }
        if let Some(same) = &step.same {
            let mut inodes = Vec::new();
            for node in &same.nodes {
                inodes.push(self.scene.lab().netns(node.as_str())?.inode()?);
            }
            let nodes: Vec<String> = same.nodes.iter().map(ToString::to_string).collect();
            let shared = inodes.windows(2).all(|pair| pair[0] == pair[1]);
            let word = if shared { "one" } else { "different" };
            self.drawing
                .say(&format!("namespace of {}: {word}", nodes.join(" and ")));
            if !shared {
                let finding = Finding::at(step.line, What::Apart { nodes });
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    /// Draws a list of a node, and compares it; its order means nothing.
    fn list(&mut self, line: usize, of: &str, node: &NodeName, are: &[String], seen: &[String]) {
        self.drawing.list(&format!("{of} of {node}"), seen);
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        if sorted(are) != sorted(seen) {
            let entries = What::Entries {
                of: of.to_owned(),
                node: node.to_string(),
                expected: are.to_vec(),
                seen: seen.to_vec(),
            };
            self.findings.push(Finding::at(line, entries));
        }
    }

    fn exchange(&mut self, line: usize, exchange: &Exchange) -> Result<(), RunError> {
        let probe = &exchange.probe;
        let number = self.probes.len() + 1;
        let destination = self.address(&probe.to)?;
        let request = self.request(exchange, destination, number);
        let from = probe.from.as_str();
        self.scene.lab().prepare_neighbours(from, destination)?;
        self.clock.lap(Phase::Neighbours);
        let lab = self.scene.lab();
        let services = self.scene.services();
        let origin = Origin {
            lab,
            nodes: self.scene.nodes()?,
            from,
        };
        let recorded = self.observer.follow(
            origin,
            &request,
            number,
            &mut services.borrow_mut(),
            &mut self.clock,
        )?;
        let answer = recorded.evidence.answer.as_ref();
        let (title, drawn, mut wrong) = match self.scene.contracted() {
            Some(stage) => {
                let way = stage.way(exchange);
                let drawn = draw_neutral(&recorded.path, way, stage.roles());
                let mut wrong = judge(exchange, &recorded.path, answer, &self.scene);
                // Between two connections of a proxy there is no wire to follow.
                wrong.extend(gap(&recorded.path).filter(|_| way == Way::Through));
                (
                    title(exchange, &exchange.probe.to.to_string()),
                    drawn,
                    wrong,
                )
            }
            None => {
                let mut wrong = judge(exchange, &recorded.path, answer, &self.scene);
                wrong.extend(gap(&recorded.path));
                let destination = destination.to_string();
                (title(exchange, &destination), draw(&recorded.path), wrong)
            }
        };
        wrong.extend(doubled(&recorded.path));
        let detail = draw(&by_wiring(&recorded.path, &recorded.evidence.nodes));
        self.detail.probe(number, &title, detail);
        self.drawing.probe(number, &title, drawn.clone());
        let name = ProbeName {
            number,
            title: title.clone(),
        };
        let is_right = wrong.is_empty();
        let wrong = wrong.into_iter();
        self.findings
            .extend(wrong.map(|what| Finding::at(line, what).about(name.clone())));
        self.probes.push(ProbeRecord {
            title,
            path: recorded.path.clone(),
            drawn,
        });
        if !is_right {
            let causes = causes(self.scene.lab(), &recorded.evidence, &recorded.path);
            let causes = causes.unwrap_or_else(|error| {
                // The outcome stands; what is missing is said beside it.
                let said = error.to_string();
                self.findings.push(Finding::of(What::NotSaved { said }));
                Vec::new()
            });
            let causes = causes.into_iter().map(|cause| What::Cause { cause });
            self.findings
                .extend(causes.map(|what| Finding::of(what).about(name.clone())));
            self.account(number);
        }
        self.recorded.push(recorded);
        self.clock.lap(Phase::Compare);
        Ok(())
    }

    /// Finds what netfilter did to a probe of a contract, whose golden leaves it out. A recipe's shows it.
    pub(super) fn account(&mut self, number: usize) {
        let is_of = |finding: &Finding| {
            let probe = finding.probe.as_ref().map(|probe| probe.number);
            matches!(finding.what, What::Netfilter(_)) && probe == Some(number)
        };
        if self.scene.contracted().is_none() || self.findings.iter().any(is_of) {
            return;
        }
        let probe = number.checked_sub(1).and_then(|at| self.probes.get(at));
        let Some(probe) = probe else { return };
        let name = ProbeName {
            number,
            title: probe.title.clone(),
        };
        let deeds = account(&probe.path, "host").into_iter();
        self.findings
            .extend(deeds.map(|deed| Finding::of(What::Netfilter(deed)).about(name.clone())));
    }

    fn address(&self, endpoint: &Endpoint) -> Result<IpAddr, RunError> {
        use super::judge::Resolve as _;
        self.scene
            .resolve(endpoint)
            .ok_or_else(|| RunError::NoAddress {
                endpoint: endpoint.to_string(),
            })
    }

    fn request(&self, exchange: &Exchange, destination: IpAddr, number: usize) -> Request {
        let probe = &exchange.probe;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let (protocol, size, first_port) = match probe.send {
            Send::IcmpEcho => (Protocol::IcmpEcho, PING_PAYLOAD, 0),
            Send::Udp => (Protocol::Udp, TOKEN_PAYLOAD, SOURCE_PORT),
            Send::Tcp => (Protocol::Tcp, TOKEN_PAYLOAD, SOURCE_PORT),
            Send::TcpFin => (Protocol::TcpFin, TOKEN_PAYLOAD, SOURCE_PORT),
        };
        Request {
            protocol,
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
        let golden = golden::read(&options.golden, id)?;
        let compared = golden::compare(golden.as_ref(), &self.drawing);
        if compared == Comparison::Same {
            return Ok(());
        }
        let is_known = trial.expected_failure().is_some();
        let review = if is_known {
            Review::Nothing
        } else if options.golden_use == GoldenUse::Compare {
            match golden::write_pending(&options.golden, id, &self.drawing) {
                Ok(pending) => Review::Pending(pending.display().to_string()),
                // The outcome stands; what is missing is said beside it.
                Err(error) => Review::NotWritten(error.to_string()),
            }
        } else {
            Review::Elsewhere
        };
        let id = id.to_owned();
        match compared {
            Comparison::Different(difference) => {
                let probe = difference.probe;
                let what = What::Golden { difference };
                self.findings.push(Finding::of(what));
                if let Some(number) = probe {
                    self.account(number);
                }
            }
            Comparison::New | Comparison::Same => self.findings.push(Finding::of(What::NoGolden)),
        }
        self.findings.push(Finding::of(What::Review { id, review }));
        Ok(())
    }

    pub(super) fn finish(
        mut self,
        trial: &Trial,
        options: &Options,
        graveyard: &Graveyard,
    ) -> TrialResult {
        let mut outcome = match &self.errored {
            Some(_) => Outcome::Errored,
            None if self.findings.is_empty() => Outcome::Passed,
            None if self.findings.iter().all(Finding::is_declared) => Outcome::ExpectedFailure,
            None => Outcome::Failed,
        };
        let is_mild = self.findings.iter().all(Finding::is_mild);
        let broken = self.errored.as_ref().map(|error| {
            let said = error.to_string();
            Finding::of(What::Broken { said })
        });
        let mut findings: Vec<Finding> = broken.into_iter().collect();
        findings.append(&mut self.findings);
        findings.append(&mut self.told);
        let mut evidence = None;
        if outcome != Outcome::Passed
            && let Some(root) = &options.evidence
        {
            let record = folder::Record {
                trial,
                scene: &self.scene,
                captured: self.observer.captured(),
                recorded: &self.recorded,
                text: &self.drawing.to_string(),
                message: (options.words)(&findings),
                findings: &findings,
                rerun: options.rerun.line(trial),
            };
            match folder::save(root, &record) {
                Ok(path) => evidence = Some(path),
                // The outcome stands; what is missing is said beside it.
                Err(error) => findings.push(Finding::of(What::NotSaved {
                    said: error.to_string(),
                })),
            }
        }
        let errors = self.scene.clear();
        let torn_down = errors.is_empty();
        for error in errors {
            if matches!(outcome, Outcome::Passed | Outcome::ExpectedFailure) {
                outcome = Outcome::Failed;
            }
            let said = error.to_string();
            findings.push(Finding::of(What::Teardown { said }));
        }
        self.scene.bury(self.observer, graveyard);
        self.clock.lap(Phase::Bury);
        let level = match self.case.level {
            Level::Must if outcome == Outcome::Failed && is_mild && torn_down => Level::Should,
            of_case => of_case,
        };
        TrialResult {
            outcome,
            level,
            findings,
            drawing: self.drawing,
            detail: self.detail,
            probes: self.probes,
            evidence,
            rerun: String::new(),
            duration: std::time::Duration::ZERO,
            timings: self.clock.timings().clone(),
        }
    }
}

/// A probe's heading.
fn title(exchange: &Exchange, destination: &str) -> String {
    let probe = &exchange.probe;
    let to = match probe.port {
        Some(port) if destination.contains(':') => format!("[{destination}]:{port}"),
        Some(port) => format!("{destination}:{port}"),
        None => destination.to_owned(),
    };
    let protocol = match probe.send {
        Send::IcmpEcho => Protocol::IcmpEcho,
        Send::Udp => Protocol::Udp,
        Send::Tcp => Protocol::Tcp,
        Send::TcpFin => Protocol::TcpFin,
    };
    format!("{} → {to}  {protocol}", probe.from)
}
