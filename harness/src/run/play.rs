//! A trial at work: its steps one after another, what they showed, and the evidence of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::folder;
use super::judge::{doubled, gap, judge};
use super::observe::{Observer, Origin, Recorded};
use super::scene::Scene;
use super::timing::{Clock, Phase};
use super::{GoldenUse, Options, Outcome, ProbeRecord, RunError, Trial, TrialResult};
use crate::case::{Case, Change, Endpoint, Exchange, Send, Step};
use crate::golden::{self, Comparison};
use crate::lab::Graveyard;
use crate::packet::Token;
use crate::path::{Way, account, by_wiring, render, render_neutral};
use crate::probe::{Protocol, Request, SOURCE_PORT};

/// Payload of an echo request in bytes, as `ping` sends it.
const PING_PAYLOAD: usize = 56;
/// Payload of a UDP or TCP probe in bytes: the token.
const TOKEN_PAYLOAD: usize = 16;

/// Labs made by this process, so that each has tokens of its own.
static LABS: AtomicU32 = AtomicU32::new(0);

/// A trial at work.
pub(super) struct Play {
    clock: Clock,
    pub(super) scene: Scene,
    pub(super) observer: Observer,
    lab_number: u32,
    text: String,
    /// The paths with their real names and rules.
    detail: String,
    probes: Vec<ProbeRecord>,
    pub(super) recorded: Vec<Recorded>,
    wrong: Vec<String>,
    /// Probes about which netfilter's part has been told.
    accounted: Vec<usize>,
    /// What is no mistake and must not be hidden.
    told: Vec<String>,
    case: Arc<Case>,
    errored: Option<RunError>,
}

impl Play {
    pub(super) fn start(trial: &Trial, options: &Options) -> Result<Self, RunError> {
        let mut clock = Clock::start();
        let scene = Scene::set(trial, &mut clock)?;
        let legacy = trial.backend == crate::case::Backend::IptablesLegacy;
        let observer = Observer::arm(scene.lab(), legacy, options.watch)?;
        clock.lap(Phase::Arm);
        Ok(Self {
            clock,
            scene,
            observer,
            lab_number: LABS.fetch_add(1, Ordering::Relaxed),
            text: String::new(),
            detail: String::new(),
            probes: Vec::new(),
            recorded: Vec::new(),
            wrong: Vec::new(),
            accounted: Vec::new(),
            told: Vec::new(),
            case: trial.case.clone(),
            errored: None,
        })
    }

    /// Plays every step and compares what was seen with the golden.
    pub(super) fn steps(&mut self, trial: &Trial, options: &Options) {
        let played = trial.case.steps.iter().try_for_each(|step| self.step(step));
        let verdict = played.and_then(|()| self.compare(trial, options));
        self.clock.lap(Phase::Compare);
        match verdict {
            Ok(()) => {}
            // What it was asked for in a step it has not done.
            Err(RunError::Implementation(error)) => self.wrong.push(error.to_string()),
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
        let changed = self.scene.change(&self.case, change)?;
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
        self.paragraph(&said);
        self.detail.push_str(&format!("{said}\n\n"));
        for wrong in changed.wrong {
            self.wrong.push(format!("line {line}: {wrong}"));
        }
        self.told.extend(changed.told);
        Ok(())
    }

    fn inspect(&mut self, step: &Step) -> Result<(), RunError> {
        for routes in &step.routes {
            let seen = self.scene.lab().routes(routes.of.as_str())?;
            self.list(
                step.line,
                &format!("routes of {}", routes.of),
                &routes.are,
                &seen,
            );
        }
        for interfaces in &step.interfaces {
            let seen = self.scene.lab().interfaces(interfaces.of.as_str())?;
            let what = format!("interfaces of {}", interfaces.of);
            self.list(step.line, &what, &interfaces.are, &seen);
        }
        if let Some(same) = &step.same {
            let mut inodes = Vec::new();
            for node in &same.nodes {
                inodes.push(self.scene.lab().netns(node.as_str())?.inode()?);
            }
            let names: Vec<&str> = same.nodes.iter().map(|node| node.as_str()).collect();
            let shared = inodes.windows(2).all(|pair| pair[0] == pair[1]);
            let word = if shared { "one" } else { "different" };
            self.paragraph(&format!("namespace of {}: {word}", names.join(" and ")));
            if !shared {
                self.wrong.push(format!(
                    "line {}: {} must share one network namespace and do not",
                    step.line,
                    names.join(" and ")
                ));
            }
        }
        Ok(())
    }

    fn list(&mut self, line: usize, what: &str, expected: &[String], seen: &[String]) {
        let mut text = format!("{what}:");
        for entry in seen {
            text.push_str("\n  ");
            text.push_str(entry);
        }
        if seen.is_empty() {
            text.push_str(" none");
        }
        self.paragraph(&text);
        if !same_entries(expected, seen) {
            self.wrong.push(format!(
                "line {line}: {what}: expected [{}], seen [{}]",
                expected.join("; "),
                seen.join("; ")
            ));
        }
    }

    fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text.trim_end());
        self.text.push('\n');
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
                let drawn = render_neutral(&recorded.path, way, stage.roles());
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
                (title(exchange, &destination), render(&recorded.path), wrong)
            }
        };
        wrong.extend(doubled(&recorded.path));
        let detail = render(&by_wiring(&recorded.path, &recorded.evidence.nodes));
        self.paragraph(&format!("probe {number}  {title}\n{drawn}"));
        self.detail
            .push_str(&format!("probe {number}  {title}\n{detail}\n"));
        let is_right = wrong.is_empty();
        for wrong in wrong {
            self.wrong
                .push(format!("line {line}, probe {number} ({title}): {wrong}"));
        }
        self.probes.push(ProbeRecord {
            title,
            path: recorded.path.clone(),
        });
        if !is_right {
            self.account(number);
        }
        self.recorded.push(recorded);
        self.clock.lap(Phase::Compare);
        Ok(())
    }

    /// Says what netfilter did to a probe of a contract, whose golden leaves it out. A recipe's shows it.
    fn account(&mut self, number: usize) {
        if self.scene.contracted().is_none() || self.accounted.contains(&number) {
            return;
        }
        let probe = number.checked_sub(1).and_then(|at| self.probes.get(at));
        let Some(probe) = probe else { return };
        let lines = account(&probe.path, "host");
        let lines = lines.iter().map(|line| format!("probe {number}, {line}"));
        self.wrong.extend(lines);
        self.accounted.push(number);
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
        let (said, probe) = match golden::compare(golden.as_ref(), &self.text) {
            Comparison::Same => return Ok(()),
            Comparison::New => {
                let said = String::from("there is no golden path for this case yet");
                (said, None)
            }
            Comparison::Different(difference) => {
                (difference.to_string(), number_of(&difference.probe))
            }
        };
        let is_known = trial.expected_failure().is_some();
        let cure = if is_known {
            String::from("this is a known defect: there is nothing to accept")
        } else if options.golden_use == GoldenUse::Compare {
            match golden::write_pending(&options.golden, id, &self.text) {
                Ok(pending) => format!(
                    "what was seen is in {}; if it is right: goldpath accept {id}, or cargo insta review",
                    pending.display()
                ),
                // The outcome stands; what is missing is said beside it.
                Err(error) => format!("{error}; if what was seen is right: goldpath accept {id}"),
            }
        } else {
            format!("if what was seen is right, run where you can review it: goldpath accept {id}")
        };
        self.wrong.push(said);
        if let Some(number) = probe {
            self.account(number);
        }
        self.wrong.push(cure);
        Ok(())
    }

    pub(super) fn finish(
        mut self,
        trial: &Trial,
        options: &Options,
        graveyard: &Graveyard,
    ) -> TrialResult {
        let mut outcome = match (&self.errored, self.wrong.is_empty()) {
            (Some(_), _) => Outcome::Errored,
            (None, true) => Outcome::Passed,
            (None, false) => Outcome::Failed,
        };
        let mut message = [self.wrong.as_slice(), &self.told].concat().join("\n");
        if let Some(error) = &self.errored {
            message = format!("{error}\n{message}").trim_end().to_owned();
        }
        let mut evidence = None;
        if outcome != Outcome::Passed
            && let Some(root) = &options.evidence
        {
            let rerun = options.rerun.line(trial);
            let record = folder::Record {
                trial,
                scene: &self.scene,
                captured: self.observer.captured(),
                recorded: &self.recorded,
                text: &self.text,
                message: message.clone(),
                rerun: rerun.clone(),
            };
            match folder::save(root, &record) {
                Ok(path) => {
                    message = format!("{message}\nevidence: {}\nagain: {rerun}", path.display());
                    evidence = Some(path);
                }
                // The outcome stands; what is missing is said beside it.
                Err(error) => message = format!("{message}\n{error}"),
            }
        }
        for error in self.scene.clear() {
            if outcome == Outcome::Passed {
                outcome = Outcome::Failed;
            }
            message = format!("{message}\nteardown: {error}")
                .trim_start()
                .to_owned();
        }
        self.scene.bury(self.observer, graveyard);
        self.clock.lap(Phase::Bury);
        TrialResult {
            outcome,
            message,
            text: self.text,
            detail: self.detail,
            probes: self.probes,
            evidence,
            duration: std::time::Duration::ZERO,
            timings: self.clock.timings().clone(),
        }
    }
}

/// Whether two lists hold the same entries, each as often, in whatever order.
fn same_entries(expected: &[String], seen: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    sorted(expected) == sorted(seen)
}

/// The number in a probe's heading, `probe 2  c1 → outside`.
fn number_of(heading: &str) -> Option<usize> {
    heading
        .strip_prefix("probe ")?
        .split(' ')
        .next()?
        .parse()
        .ok()
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
