//! Every negative has its positive control in the same lab: without it, a broken lab would look like a passed case.

use std::net::IpAddr;

use toml::Spanned;

use super::findings::Findings;
use crate::case::model::{Attachment, Container, Exchange, Host, Step};
use crate::case::place::Endpoint;
use crate::case::step_file::StepFile;
use crate::case::vocabulary::{FateWord, ProbeKind};
use crate::plan::contract;

/// What the probes of a case may meet.
pub(super) struct Nodes<'a> {
    pub(super) containers: &'a [Container],
    pub(super) host: &'a Host,
    pub(super) recipe: bool,
}

/// Notes each negative whose probe is nowhere in the case expected to arrive.
pub(super) fn positive(
    findings: &mut Findings<'_>,
    written: &[Spanned<StepFile>],
    steps: &[Step],
    known: &Nodes<'_>,
) {
    let arrived: Vec<&Exchange> = steps
        .iter()
        .filter_map(|step| step.exchange.as_ref())
        .filter(|exchange| is_positive(exchange))
        .collect();
    for (file, step) in written.iter().zip(steps) {
        let (Some(exchange), Some(place)) = (&step.exchange, &file.get_ref().expect) else {
            continue;
        };
        let fate = exchange.expect.fate;
        if fate == FateWord::Blocked && known.recipe {
            findings.note(
                place.span(),
                "`blocked` has no meaning in a recipe",
                "here",
                "say how it ends: `dropped`, `rejected`, `unreachable` or `lost`",
            );
        }
        let has_control = if known.recipe {
            arrived.iter().any(|other| is_same(other, exchange))
        } else {
            known.controls(exchange, &arrived)
        };
        if !is_positive(exchange) && !has_control {
            findings.note(
                place.span(),
                format!("`{fate}` has no positive control"),
                "would also hold in a broken lab",
                known.wanted(exchange),
            );
        }
    }
}

/// The reason by which a destination refuses a protocol that it does not speak.
const UNSPOKEN: &str = "protocol unreachable";

/// The kind of probe whose arrival shows that this one would arrive: nobody answers an echo reply.
fn alike(send: ProbeKind) -> ProbeKind {
    match send {
        ProbeKind::IcmpReply => ProbeKind::IcmpEcho,
        other => other,
    }
}

/// Whether it shows that packets arrive. Nobody answers a protocol that nobody speaks: the destination refuses it.
fn is_positive(exchange: &Exchange) -> bool {
    let expect = &exchange.expect;
    let unspoken = expect.reason.as_deref() == Some(UNSPOKEN);
    let refused = exchange.probe.send == ProbeKind::IpProtocol && unspoken;
    refused || !expect.fate.is_negative()
}

fn is_same(one: &Exchange, two: &Exchange) -> bool {
    let (one, two) = (&one.probe, &two.probe);
    one.send == two.send && one.from == two.from && one.to == two.to && one.port == two.port
}

impl Nodes<'_> {
    /// Whether what one implementation forbids for good is seen to work otherwise. The prober reaches something. And the
    /// same kind of probe is answered: on the same port, or by the same target. `blocked` asks for less where the target
    /// is not the host, because a frame that gets there fails it, whether a service would answer or not: the same kind of
    /// probe between any two, and a target that is there.
    fn controls(&self, exchange: &Exchange, arrived: &[&Exchange]) -> bool {
        let probe = &exchange.probe;
        let reaches = arrived.iter().any(|other| other.probe.from == probe.from);
        let mut alike = arrived
            .iter()
            .filter(|one| one.probe.send == alike(probe.send));
        let answers = alike.clone().any(|other| {
            let target = other.probe.to == probe.to || probe.port.is_some();
            other.probe.port == probe.port && target
        });
        let is_there = |node: &str| arrived.iter().any(|other| self.takes_part(node, other));
        let by_frames = exchange.expect.fate == FateWord::Blocked
            && match self.node_of(&probe.to) {
                Some("host") => probe.port.is_none() && is_there("host"),
                Some(node) => is_there(node),
                None => true,
            };
        reaches && (answers || (by_frames && alike.next().is_some()))
    }

    /// Whether a node sends, or answers, in an exchange.
    fn takes_part(&self, node: &str, exchange: &Exchange) -> bool {
        let probe = &exchange.probe;
        let published = |container: &Container| {
            container.name.as_str() == node
                && container.publish.iter().any(|port| {
                    Some(port.host_port) == probe.port
                        && Some(port.protocol.as_str()) == carrier(probe.send)
                })
        };
        let to = self.node_of(&probe.to);
        probe.from.as_str() == node
            || to == Some(node)
            || (to == Some("host") && self.containers.iter().any(published))
    }

    /// Whose address it is, none if nobody has it.
    fn node_of<'a>(&'a self, endpoint: &'a Endpoint) -> Option<&'a str> {
        match endpoint {
            Endpoint::Node(node) => Some(node.as_str()),
            Endpoint::HostUplink | Endpoint::HostSecond | Endpoint::NetworkGateway(_) => {
                Some("host")
            }
            Endpoint::Address(address) => self.owner(*address),
        }
    }

    fn owner(&self, wanted: IpAddr) -> Option<&str> {
        // 127.0.0.1 is the prober's own; the host is who answers there in a contract.
        if wanted.is_loopback() || self.host.addresses.contains(&wanted) {
            return Some("host");
        }
        let asked = self.containers.iter().find(|container| {
            matches!(&container.attachment, Attachment::Network { address, .. } if *address == Some(wanted))
        });
        asked
            .map(|container| container.name.as_str())
            .or_else(|| contract::owner(wanted))
    }

    /// What to add.
    fn wanted(&self, exchange: &Exchange) -> String {
        let probe = &exchange.probe;
        let port = probe
            .port
            .map(|port| format!(" port {port}"))
            .unwrap_or_default();
        let (send, from, to) = (alike(probe.send), &probe.from, &probe.to);
        let arrives = match send {
            ProbeKind::IpProtocol => "rejected as `protocol unreachable`",
            _ => "answered",
        };
        if self.recipe {
            return format!(
                "add a step in which {send} from {from} to {to}{port} is {arrives}, so that a broken lab cannot pass"
            );
        }
        let blocked = exchange.expect.fate == FateWord::Blocked;
        match self.node_of(to) {
            Some(node) if blocked && (node != "host" || probe.port.is_none()) => format!(
                "add steps in which {from} reaches something, in which some {send} is {arrives}, and in which {node} sends or answers"
            ),
            None if blocked => format!(
                "add steps in which {from} reaches something, and in which some {send} is {arrives}"
            ),
            _ => format!(
                "add a step in which {send}{port} to {to} is {arrives}, and one in which {from} reaches something"
            ),
        }
    }
}

/// The protocol of a published port that this kind of probe can use.
fn carrier(send: ProbeKind) -> Option<&'static str> {
    match send {
        ProbeKind::IcmpEcho | ProbeKind::IpProtocol | ProbeKind::IcmpReply => None,
        ProbeKind::Udp => Some("udp"),
        ProbeKind::Tcp | ProbeKind::TcpFin => Some("tcp"),
    }
}
