//! From a question to its packet: token, source port and payload.

use std::collections::BTreeSet;

use crate::case::ProbeKind;
use crate::intent::{Ask, OPEN, Question, Routing, Size};
use crate::lab::DETOUR_TOS;
use crate::packet::Token;
use crate::probe::ProbeRequest;

/// Source ports: below those that Linux hands out by itself (`net.ipv4.ip_local_port_range` begins at 32768), so that none is
/// taken by a proxy's connection or a masquerade's choice.
const PORTS: std::ops::Range<u16> = 10_000..32_768;
/// Numbers of a table's tokens, far from those of a case's own probes.
const FIRST_NUMBER: u32 = 1 << 16;
/// Protocols without an owner (IANA, assigned internet protocol numbers: 148 to 252), and the first one for experiments.
const UNASSIGNED: std::ops::RangeInclusive<u16> = 148..=253;
/// Payload of an echo request in bytes, as `ping` sends it; the others carry the token alone.
const PING_PAYLOAD: usize = 56;
const TOKEN_PAYLOAD: usize = 16;
const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// Tokens and source ports, none used twice in a lab.
#[derive(Debug, Clone)]
pub struct Numbers {
    pub(super) lab: u32,
    next: u32,
    port: u16,
}

impl Numbers {
    /// Those of a lab whose probes have tokens with this number.
    pub fn of_lab(lab: u32) -> Self {
        Self {
            lab,
            next: FIRST_NUMBER,
            port: PORTS.start,
        }
    }

    /// A question as one probe, to be asked alone.
    pub fn request(&mut self, question: &Question) -> ProbeRequest {
        let (number, port) = self.take(&BTreeSet::new());
        let token = Token::new(std::process::id(), self.lab, number);
        request(question, token, port)
    }

    pub(super) fn take(&mut self, avoid: &BTreeSet<u16>) -> (u32, u16) {
        let number = self.next;
        self.next += 1;
        loop {
            let port = self.port;
            self.port = if port + 1 == PORTS.end {
                PORTS.start
            } else {
                port + 1
            };
            if !avoid.contains(&port) {
                return (number, port);
            }
        }
    }
}

/// A question as a probe.
pub(super) fn request(question: &Question, token: Token, source_port: u16) -> ProbeRequest {
    let (kind, port) = match question.ask {
        Ask::Icmp => (ProbeKind::IcmpEcho, 0),
        Ask::Tcp(port) => (ProbeKind::Tcp, port),
        Ask::Udp(port) => (ProbeKind::Udp, port),
        Ask::LateTcp(port) => (ProbeKind::TcpFin, port),
        Ask::IpProtocol => (ProbeKind::IpProtocol, other_protocol(source_port)),
        Ask::LateReply => (ProbeKind::IcmpReply, 0),
        Ask::FromPublished(protocol, _) => (protocol.into(), OPEN),
    };
    let source_port = match question.ask {
        Ask::FromPublished(_, published) => published,
        _ => source_port,
    };
    ProbeRequest {
        kind,
        destination: question.to.address,
        port,
        source_port,
        token,
        size: payload(question),
        ttl: None,
        tos: (question.way == Routing::RouteByHost).then_some(DETOUR_TOS),
        dont_fragment: match question.size {
            Size::Small => None,
            Size::Whole(_) | Size::TooLarge(_) => Some(true),
            Size::Fragmented(_) => Some(false),
        },
    }
}

/// A protocol that nobody speaks, another one for each question that is asked beside it: conntrack tells connections without ports
/// apart by their addresses and protocol alone, and drops the first packet of one of two that masquerade makes the same.
fn other_protocol(source_port: u16) -> u16 {
    UNASSIGNED.start() + source_port % (UNASSIGNED.end() - UNASSIGNED.start() + 1)
}

/// Bytes that a question carries. UDP and ICMP have headers of one length.
pub(super) fn payload(question: &Question) -> usize {
    match (question.size, question.ask) {
        (Size::Small, Ask::Icmp) => PING_PAYLOAD,
        (Size::Small, _) => TOKEN_PAYLOAD,
        (Size::Whole(bytes) | Size::Fragmented(bytes) | Size::TooLarge(bytes), _) => {
            usize::from(bytes).saturating_sub(IP_HEADER + UDP_HEADER)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_that_are_asked_one_after_another_have_protocols_of_their_own() {
        let count = usize::from(UNASSIGNED.end() - UNASSIGNED.start() + 1);
        let ports = PORTS.take(count);
        let protocols: BTreeSet<u16> = ports.map(other_protocol).collect();
        assert_eq!(protocols.len(), count);
        assert!(protocols.iter().all(|one| UNASSIGNED.contains(one)));
    }
}
