//! Which frames belong to a probe, and which packet of the exchange each is.

use super::{Protocol, Request};
use crate::packet::{Headers, Token, Transport};
use crate::path::LegKind;

/// What a probe's packets are known by: the token, and for TCP, whose handshake carries no payload,
/// the initial sequence number, which no NAT rewrites.
#[derive(Debug, Clone)]
pub struct Mark {
    token: Token,
    protocol: Protocol,
    source_port: u16,
    handshake: Option<u32>,
}

impl Mark {
    /// The mark of a probe that is about to be sent.
    pub fn new(request: &Request) -> Self {
        Self {
            token: request.token,
            protocol: request.protocol,
            source_port: request.source_port,
            handshake: None,
        }
    }

    /// Learns the initial sequence number from the SYN as the probing node sent it.
    pub fn learn(&mut self, headers: &Headers) {
        if let Transport::Tcp {
            source_port,
            sequence,
            flags,
            ..
        } = headers.transport
            && flags.syn
            && !flags.ack
            && source_port == self.source_port
        {
            self.handshake.get_or_insert(sequence);
        }
    }

    /// Which packet of the probe's exchange this is; `None` for every other packet, and for TCP
    /// segments after the handshake.
    pub fn leg(&self, headers: &Headers, payload: &[u8]) -> Option<LegKind> {
        match &headers.transport {
            Transport::EchoRequest { .. } if self.echoes(payload) => Some(LegKind::Request),
            Transport::EchoReply { .. } if self.echoes(payload) => Some(LegKind::Reply),
            Transport::Udp { .. } if self.protocol == Protocol::Udp => {
                if self.token.begins(payload) {
                    Some(LegKind::Request)
                } else {
                    let answers = self.token.answer().begins(payload);
                    answers.then_some(LegKind::Reply)
                }
            }
            Transport::Tcp { .. } => self.handshake_leg(&headers.transport),
            Transport::Error { quoted, .. } => self.is_quoted(quoted, payload),
            _ => None,
        }
    }

    /// Like [`Mark::leg`] for what netfilter's trace quotes of a packet. It quotes too little of an
    /// ICMP error to show the token; a lab has one probe on its way at a time, so the error is about it.
    pub fn leg_of_report(&self, headers: &Headers, payload: &[u8]) -> Option<LegKind> {
        match headers.transport {
            Transport::Other { protocol: 1 | 58 } => Some(LegKind::Error),
            _ => self.leg(headers, payload),
        }
    }

    fn echoes(&self, payload: &[u8]) -> bool {
        self.protocol == Protocol::IcmpEcho && self.token.begins(payload)
    }

    fn handshake_leg(&self, transport: &Transport) -> Option<LegKind> {
        let Transport::Tcp {
            sequence,
            acknowledgement,
            flags,
            ..
        } = transport
        else {
            return None;
        };
        let start = self.handshake?;
        let answers = *acknowledgement == start.wrapping_add(1);
        match (flags.syn, flags.ack, flags.rst) {
            (true, false, false) if *sequence == start => Some(LegKind::Request),
            (true, true, _) | (false, _, true) if answers => Some(LegKind::Reply),
            _ => None,
        }
    }

    fn is_quoted(&self, quoted: &Headers, payload: &[u8]) -> Option<LegKind> {
        let ours = match &quoted.transport {
            Transport::Tcp { sequence, .. } => self.handshake.is_some_and(|start| {
                // The SYN itself, or a SYN+ACK about which the other side was told.
                *sequence == start || self.handshake_leg(&quoted.transport).is_some()
            }),
            _ => self.token.begins(payload) || self.token.answer().begins(payload),
        };
        ours.then_some(LegKind::Error)
    }
}
