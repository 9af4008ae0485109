//! What those ask each other who have nothing to do with containers: before an implementation comes, and after it has
//! undone everything. What stays of its rules may change nothing of it.

use std::cell::Cell;
use std::net::IpAddr;

use super::RunError;
use super::observe::{Observer, Origin};
use super::services::start;
use super::timing::Clock;
use super::trial_run::lab_number;
use crate::adapter::Scenario;
use crate::address::Family;
use crate::case::{Backend, ProbeKind};
use crate::finding::{Leftover, LeftoverChange, What};
use crate::lab::{FinishedLabs, Lab};
use crate::packet::Token;
use crate::path::{Line, Passage, draw_neutral};
use crate::plan::{Roles, contract};
use crate::probe::{ProbeRequest, SOURCE_PORT, Service};

/// A port of `outside` with a service, which no case publishes on the host.
const SERVICE_PORT: u16 = 4433;
/// First source port: behind those of a case's own probes.
const FIRST_PORT: u16 = SOURCE_PORT + 1000;
/// First number of these probes in captures: behind those of a case's own.
const FIRST_NUMBER: u16 = 1000;
/// Bytes of an echo request as `ping` sends it, and of everything else: the token alone.
const PING_PAYLOAD: usize = 56;
const TOKEN_PAYLOAD: usize = 16;

/// Who asks whom, and which way it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    from: &'static str,
    to: IpAddr,
    kind: ProbeKind,
    port: u16,
    by: Wayside,
}

/// Which way the packets of a question go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wayside {
    /// By the lab's own routes.
    Straight,
    /// Through the host, and the answers past it.
    ThereByHost,
    /// Through the host in both directions.
    BothByHost,
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    fate: String,
    /// The path as its ends saw it.
    path: Vec<Line>,
}

/// The questions, and how they ended before the implementation came.
#[derive(Debug)]
pub(super) struct Bystanders {
    asked: Vec<(Question, Ended)>,
    roles: Roles,
    lab: u32,
    /// Probes sent so far.
    sent: Cell<u16>,
}

impl Bystanders {
    /// Asks everything in a lab that no implementation has touched yet, and leaves the host as it was. With `transit`,
    /// also by a way through the host.
    pub(super) fn before(
        lab: &Lab,
        scenario: &Scenario,
        transit: bool,
        finished: &FinishedLabs,
    ) -> Result<Self, RunError> {
        let mut bystanders = Self {
            asked: Vec::new(),
            roles: Roles {
                ports: vec![SERVICE_PORT],
                ..contract::roles()
            },
            lab: lab_number(),
            sent: Cell::new(0),
        };
        let mut observer = Observer::arm(lab, super::Watch::All)?;
        let questions = questions(scenario, transit);
        let ends = bystanders.ask(&questions, lab, &mut observer)?;
        bystanders.asked = questions.into_iter().zip(ends).collect();
        observer.disarm(finished)?;
        Ok(bystanders)
    }

    /// Asks everything again. What ends otherwise, a sentence each, with the rule that spoke.
    pub(super) fn after(&self, lab: &Lab, observer: &mut Observer) -> Result<Vec<What>, RunError> {
        let questions: Vec<Question> = self
            .asked
            .iter()
            .map(|(question, _)| question.clone())
            .collect();
        let now = self.ask(&questions, lab, observer)?;
        let pairs = self.asked.iter().zip(&now);
        Ok(pairs
            .filter_map(|((question, before), now)| differs(question, before, now))
            .collect())
    }

    fn ask(
        &self,
        questions: &[Question],
        lab: &Lab,
        observer: &mut Observer,
    ) -> Result<Vec<Ended>, RunError> {
        let services = contract::services_outside(SERVICE_PORT);
        let started: Result<_, _> = services
            .map(|service| start(lab, &service, Family::Ipv4))
            .collect();
        let mut services: Vec<Service> = started?;
        let nodes = lab.read_nodes()?;
        let mut ends = Vec::new();
        let mut way = Wayside::Straight;
        for question in questions {
            if question.by != way {
                turn(lab, way, false)?;
                way = question.by;
                turn(lab, way, true)?;
            }
            lab.prepare_neighbours(question.from, question.to)?;
            let origin = Origin {
                lab,
                nodes: nodes.clone(),
                from: question.from,
            };
            ends.push(self.ask_one(question, origin, observer, &mut services)?);
        }
        turn(lab, way, false)?;
        Ok(ends)
    }

    fn ask_one(
        &self,
        question: &Question,
        origin: Origin<'_>,
        observer: &mut Observer,
        services: &mut [Service],
    ) -> Result<Ended, RunError> {
        let number = self.sent.get();
        self.sent.set(number + 1);
        let is_ping = question.kind == ProbeKind::IcmpEcho;
        let request = ProbeRequest {
            kind: question.kind,
            destination: question.to,
            port: question.port,
            source_port: FIRST_PORT + number,
            token: Token::new(std::process::id(), self.lab, number.into()),
            size: if is_ping { PING_PAYLOAD } else { TOKEN_PAYLOAD },
            ttl: None,
            tos: None,
            dont_fragment: None,
        };
        let number = usize::from(FIRST_NUMBER + number);
        let recorded = observer.follow(origin, &request, number, services, &mut Clock::start())?;
        Ok(Ended {
            fate: recorded.path.fate.to_string(),
            path: draw_neutral(&recorded.path, Passage::Through, &self.roles),
        })
    }
}

fn questions(scenario: &Scenario, transit: bool) -> Vec<Question> {
    let question = |from, to, kind, port, by| Question {
        from,
        to,
        kind,
        port,
        by,
    };
    let (host, lan) = (contract::UPLINK.address, contract::LAN.address);
    let straight = |from, to, kind, port| question(from, to, kind, port, Wayside::Straight);
    let mut all = vec![
        straight("lan", host, ProbeKind::IcmpEcho, 0),
        straight("host", lan, ProbeKind::IcmpEcho, 0),
        straight("host", contract::OUTSIDE.address, ProbeKind::IcmpEcho, 0),
        straight(
            "host",
            contract::OUTSIDE.address,
            ProbeKind::Tcp,
            SERVICE_PORT,
        ),
        straight(
            "host",
            contract::OUTSIDE.address,
            ProbeKind::Udp,
            SERVICE_PORT,
        ),
        straight("lan", host, ProbeKind::TcpFin, SERVICE_PORT),
    ];
    // Nobody has what was published any more: the host refuses it by itself.
    let mut published: Vec<(ProbeKind, u16)> = scenario
        .containers
        .iter()
        .flat_map(|container| &container.publish)
        .map(|port| (ProbeKind::from(port.protocol), port.host_port))
        .collect();
    published.sort_by_key(|(kind, port)| (*kind == ProbeKind::Udp, *port));
    published.dedup();
    all.extend(
        published
            .into_iter()
            .map(|(kind, port)| straight("lan", host, kind, port)),
    );
    if transit {
        for by in [Wayside::ThereByHost, Wayside::BothByHost] {
            for (kind, port) in [
                (ProbeKind::IcmpEcho, 0),
                (ProbeKind::Tcp, SERVICE_PORT),
                (ProbeKind::Udp, SERVICE_PORT),
                (ProbeKind::TcpFin, SERVICE_PORT),
            ] {
                all.push(question("lan", contract::OUTSIDE.address, kind, port, by));
            }
        }
    }
    all
}

/// Adds the routes of a way, or takes them away.
fn turn(lab: &Lab, way: Wayside, add: bool) -> Result<(), RunError> {
    let there = ("lan", contract::OUTSIDE.address);
    let back = ("gateway", contract::LAN.address);
    let turned = match way {
        Wayside::Straight => vec![],
        Wayside::ThereByHost => vec![there],
        Wayside::BothByHost => vec![there, back],
    };
    let (verb, host) = (if add { "add" } else { "del" }, contract::UPLINK.address);
    for (node, to) in turned {
        let command = format!("ip route {verb} {to} via {host}");
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let ran = lab.run(node, &argv, Backend::IptablesNft);
        ran.map_err(RunError::Preparation)?;
    }
    Ok(())
}

/// What is otherwise, if anything. A fate names the rule that dropped the packet.
fn differs(question: &Question, before: &Ended, now: &Ended) -> Option<What> {
    if before.path == now.path {
        return None;
    }
    let Question {
        from,
        to,
        kind,
        port,
        by,
    } = question;
    let port = match kind {
        ProbeKind::IcmpEcho | ProbeKind::IpProtocol | ProbeKind::IcmpReply => String::new(),
        _ => format!(":{port}"),
    };
    let by = match by {
        Wayside::Straight => "",
        Wayside::ThereByHost => ", sent through the host",
        Wayside::BothByHost => ", through the host in both directions",
    };
    let what = if before.fate == now.fate {
        format!("{} on another way than before set-up", now.fate)
    } else {
        format!("{} before set-up, {} now", before.fate, now.fate)
    };
    Some(What::Leftover(Leftover {
        change: LeftoverChange::Changed,
        kind: String::from("packets"),
        entry: format!("{from} → {to}{port}  {}{by}: {what}", kind.in_words()),
    }))
}
