//! What a table costs, beside a floor: the same packets sent by raw sockets, in the same lab.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use etherparse::TcpHeaderSlice;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, setsockopt,
    socket, sockopt,
};

use super::observe::Reports;
use super::table::Prepared;
use super::trial_run::TrialRun;
use super::{Options, RunError, Trial};
use crate::ask::{AskError, PAIRS, QuestionText};
use crate::capture::{RawFrame, Tap};
use crate::intent::{Answer, Row};
use crate::lab::{FinishedLabs, Lab, overflows};
use crate::packet::{Transport, decode};

/// Packets that are sent before the captures are read, in a table and here.
const TURN: usize = 64;
/// Length of an Ethernet header without VLAN tag, in bytes.
const ETHERNET_HEADER: usize = 14;
/// Where an IPv4 header says whether the packet is a fragment, and of which protocol it is (RFC 791 3.1).
const FRAGMENT: std::ops::Range<usize> = 6..8;
const PROTOCOL: usize = 9;
/// Where the checksums of UDP and TCP are, behind the IPv4 header (RFC 768, RFC 9293 3.1).
const UDP_CHECKSUM: std::ops::Range<usize> = 6..8;
const TCP_CHECKSUM: std::ops::Range<usize> = 16..18;

/// What one table costs.
#[derive(Debug, Clone, Default)]
pub struct TableCost {
    /// Questions of the table.
    pub questions: usize,
    /// Questions that must not be answered.
    pub unanswered: usize,
    /// From the first socket to the last answer and the proof of what is lost, one duration for each time that it was asked.
    pub asked: Vec<Duration>,
    /// Packets that asking takes, without what the kernel answers by itself.
    pub packets: usize,
    /// From the first of them to the last, with captures read, one duration for each time.
    pub sent: Vec<Duration>,
}

/// Builds a trial's lab and asks its table so many times, each followed by its floor.
///
/// # Errors
/// The lab could not be built or asked, or an answer is not as intended: then nothing was measured.
pub fn table_cost(
    trial: &Trial,
    options: &Options,
    rounds: usize,
    finished: &FinishedLabs,
) -> Result<TableCost, RunError> {
    let mut run = TrialRun::start(trial, options, finished)?;
    let cost = run.table_cost(rounds);
    run.finish(trial, options, finished);
    cost
}

impl TrialRun {
    fn table_cost(&mut self, rounds: usize) -> Result<TableCost, RunError> {
        let prepared = self.prepare_table()?;
        let Some(Prepared { rows, ground, .. }) = prepared else {
            return Ok(TableCost::default());
        };
        let mut cost = TableCost {
            questions: rows.len(),
            unanswered: rows.iter().filter(|row| is_silent(row)).count(),
            asked: Vec::new(),
            packets: 0,
            sent: Vec::new(),
        };
        // The first round resolves neighbours, and shows which packets are sent.
        let mut taps = taps(self.lab.live())?;
        let differences = self.differences(&rows, &ground, |_| true)?;
        if let Some(first) = differences.first() {
            let question = QuestionText(&first.row.question).to_string();
            return Err(RunError::NotMeasured { question });
        }
        let packets = sent_by_processes(&mut taps, self.lab.live())?;
        cost.packets = packets.len();
        let sockets = sockets(&packets, self.lab.live())?;
        for _ in 0..rounds {
            let start = Instant::now();
            self.differences(&rows, &ground, |_| true)?;
            cost.asked.push(start.elapsed());
            for tap in &mut taps {
                tap.drain()?;
            }
            let before = overflows();
            let sent = self.observer.at_once(Reports::Paused, |_| {
                send(&packets, &sockets, &mut taps, self.lab.live())
            })?;
            if overflows() != before {
                return Err(RunError::Crowded { times: 1 });
            }
            cost.sent.push(sent);
        }
        Ok(cost)
    }
}

fn is_silent(row: &Row) -> bool {
    matches!(row.answer, Answer::Blocked)
}

/// A packet that a process of a node has sent.
struct Packet {
    node: String,
    to: Ipv4Addr,
    bytes: Vec<u8>,
}

fn taps(lab: &Lab) -> Result<Vec<Tap>, RunError> {
    let nodes = lab.read_nodes()?;
    let open = |node: &String| Ok(Tap::open(node, lab.netns(node)?)?);
    nodes.keys().map(open).collect()
}

/// What the captures have of packets that processes have sent, in the order in which they were: neither forwarded ones, nor what
/// the kernel answers by itself.
fn sent_by_processes(taps: &mut [Tap], lab: &Lab) -> Result<Vec<Packet>, RunError> {
    let nodes = lab.read_nodes()?;
    let mut packets = Vec::new();
    for tap in taps {
        let node = tap.node().to_owned();
        let addresses = nodes.get(&node).map(|one| one.addresses.clone());
        let addresses = addresses.unwrap_or_default();
        let mut seen = BTreeSet::new();
        for frame in tap.drain()? {
            let at = frame.at;
            let Some((key, from, packet)) = request(&node, &frame) else {
                continue;
            };
            // What came in before is forwarded; on the loopback everything comes in after it went out.
            if seen.insert(key) && addresses.contains(&from) {
                packets.push((at, packet));
            }
        }
    }
    packets.sort_by_key(|(at, _)| *at);
    Ok(packets.into_iter().map(|(_, packet)| packet).collect())
}

/// What tells the packet from others wherever it is seen, and its sender; none of what the kernel sends by itself.
fn request(node: &str, frame: &RawFrame) -> Option<(Vec<u8>, IpAddr, Packet)> {
    let mut bytes = frame.bytes.get(ETHERNET_HEADER..)?.to_vec();
    let (headers, payload) = decode(&bytes)?;
    let IpAddr::V4(to) = headers.destination else {
        return None;
    };
    let key = match &headers.transport {
        Transport::EchoRequest { .. } | Transport::Udp { .. } => payload.to_vec(),
        Transport::Tcp {
            sequence, flags, ..
        } if flags.syn && !flags.ack => sequence.to_be_bytes().to_vec(),
        _ => return None,
    };
    let from = headers.source;
    sum(&mut bytes);
    let node = node.to_owned();
    Some((key, from, Packet { node, to, bytes }))
}

/// Completes the checksum of a packet that was not yet summed when it was captured.
fn sum(packet: &mut [u8]) -> Option<()> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let is_fragment = packet.get(FRAGMENT)? != [0x40, 0] && packet.get(FRAGMENT)? != [0, 0];
    let protocol = *packet.get(PROTOCOL)?;
    if is_fragment {
        return None;
    }
    let (ip, transport) = packet.split_at_mut_checked(header)?;
    match protocol {
        17 => transport.get_mut(UDP_CHECKSUM)?.fill(0),
        6 => {
            let tcp = TcpHeaderSlice::from_slice(transport).ok()?;
            let payload = transport.get(tcp.slice().len()..)?;
            let address = |at: usize| ip.get(at..at + 4)?.try_into().ok();
            let sum = tcp
                .to_header()
                .calc_checksum_ipv4_raw(address(12)?, address(16)?, payload)
                .ok()?;
            transport
                .get_mut(TCP_CHECKSUM)?
                .copy_from_slice(&sum.to_be_bytes());
        }
        _ => {}
    }
    Some(())
}

/// A raw socket in each node that sends, to which whole packets are given (raw(7), `IP_HDRINCL`).
fn sockets(packets: &[Packet], lab: &Lab) -> Result<BTreeMap<String, OwnedFd>, RunError> {
    let nodes: BTreeSet<&str> = packets.iter().map(|packet| packet.node.as_str()).collect();
    let mut sockets = BTreeMap::new();
    for node in nodes {
        let open = || {
            let flags = SockFlag::SOCK_CLOEXEC;
            let protocol = SockProtocol::Raw;
            let socket = socket(AddressFamily::Inet, SockType::Raw, flags, protocol)?;
            setsockopt(&socket, sockopt::Broadcast, &true)?;
            Ok(socket)
        };
        let opened: Result<OwnedFd, Errno> = lab.netns(node)?.run(open)?;
        let opened = opened.map_err(|errno| AskError::system("open a raw socket", node)(errno))?;
        sockets.insert(node.to_owned(), opened);
    }
    Ok(sockets)
}

/// Sends the packets and returns how long that took. Neighbours are forgotten in between, which is not counted, as a table that is
/// asked does: what finds no room to remember one is lost, here and in every other lab of the machine.
fn send(
    packets: &[Packet],
    sockets: &BTreeMap<String, OwnedFd>,
    taps: &mut [Tap],
    lab: &Lab,
) -> Result<Duration, RunError> {
    let mut pairs = BTreeSet::new();
    let mut sent = Duration::ZERO;
    for turn in packets.chunks(TURN) {
        pairs.extend(turn.iter().map(|packet| (&packet.node, packet.to)));
        if pairs.len() > PAIRS {
            lab.forget_neighbours()?;
            pairs.clear();
        }
        let start = Instant::now();
        for packet in turn {
            let Some(socket) = sockets.get(&packet.node) else {
                continue;
            };
            let to = SockaddrIn::from(SocketAddrV4::new(packet.to, 0));
            match sendto(socket.as_raw_fd(), &packet.bytes, &to, MsgFlags::empty()) {
                // A rule of the host drops it, it is larger than the link, or it goes to a group, which has no route.
                Ok(_) | Err(Errno::EPERM | Errno::EMSGSIZE | Errno::ENETUNREACH) => {}
                Err(errno) => {
                    return Err(AskError::system("send a packet", &packet.node)(errno).into());
                }
            }
        }
        for tap in taps.iter_mut() {
            tap.drain()?;
        }
        sent += start.elapsed();
    }
    Ok(sent)
}
