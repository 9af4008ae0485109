//! Which frames belong to a probe, and which packet of the exchange each is.

use std::collections::BTreeMap;

use super::ProbeRequest;
use crate::case::ProbeKind;
use crate::packet::{Headers, Token, Transport};
use crate::path::LegKind;

/// What a probe's packets are known by: the token, and for TCP, whose handshake carries no payload,
/// the initial sequence number, which no NAT rewrites.
#[derive(Debug, Clone)]
pub struct Mark {
    token: Token,
    kind: ProbeKind,
    source_port: u16,
    handshake: Option<u32>,
    /// Bytes that the probing node sends after the handshake, with the FIN.
    stream: u32,
    /// Whether the handshake is over: an ICMP error from now on is about what follows it.
    streaming: bool,
    /// Fragmented packets by their identification: only a first fragment carries the token.
    fragmented: BTreeMap<u16, LegKind>,
}

impl Mark {
    /// The mark of a probe that is about to be sent.
    pub fn new(request: &ProbeRequest) -> Self {
        Self {
            token: request.token,
            kind: request.kind,
            source_port: request.source_port,
            handshake: (request.kind == ProbeKind::TcpFin).then(|| request.segment_number()),
            stream: u32::try_from(request.size)
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            streaming: false,
            fragmented: BTreeMap::new(),
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

    /// Which packet of the exchange a captured frame is, or is a fragment of. Later fragments are known by the
    /// identification that they share with the first one, which goes ahead of them on every wire.
    pub fn leg_of_frame(
        &mut self,
        headers: &Headers,
        payload: &[u8],
        identification: Option<u16>,
    ) -> Option<LegKind> {
        if headers.fragment_offset > 0 {
            return self.fragmented.get(&identification?).copied();
        }
        let leg = self.leg(headers, payload)?;
        self.streaming |= leg == LegKind::Stream;
        if headers.more_fragments
            && let Some(identification) = identification
        {
            self.fragmented.insert(identification, leg);
        }
        Some(leg)
    }

    /// Which packet of the probe's exchange this is; `None` for every other packet.
    pub fn leg(&self, headers: &Headers, payload: &[u8]) -> Option<LegKind> {
        match &headers.transport {
            Transport::EchoRequest { .. } if self.echoes(payload) => Some(LegKind::Request),
            Transport::EchoReply { .. } if self.echoes(payload) => Some(LegKind::Reply),
            Transport::EchoReply { .. } if self.kind == ProbeKind::IcmpReply => {
                self.token.begins(payload).then_some(LegKind::Request)
            }
            Transport::Udp { .. } if self.kind == ProbeKind::Udp => {
                if self.token.begins(payload) {
                    Some(LegKind::Request)
                } else {
                    let answers = self.token.answer().begins(payload);
                    answers.then_some(LegKind::Reply)
                }
            }
            Transport::Tcp { .. } => self.leg_of_segment(&headers.transport),
            Transport::Other { .. } if self.kind == ProbeKind::IpProtocol => {
                self.token.begins(payload).then_some(LegKind::Request)
            }
            Transport::Error { quoted, .. } => self.is_quoted(quoted, payload),
            _ => None,
        }
    }

    /// Like [`Mark::leg`] for what netfilter's trace quotes of a packet. It quotes too little of an
    /// ICMP error to show the token; a lab has one probe on its way at a time, so the error is about it, and about its
    /// stream once that has begun.
    pub fn leg_of_report(&mut self, headers: &Headers, payload: &[u8]) -> Option<LegKind> {
        match headers.transport {
            Transport::Other { protocol: 1 | 58 } if headers.fragment_offset == 0 => {
                Some(if self.streaming {
                    LegKind::Stream
                } else {
                    LegKind::Error
                })
            }
            _ => {
                let leg = self.leg(headers, payload)?;
                self.streaming |= leg == LegKind::Stream;
                Some(leg)
            }
        }
    }

    fn echoes(&self, payload: &[u8]) -> bool {
        self.kind == ProbeKind::IcmpEcho && self.token.begins(payload)
    }

    fn leg_of_segment(&self, transport: &Transport) -> Option<LegKind> {
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
        if self.kind == ProbeKind::TcpFin {
            // A reset takes its number from what the segment acknowledged (RFC 9293 3.5.2).
            return match (flags.fin, flags.rst) {
                _ if *sequence != start => None,
                (true, false) => Some(LegKind::Request),
                (_, true) => Some(LegKind::Reply),
                (false, false) => None,
            };
        }
        // It carries or acknowledges what the probing node sends after its SYN.
        let within = |number: &u32| number.wrapping_sub(start.wrapping_add(1)) <= self.stream;
        match (flags.syn, flags.ack, flags.rst) {
            (true, false, false) if *sequence == start => Some(LegKind::Request),
            (true, true, _) | (false, _, true) if answers => Some(LegKind::Reply),
            (_, true, _) if within(sequence) || within(acknowledgement) => Some(LegKind::Stream),
            _ => None,
        }
    }

    fn is_quoted(&self, quoted: &Headers, payload: &[u8]) -> Option<LegKind> {
        let ours = match &quoted.transport {
            Transport::Tcp { sequence, .. } => self.handshake.is_some_and(|start| {
                // The SYN itself, or a SYN+ACK about which the other side was told.
                *sequence == start
                    || self
                        .leg_of_segment(&quoted.transport)
                        .is_some_and(|leg| leg != LegKind::Stream)
            }),
            _ => self.token.begins(payload) || self.token.answer().begins(payload),
        };
        ours.then_some(LegKind::Error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::SOURCE_PORT;

    fn request(kind: ProbeKind) -> ProbeRequest {
        ProbeRequest {
            kind,
            destination: [8, 8, 8, 8].into(),
            port: 53,
            source_port: SOURCE_PORT,
            token: Token::new(1, 2, 3),
            size: 3000,
            ttl: None,
            tos: None,
            dont_fragment: None,
        }
    }

    fn headers(transport: Transport, fragment_offset: u16, more_fragments: bool) -> Headers {
        Headers {
            source: [10, 77, 1, 2].into(),
            destination: [8, 8, 8, 8].into(),
            ttl: 64,
            tos: 0,
            dont_fragment: false,
            fragment_offset,
            more_fragments,
            length: 1500,
            transport,
        }
    }

    proptest! {
        #[test]
        fn later_fragments_belong_to_the_first_one_and_to_no_other(ours: u16, other: u16, at in 8u16..60000) {
            let request = request(ProbeKind::Udp);
            let mut mark = Mark::new(&request);
            let udp = Transport::Udp { source_port: 1, destination_port: 53 };
            let rest = Transport::Other { protocol: 17 };
            let later = headers(rest, at, false);
            prop_assert_eq!(mark.leg_of_frame(&later, b"", Some(ours)), None);
            let first = headers(udp, 0, true);
            let leg = mark.leg_of_frame(&first, &request.token.0, Some(ours));
            prop_assert_eq!(leg, Some(LegKind::Request));
            prop_assert_eq!(mark.leg_of_frame(&later, b"", Some(ours)), Some(LegKind::Request));
            let expected = (ours == other).then_some(LegKind::Request);
            prop_assert_eq!(mark.leg_of_frame(&later, b"", Some(other)), expected);
            prop_assert_eq!(mark.leg_of_frame(&later, b"", None), None);
        }
    }

    #[test]
    fn a_late_segment_and_the_reset_that_answers_it_are_told_apart() {
        let request = request(ProbeKind::TcpFin);
        let mark = Mark::new(&request);
        let segment = |sequence, fin, rst| {
            let flags = crate::packet::TcpFlags {
                fin,
                rst,
                ack: fin,
                ..Default::default()
            };
            let transport = Transport::Tcp {
                source_port: SOURCE_PORT,
                destination_port: 53,
                sequence,
                acknowledgement: 0,
                flags,
            };
            mark.leg(&headers(transport, 0, false), b"")
        };
        let number = request.segment_number();
        assert_eq!(segment(number, true, false), Some(LegKind::Request));
        assert_eq!(segment(number, false, true), Some(LegKind::Reply));
        assert_eq!(segment(number.wrapping_add(1), true, false), None);
    }

    #[test]
    fn what_follows_a_handshake_is_the_stream_and_other_connections_are_not() {
        let request = request(ProbeKind::Tcp);
        let mut mark = Mark::new(&request);
        let segment = |sequence, acknowledgement, syn, ack| {
            let transport = Transport::Tcp {
                source_port: SOURCE_PORT,
                destination_port: 80,
                sequence,
                acknowledgement,
                flags: crate::packet::TcpFlags {
                    syn,
                    ack,
                    ..Default::default()
                },
            };
            headers(transport, 0, false)
        };
        let start = u32::MAX - 100;
        mark.learn(&segment(start, 0, true, false));
        let first = start.wrapping_add(1);
        let leg = |sequence, acknowledgement, syn| {
            mark.leg(&segment(sequence, acknowledgement, syn, true), b"")
        };
        assert_eq!(leg(5, first, true), Some(LegKind::Reply));
        assert_eq!(leg(first, 1 << 20, false), Some(LegKind::Stream));
        assert_eq!(
            leg(1 << 20, first.wrapping_add(3000), false),
            Some(LegKind::Stream)
        );
        assert_eq!(
            leg(first.wrapping_add(3001), 1 << 20, false),
            Some(LegKind::Stream)
        );
        assert_eq!(leg(first.wrapping_add(3002), 1 << 20, false), None);
        assert_eq!(leg(1 << 20, 1 << 21, false), None);
    }

    #[test]
    fn a_reported_later_fragment_of_an_echo_is_no_error() {
        let mut mark = Mark::new(&request(ProbeKind::IcmpEcho));
        let icmp = || Transport::Other { protocol: 1 };
        let later = headers(icmp(), 1376, false);
        assert_eq!(mark.leg_of_report(&later, b""), None);
        let error = headers(icmp(), 0, false);
        assert_eq!(mark.leg_of_report(&error, b""), Some(LegKind::Error));
    }
}
