//! Frames, each given to the question that it belongs to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::seen::{Leg, Options, Sight};
use crate::address::Family;
use crate::capture::RawFrame;
use crate::packet::{Headers, IcmpError, Token, Transport, checksums, decode};

/// Length of an Ethernet header without VLAN tag, in bytes.
const ETHERNET_HEADER: usize = 14;
const ARP: [u8; 2] = [0x08, 0x06];

/// By what frames are known, and those that were seen.
#[derive(Debug, Default)]
pub(super) struct Sights {
    process: u32,
    lab: u32,
    nodes: BTreeSet<Arc<str>>,
    /// Questions by the number in their token.
    numbers: HashMap<u32, usize>,
    /// TCP questions by asking node and source port, as their SYN leaves.
    ports: HashMap<(Arc<str>, u16), usize>,
    /// TCP questions by the initial sequence number, which no translation changes.
    handshakes: HashMap<u32, usize>,
    /// The TTL that the SYN of a sequence number had where it left a node of [`Self::ports`].
    left_with: HashMap<u32, u8>,
    /// Questions that are asked by an echo reply.
    replies: BTreeSet<usize>,
    seen: Vec<Vec<Sight>>,
    /// Addresses that a node has asked for by ARP, and whether somebody answered.
    asked: BTreeMap<(Arc<str>, IpAddr), bool>,
}

impl Sights {
    /// None, in a lab whose tokens have this number.
    pub(super) fn new(process: u32, lab: u32) -> Self {
        Self {
            process,
            lab,
            ..Self::default()
        }
    }

    /// Expects frames of one more question. Returns its position.
    pub(super) fn expect(&mut self, number: u32, node: &str, tcp_port: Option<u16>) -> usize {
        let position = self.seen.len();
        self.seen.push(Vec::new());
        self.numbers.insert(number, position);
        if let Some(port) = tcp_port {
            let node = self.name(node);
            self.ports.insert((node, port), position);
        }
        position
    }

    /// Expects a segment of no connection with this sequence number, too.
    pub(super) fn expect_segment(&mut self, position: usize, sequence: u32) {
        self.handshakes.insert(sequence, position);
    }

    /// Expects an echo reply as what is sent.
    pub(super) fn expect_reply(&mut self, position: usize) {
        self.replies.insert(position);
    }

    /// The frames of a question so far.
    pub(super) fn of(&self, position: usize) -> &[Sight] {
        &self.seen[position]
    }

    /// The frames of a question, taken out.
    pub(super) fn take(&mut self, position: usize) -> Vec<Sight> {
        std::mem::take(&mut self.seen[position])
    }

    /// An address that a node has asked for by ARP without an answer, of those that it needs for `destination`.
    pub(super) fn unresolved(&self, node: &str, destination: IpAddr) -> Option<IpAddr> {
        let of_node = self
            .asked
            .iter()
            .filter(|((at, _), answered)| &**at == node && !**answered);
        let mut addresses = of_node.map(|((_, address), _)| *address);
        addresses.find(|address| *address == destination)
    }

    /// Takes frames in. A SYN as it leaves names its connection, so these are looked at first.
    pub(super) fn add(&mut self, frames: &[RawFrame]) {
        let decoded: Vec<_> = frames
            .iter()
            .map(|frame| {
                (
                    frame,
                    decode(frame.bytes.get(ETHERNET_HEADER..).unwrap_or_default()),
                )
            })
            .collect();
        for (frame, headers) in &decoded {
            if let Some((headers, _)) = headers {
                self.learn(frame, headers);
            } else {
                self.learn_arp(frame);
            }
        }
        for (frame, headers) in decoded {
            if let Some((headers, payload)) = headers
                && let Some((position, leg)) = self.whose(&headers, payload)
            {
                let node = self.name(&frame.node);
                self.seen[position].push(Sight {
                    node,
                    leg,
                    outgoing: frame.outgoing,
                    for_another: frame.for_another,
                    source: headers.source,
                    destination: headers.destination,
                    ttl: headers.ttl,
                    checksums: checksums(&frame.bytes[ETHERNET_HEADER..]),
                    tos: headers.tos,
                    dont_fragment: headers.dont_fragment,
                    options: options(&frame.bytes[ETHERNET_HEADER..], &headers),
                });
            }
        }
    }

    fn name(&mut self, node: &str) -> Arc<str> {
        if let Some(known) = self.nodes.get(node) {
            return Arc::clone(known);
        }
        let name: Arc<str> = Arc::from(node);
        self.nodes.insert(Arc::clone(&name));
        name
    }

    fn learn(&mut self, frame: &RawFrame, headers: &Headers) {
        let Transport::Tcp {
            source_port,
            sequence,
            flags,
            ..
        } = headers.transport
        else {
            return;
        };
        if frame.outgoing && flags.syn && !flags.ack {
            let node = self.name(&frame.node);
            // Masquerade may have drawn the port of another question for what the host passes on. Its TTL is lower there than
            // where it was sent.
            let left_with = self.left_with.entry(sequence).or_default();
            if let Some(position) = self.ports.get(&(node, source_port))
                && headers.ttl > *left_with
            {
                *left_with = headers.ttl;
                self.handshakes.insert(sequence, *position);
            }
        }
    }

    fn learn_arp(&mut self, frame: &RawFrame) {
        let Some((asks, sender, target)) = arp(&frame.bytes) else {
            return;
        };
        let node = self.name(&frame.node);
        if asks && frame.outgoing {
            self.asked.entry((node, target)).or_insert(false);
        } else if !asks && !frame.outgoing {
            self.asked.insert((node, sender), true);
        }
    }

    /// The question that a packet belongs to, and which packet of it that is.
    fn whose(&self, headers: &Headers, payload: &[u8]) -> Option<(usize, Leg)> {
        match &headers.transport {
            Transport::EchoRequest { .. } => Some((self.marked(payload)?.0, Leg::Request)),
            Transport::EchoReply { .. } => {
                let (position, _) = self.marked(payload)?;
                let leg = if self.replies.contains(&position) {
                    Leg::Request
                } else {
                    Leg::Reply
                };
                Some((position, leg))
            }
            Transport::Udp { .. } => self.marked(payload),
            Transport::Tcp {
                sequence,
                acknowledgement,
                flags,
                ..
            } => {
                let answered = || self.handshakes.get(&acknowledgement.wrapping_sub(1));
                match (flags.syn, flags.ack, flags.rst) {
                    (true, false, false) => Some((*self.handshakes.get(sequence)?, Leg::Request)),
                    (true, true, false) => Some((*answered()?, Leg::Reply)),
                    (_, true, true) => Some((*answered()?, Leg::Reset)),
                    // What is no answer to a connection takes its number from the segment (RFC 9293 3.10.7.1).
                    (_, false, true) => Some((*self.handshakes.get(sequence)?, Leg::Reset)),
                    _ if flags.fin && payload.is_empty() => {
                        Some((*self.handshakes.get(sequence)?, Leg::Request))
                    }
                    _ => self.marked(payload),
                }
            }
            // A redirect ends nothing: the packet was passed on (RFC 1812 5.2.7.2).
            Transport::Error {
                error: IcmpError::Other { icmp_type: 5, .. },
                ..
            } => None,
            Transport::Error { error, quoted } => {
                let position = match &quoted.transport {
                    Transport::Tcp { sequence, .. } => *self.handshakes.get(sequence)?,
                    _ => self.marked(payload)?.0,
                };
                Some((position, Leg::Error(*error)))
            }
            Transport::Other { .. } => self.marked(payload),
        }
    }

    fn marked(&self, payload: &[u8]) -> Option<(usize, Leg)> {
        let token = Token(payload.get(..16)?.try_into().ok()?);
        let number = token.number(self.process, self.lab)?;
        let leg = if token.0.starts_with(&Token::MARK) {
            Leg::Request
        } else {
            Leg::Reply
        };
        Some((*self.numbers.get(&number)?, leg))
    }
}

/// Kinds of TCP options: the end of the list, padding, and the maximum segment size (RFC 9293 3.1).
const END: u8 = 0;
const PADDING: u8 = 1;
const SEGMENT_SIZE: u8 = 2;

/// The options of an IPv4 packet's segment that begins a connection.
fn options(packet: &[u8], headers: &Headers) -> Option<Options> {
    let mut found = Options::default();
    if !matches!(&headers.transport, Transport::Tcp { flags, .. } if flags.syn) {
        return None;
    }
    let ip = packet
        .first()
        .map_or(0, |first| usize::from(first & 0x0f) * 4);
    let header = packet.get(ip..).unwrap_or_default();
    let length = header.get(12).map_or(0, |at| usize::from(at >> 4) * 4);
    let mut left = header.get(20..length).unwrap_or_default();
    while let Some((kind, rest)) = left.split_first() {
        let length = match *kind {
            END => return Some(found),
            PADDING => {
                left = rest;
                continue;
            }
            _ => rest.first().map_or(0, |length| usize::from(*length)),
        };
        // A length that no option has: what follows means nothing.
        let Some((option, rest)) = left.split_at_checked(length).filter(|_| length >= 2) else {
            found.others.extend(left);
            return Some(found);
        };
        match option {
            [SEGMENT_SIZE, 4, high, low] => {
                found.segment = Some(u16::from_be_bytes([*high, *low]));
            }
            other => found.others.extend(other),
        }
        left = rest;
    }
    Some(found)
}

/// Whether an ARP frame asks, and the addresses of its sender and its target (RFC 826).
fn arp(frame: &[u8]) -> Option<(bool, IpAddr, IpAddr)> {
    let body = frame
        .get(ETHERNET_HEADER..)
        .filter(|_| frame[12..14] == ARP)?;
    let address = |at: usize| {
        let bytes = body.get(at..at + 4)?;
        Family::Ipv4.address(bytes)
    };
    let asks = match body.get(6..8)? {
        [0, 1] => true,
        [0, 2] => false,
        _ => return None,
    };
    Some((asks, address(14)?, address(24)?))
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::fuzz::feed;

    const KNOWN: &str = "a vector takes every byte";

    fn frame(node: &str, outgoing: bool, bytes: Vec<u8>) -> RawFrame {
        RawFrame {
            node: node.to_owned(),
            ifindex: 2,
            outgoing,
            for_another: false,
            order: 0,
            at: 0,
            original_length: bytes.len(),
            bytes,
        }
    }

    fn segment(sequence: u32, flags: &str, acknowledgement: u32) -> Vec<u8> {
        segment_with(64, sequence, flags, acknowledgement)
    }

    fn segment_with(ttl: u8, sequence: u32, flags: &str, acknowledgement: u32) -> Vec<u8> {
        let ends = ([10, 77, 1, 2], [10, 77, 1, 3]);
        let packet = PacketBuilder::ethernet2([2; 6], [3; 6]).ipv4(ends.0, ends.1, ttl);
        let mut segment = packet.tcp(10_001, 80, sequence, 512);
        if flags.contains('s') {
            segment = segment.syn();
        }
        if flags.contains('a') {
            segment = segment.ack(acknowledgement);
        }
        if flags.contains('r') {
            segment = segment.rst();
        }
        let mut bytes = Vec::new();
        segment.write(&mut bytes, &[]).expect(KNOWN);
        bytes
    }

    #[test]
    fn what_a_node_passes_on_is_not_its_own_though_it_has_the_port_of_one() {
        let sent = || frame("c1", true, segment(7, "s", 0));
        let passed_on = || frame("host", true, segment_with(63, 7, "s", 0));
        for frames in [[sent(), passed_on()], [passed_on(), sent()]] {
            let mut sights = Sights::new(1, 2);
            let of_c1 = sights.expect(1, "c1", Some(10_001));
            let of_host = sights.expect(2, "host", Some(10_001));
            sights.add(&frames);
            assert_eq!(sights.of(of_c1).len(), 2);
            assert!(sights.of(of_host).is_empty());
        }
    }

    #[test]
    fn a_handshake_is_known_by_its_first_segment_wherever_it_is_seen() {
        let mut sights = Sights::new(1, 2);
        let ours = sights.expect(7, "c1", Some(10_001));
        sights.add(&[
            frame("c2", false, segment(500, "s", 0)),
            frame("c1", true, segment(500, "s", 0)),
            frame("c1", false, segment(9, "sa", 501)),
            frame("c1", false, segment(9, "ra", 501)),
            frame("c1", false, segment(9, "ra", 900)),
            frame("c3", true, segment(600, "s", 0)),
        ]);
        let legs: Vec<Leg> = sights.of(ours).iter().map(|sight| sight.leg).collect();
        assert_eq!(legs, [Leg::Request, Leg::Request, Leg::Reply, Leg::Reset]);
    }

    #[test]
    fn an_echo_reply_is_what_was_sent_if_nobody_asked_for_it() {
        let mut sights = Sights::new(1, 2);
        let (asked, sent) = (sights.expect(7, "c1", None), sights.expect(8, "c1", None));
        sights.expect_reply(sent);
        for number in [7, 8] {
            let ends = ([10, 77, 1, 2], [10, 77, 1, 3]);
            let packet = PacketBuilder::ethernet2([2; 6], [3; 6]).ipv4(ends.0, ends.1, 64);
            let mut bytes = Vec::new();
            let reply = packet.icmpv4_echo_reply(1, 1);
            reply
                .write(&mut bytes, &Token::new(1, 2, number).0)
                .expect(KNOWN);
            sights.add(&[frame("c1", true, bytes)]);
        }
        assert_eq!(sights.of(asked)[0].leg, Leg::Reply);
        assert_eq!(sights.of(sent)[0].leg, Leg::Request);
    }

    #[test]
    fn an_address_that_nobody_answers_for_is_unresolved() {
        let arp = |operation: u8, sender: [u8; 4], target: [u8; 4]| {
            let mut bytes = vec![0; ETHERNET_HEADER - 2];
            bytes.extend(ARP);
            bytes.extend([0, 1, 8, 0, 6, 4, 0, operation]);
            bytes.extend([0; 6]);
            bytes.extend(sender);
            bytes.extend([0; 6]);
            bytes.extend(target);
            bytes
        };
        let (own, one, two) = ([10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3]);
        let mut sights = Sights::new(1, 2);
        sights.add(&[
            frame("c1", true, arp(1, own, one)),
            frame("c1", true, arp(1, own, two)),
            frame("c1", false, arp(2, one, own)),
        ]);
        assert_eq!(sights.unresolved("c1", one.into()), None);
        assert_eq!(sights.unresolved("c1", two.into()), Some(two.into()));
        assert_eq!(sights.unresolved("c2", two.into()), None);
    }

    #[test]
    fn foreign_frames_do_no_harm() {
        let token = Token::new(1, 2, 7);
        let packet =
            || PacketBuilder::ethernet2([2; 6], [3; 6]).ipv4([10, 77, 1, 2], [10, 77, 1, 3], 64);
        let (mut echo, mut udp) = (Vec::new(), Vec::new());
        let request = packet().icmpv4_echo_request(10_001, 1);
        request.write(&mut echo, &token.0).expect(KNOWN);
        packet()
            .udp(10_001, 53)
            .write(&mut udp, &token.0)
            .expect(KNOWN);
        let seeds = [echo, udp, segment(500, "s", 0)];
        feed("asked frame", &seeds, |bytes| {
            let mut sights = Sights::new(1, 2);
            sights.expect(7, "c1", Some(10_001));
            sights.add(&[frame("c1", true, bytes.to_vec())]);
        });
    }
}
