//! Whether a burst is captured whole, and in the order in which it travelled.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, socket,
};
use serde::Serialize;

use super::BenchError;
use crate::capture::Tap;
use crate::case::Backend;
use crate::lab::{FinishedLabs, Lab};
use crate::packet::{Transport, decode};
use crate::plan::article::{self, Wiring};

/// c2 in the article's lab.
const DESTINATION: Ipv4Addr = Ipv4Addr::new(10, 55, 66, 3);
/// Identifier of the burst's echo requests.
const IDENTIFIER: u16 = 0x6770;
/// Payload of an echo request in bytes, as `ping` sends it.
const PAYLOAD: usize = 56;
/// Length of an Ethernet header without VLAN tag, in bytes.
const ETHERNET_HEADER: usize = 14;
/// Sights of one ping that is answered across a bridge: c1, veth0, veth1, c2, and back.
const SIGHTS: usize = 8;
/// Frames travel within the send; a soft interrupt on a loaded machine was seen 40 ms late.
const SILENCE_WAIT: Duration = Duration::from_millis(500);

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct BurstResult {
    /// Echo requests sent.
    pub pings: u16,
    /// Sights that there must be.
    pub expected: usize,
    /// Sights captured.
    pub captured: usize,
    /// Pings whose sights on the host came in another order than their way.
    pub disordered: usize,
    /// Time to send them all, in milliseconds.
    pub sent_ms: f64,
}

/// Sends `pings` echo requests from c1 to c2 as fast as the kernel takes them, and reads the captures only then.
pub fn burst(pings: u16, finished: &FinishedLabs) -> Result<BurstResult, BenchError> {
    let mut lab = Lab::build(&article::spec(Wiring::Attached, &article::containers()))?;
    lab.set_policies("host", Backend::IptablesNft)?;
    let accept = ["iptables", "-P", "FORWARD", "ACCEPT"].map(String::from);
    lab.run("host", &accept, Backend::IptablesNft)?;
    lab.prepare_neighbours("c1", DESTINATION.into())?;
    let mut taps = Vec::new();
    for node in ["c1", "host", "c2"] {
        taps.push(Tap::open(node, lab.netns(node)?)?);
    }
    let start = Instant::now();
    send(&lab, pings)?;
    let sent_ms = start.elapsed().as_secs_f64() * 1e3;
    let expected = usize::from(pings) * SIGHTS;
    let mut ways: BTreeMap<u16, Vec<(u32, bool)>> = BTreeMap::new();
    let (mut captured, mut last) = (0, Instant::now());
    while captured < expected && last.elapsed() < SILENCE_WAIT {
        for tap in &mut taps {
            for frame in tap.drain()? {
                let Some(sequence) = sequence(&frame.bytes) else {
                    continue;
                };
                captured += 1;
                last = Instant::now();
                if frame.node == "host" {
                    let way = ways.entry(sequence).or_default();
                    way.push((frame.ifindex, frame.outgoing));
                }
            }
        }
    }
    taps.into_iter().for_each(|tap| finished.close(tap));
    finished.keep(lab);
    Ok(BurstResult {
        pings,
        expected,
        captured,
        disordered: ways.values().filter(|way| !is_ordered(way)).count(),
        sent_ms,
    })
}

/// In by one port, out by another, and the reply the same way back.
fn is_ordered(way: &[(u32, bool)]) -> bool {
    let [(one, false), (two, true), (back, false), (home, true)] = way else {
        return false;
    };
    one == home && two == back && one != two
}

fn sequence(frame: &[u8]) -> Option<u16> {
    let (headers, _) = decode(frame.get(ETHERNET_HEADER..)?)?;
    match headers.transport {
        Transport::EchoRequest { id, sequence } | Transport::EchoReply { id, sequence } => {
            (id == IDENTIFIER).then_some(sequence)
        }
        _ => None,
    }
}

fn send(lab: &Lab, pings: u16) -> Result<(), BenchError> {
    let failed = |operation| BenchError::socket(operation, "c1");
    let open = || {
        socket(
            AddressFamily::Inet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::Icmp,
        )
    };
    let socket = lab
        .netns("c1")?
        .run(open)?
        .map_err(failed("open a raw socket"))?;
    let to = SockaddrIn::from(SocketAddrV4::new(DESTINATION, 0));
    let payload = [0; PAYLOAD];
    for seq in 0..pings {
        let echo = IcmpEchoHeader {
            id: IDENTIFIER,
            seq,
        };
        let header = Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(echo), &payload);
        let packet = [&header.to_bytes()[..], &payload].concat();
        loop {
            match sendto(socket.as_raw_fd(), &packet, &to, MsgFlags::empty()) {
                Ok(_) => break,
                Err(Errno::EINTR | Errno::ENOBUFS) => {}
                Err(errno) => return Err(failed("send an echo request")(errno)),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_in_out_in_out() {
        assert!(is_ordered(&[(1, false), (2, true), (2, false), (1, true)]));
        assert!(!is_ordered(&[(2, true), (1, false), (2, false), (1, true)]));
        assert!(!is_ordered(&[(1, false), (2, true), (2, false)]));
    }
}
