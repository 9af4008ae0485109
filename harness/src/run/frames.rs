//! Frames as captured, turned into evidence of a probe.

use std::collections::BTreeMap;

use crate::capture::RawFrame;
use crate::packet::{decode, identification};
use crate::path::{Direction, Evidence, Frame, LegKind, Node};
use crate::probe::Mark;

/// Length of an Ethernet header without VLAN tag, in bytes.
pub(super) const ETHERNET_HEADER: usize = 14;

pub(super) fn frame_of(raw: &RawFrame, interface: &str, mark: &mut Mark) -> Option<Frame> {
    let packet = raw.bytes.get(ETHERNET_HEADER..)?;
    let (headers, payload) = decode(packet)?;
    let leg = mark.leg_of_frame(&headers, payload, identification(packet))?;
    Some(Frame {
        leg,
        node: raw.node.clone(),
        interface: interface.to_owned(),
        direction: if raw.outgoing {
            Direction::Out
        } else {
            Direction::In
        },
        order: raw.order,
        at: raw.at,
        headers,
        destination_mac: mac_text(raw.bytes.get(..6)?),
        source_mac: mac_text(raw.bytes.get(6..12)?),
    })
}

/// Adds a frame. Of a stream of thousands of segments one is enough: the last to be seen anywhere.
pub(super) fn record(frame: Frame, evidence: &mut Evidence) {
    let later = |other: &Frame| other.leg == LegKind::Stream && other.at > frame.at;
    if frame.leg == LegKind::Stream {
        if evidence.frames.iter().any(later) {
            return;
        }
        evidence.frames.retain(|other| other.leg != LegKind::Stream);
    }
    evidence.frames.push(frame);
}

fn mac_text(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// Interface names by node and index.
pub(super) struct Names(BTreeMap<String, BTreeMap<u32, String>>);

impl Names {
    pub(super) fn of(nodes: &BTreeMap<String, Node>) -> Self {
        let by_index = |node: &Node| {
            let interfaces = node.interfaces.iter();
            interfaces
                .map(|(name, i)| (i.index, name.clone()))
                .collect()
        };
        Self(
            nodes
                .iter()
                .map(|(name, node)| (name.clone(), by_index(node)))
                .collect(),
        )
    }

    pub(super) fn of_node(&self, node: &str) -> &BTreeMap<u32, String> {
        static NONE: BTreeMap<u32, String> = BTreeMap::new();
        self.0.get(node).unwrap_or(&NONE)
    }

    pub(super) fn interface(&self, node: &str, index: u32) -> String {
        let name = self.of_node(node).get(&index).cloned();
        name.unwrap_or_else(|| format!("if{index}"))
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::case::ProbeKind;
    use crate::fuzz::feed;
    use crate::packet::Token;
    use crate::probe::{ProbeRequest, SOURCE_PORT};

    #[test]
    fn foreign_frames_do_no_harm() {
        let token = Token::new(1, 2, 3);
        let packet =
            || PacketBuilder::ethernet2([2; 6], [3; 6]).ipv4([10, 55, 66, 2], [8, 8, 8, 8], 64);
        let (mut echo, mut udp, mut tcp) = (Vec::new(), Vec::new(), Vec::new());
        let known = "a vector takes every byte";
        let request = packet().icmpv4_echo_request(SOURCE_PORT, 1);
        request.write(&mut echo, &token.0).expect(known);
        let datagram = packet().udp(SOURCE_PORT, 53);
        datagram.write(&mut udp, &token.0).expect(known);
        let segment = packet().tcp(SOURCE_PORT, 80, 7, 512).syn();
        segment.write(&mut tcp, &[]).expect(known);
        let seeds = [echo, udp, tcp];
        let kinds = [
            ProbeKind::IcmpEcho,
            ProbeKind::Udp,
            ProbeKind::Tcp,
            ProbeKind::IpProtocol,
        ];
        let marks = kinds.map(|kind| {
            Mark::new(&ProbeRequest {
                kind,
                destination: [8, 8, 8, 8].into(),
                port: 53,
                source_port: SOURCE_PORT,
                token,
                size: token.0.len(),
                ttl: None,
                tos: None,
                dont_fragment: None,
            })
        });
        let frame = |bytes: &[u8], mark: &Mark| {
            let mut mark = mark.clone();
            if let Some((headers, payload)) = bytes.get(ETHERNET_HEADER..).and_then(decode) {
                mark.learn(&headers);
                let _ = mark.leg_of_report(&headers, payload);
            }
            let raw = RawFrame {
                node: "c1".to_owned(),
                ifindex: 2,
                outgoing: true,
                for_another: false,
                order: 0,
                at: 0,
                bytes: bytes.to_vec(),
                original_length: bytes.len(),
            };
            frame_of(&raw, "eth0", &mut mark)
        };
        for (seed, mark) in seeds.iter().zip(&marks) {
            assert!(frame(seed, mark).is_some(), "{:?}", mark);
        }
        feed("frame", &seeds, |bytes| {
            marks.iter().for_each(|mark| drop(frame(bytes, mark)));
        });
    }
}
