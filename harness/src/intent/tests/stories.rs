//! What the contract's stories say, held against the table: no story contradicts the intent, and what a `must` story asks
//! is answered by it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use super::super::cell::Cell;
use super::super::*;
use crate::address::Family;
use crate::case::{
    Case, CaseKind, Endpoint, Exchange, FateWord, Feature, Level, NetworkEvent, ProbeKind, discover,
};
use crate::plan::contract::LAN2_NODE;
use crate::plan::{ServiceSpec, Services};

/// The contract's cases of this repository.
pub(super) fn contract() -> Vec<Case> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let all = discover(&[cases]).unwrap_or_else(|errors| panic!("{errors:?}"));
    all.into_iter()
        .filter(|case| matches!(case.kind, CaseKind::Contract { .. }))
        .collect()
}

/// What a case requires.
pub(super) fn required(case: &Case) -> BTreeSet<Feature> {
    match &case.kind {
        CaseKind::Contract { requires, .. } => {
            Feature::with_implied(requires.iter().copied().collect())
        }
        CaseKind::Recipe { .. } => BTreeSet::new(),
    }
}

/// A case that is told step by step.
struct Told<'a> {
    case: &'a Case,
    moment: Moment,
    listening: Services,
    routed: BTreeSet<String>,
    /// From, to, destination port and source port of earlier probes, with the number of events before them.
    flows: BTreeMap<(String, IpAddr, u16, u16), usize>,
    events: usize,
}

impl<'a> Told<'a> {
    fn of(case: &'a Case) -> Self {
        Self {
            case,
            moment: Moment::of(case, Family::Ipv4, &required(case)),
            listening: Services::new(),
            routed: BTreeSet::new(),
            flows: BTreeMap::new(),
            events: 0,
        }
    }

    /// What every probe of the case asks, and what the table says; none where a question has no words for the probe.
    fn rows(mut self) -> Vec<(&'a Exchange, Option<Row>)> {
        let mut rows = Vec::new();
        for step in &self.case.steps {
            if let Some(change) = &step.change {
                self.moment = self.moment.after(self.case, change);
                self.events += usize::from(!matches!(change, NetworkEvent::Refuse(_)));
            }
            for listen in &step.listen {
                let node = self.canonical(&listen.node);
                let service = ServiceSpec {
                    node,
                    ..listen.clone()
                };
                self.listening.insert(service);
            }
            let at = step.added_routes.iter().map(|route| route.at.to_string());
            self.routed.extend(at);
            if let Some(exchange) = &step.exchange {
                let question = self.question(exchange);
                let row =
                    question.and_then(|question| answer(&self.moment, &question, &self.listening));
                rows.push((exchange, row));
            }
        }
        rows
    }

    fn canonical(&self, name: &str) -> String {
        match self.moment.member(name).map(|member| &member.attached) {
            Some(Attached::Host) => "host".to_owned(),
            Some(Attached::Container(other)) => other.clone(),
            _ => name.to_owned(),
        }
    }

    fn address(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        let found = &self.moment.found;
        match endpoint {
            Endpoint::Address(address) => Some(*address),
            Endpoint::HostUplink => found.addresses.first().copied(),
            Endpoint::HostSecond => found.second.map(|second| second.own),
            Endpoint::NetworkGateway(net) => self.moment.net(net.as_str()).map(|net| net.gateway),
            Endpoint::Node(node) => match node.as_str() {
                "host" => found.addresses.first().copied(),
                "lan" => Some(found.lan),
                "outside" => Some(found.outside),
                LAN2_NODE => found.second.map(|second| second.neighbour),
                name => self.moment.member(name)?.address(),
            },
        }
    }

    fn question(&mut self, exchange: &Exchange) -> Option<Question> {
        let probe = &exchange.probe;
        if probe.ttl.is_some() {
            return None;
        }
        let from = self.canonical(probe.from.as_str());
        let address = self.address(&probe.to)?;
        let ask = match (probe.send, probe.port) {
            (ProbeKind::IcmpEcho, _) => Ask::Icmp,
            (ProbeKind::IpProtocol, _) => Ask::IpProtocol,
            (ProbeKind::IcmpReply, _) => Ask::LateReply,
            (ProbeKind::Udp, Some(port)) => Ask::Udp(port),
            (ProbeKind::Tcp, Some(port)) => Ask::Tcp(port),
            (ProbeKind::TcpFin, Some(port)) => Ask::LateTcp(port),
            _ => return None,
        };
        let by_isp = from == "outside" && self.routed.contains("isp");
        let way = if self.routed.contains(&from) || by_isp {
            Routing::RouteByHost
        } else {
            Routing::OwnRoutes
        };
        let mut flow = Flow::New;
        if let (Some((_, port)), Some(source)) = (ask.port(), probe.source_port) {
            let published = self
                .moment
                .published()
                .any(|(_, one)| one.host_port == port);
            let answers = |key: &(String, IpAddr, u16, u16)| key.3 == port;
            if !published && self.flows.keys().any(answers) {
                // It goes on with a connection from its other end.
                return None;
            }
            let key = (from.clone(), address, port, source);
            if self
                .flows
                .get(&key)
                .is_some_and(|events| *events < self.events)
            {
                flow = Flow::Open;
            }
            self.flows.insert(key, self.events);
        }
        let mut question = Question {
            from: Vantage(from),
            to: Target {
                address,
                role: probe.to.to_string(),
            },
            ask,
            size: Size::Small,
            way,
            flow,
        };
        if let (Some(payload), ProbeKind::IcmpEcho | ProbeKind::Udp) = (probe.size, probe.send) {
            let small = question.clone();
            let cell = Cell::of(&self.moment, &small, &self.listening)?;
            let mtu = cell.mtus().into_iter().min()?;
            let bytes = u16::try_from(payload + 28).ok()?;
            question.size = match (bytes > mtu, probe.dont_fragment == Some(true)) {
                (false, _) => Size::Whole(bytes),
                (true, true) => Size::TooLarge(bytes),
                (true, false) => Size::Fragmented(bytes),
            };
        }
        Some(question)
    }

    fn sees(&self, peer: &Endpoint, sees: &Sees) -> bool {
        let Some(address) = self.address(peer) else {
            return false;
        };
        match sees {
            Sees::Own(own) | Sees::Exactly(own) | Sees::Behind(own, _) => *own == address,
            Sees::Hosts | Sees::OwnOrHosts | Sees::Anything => true,
        }
    }
}

/// Whether what a story expects and what the table answers can both be true.
fn agree(told: &Told<'_>, exchange: &Exchange, row: &Row) -> bool {
    let expect = &exchange.expect;
    let reason = expect.reason.as_deref().unwrap_or_default();
    match (&row.answer, expect.fate) {
        (Answer::Unspecified { .. }, _) => told.case.level != Level::Must,
        (Answer::Answered { sees, routers, .. }, FateWord::Answered) => {
            let symmetric = row.rule.id != RuleId("transit");
            let ttl = routers.map(|routers| 64 - routers);
            let hops = expect.ttl.is_none() || ttl.is_none() || ttl == expect.ttl || !symmetric;
            hops && expect
                .peer
                .as_ref()
                .is_none_or(|peer| told.sees(peer, sees))
        }
        // A reset answers a segment of no connection.
        (
            Answer::Refused {
                by: Refuser::Node(_),
            },
            FateWord::Answered,
        ) => {
            matches!(row.question.ask, Ask::LateTcp(_))
        }
        (Answer::Refused { .. }, FateWord::Rejected) => true,
        (Answer::TooLarge { mtu }, FateWord::Unreachable) => {
            reason == format!("fragmentation needed, mtu {mtu}")
        }
        // A story may say which of the ways it is that keep a packet away.
        (Answer::Unreachable | Answer::Blocked, FateWord::Unreachable) => true,
        (Answer::NoContainer, FateWord::Answered) => told.case.level == Level::May,
        (
            Answer::Refused {
                by: Refuser::Node(node),
            },
            FateWord::Blocked,
        ) => node == "host",
        (Answer::Blocked | Answer::Unreachable | Answer::NoContainer, FateWord::Blocked) => true,
        _ => false,
    }
}

#[test]
fn no_story_contradicts_the_intent() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    let mut wordless = Vec::new();
    for case in contract() {
        let told = Told::of(&case);
        for (exchange, row) in Told::of(&case).rows() {
            let probe = &exchange.probe;
            let words = format!(
                "{}: {} {} → {} {:?}",
                case.id, probe.send, probe.from, probe.to, probe.port
            );
            match row {
                Some(row) if agree(&told, exchange, &row) => asked += 1,
                Some(row) => wrong.push(format!(
                    "{words}: expects {}, and {} says {:?}",
                    exchange.expect.fate, row.rule.id, row.answer
                )),
                None => wordless.push(words),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!(format!(
        "{asked} asked, without words:\n{}",
        wordless.join("\n")
    ));
}
