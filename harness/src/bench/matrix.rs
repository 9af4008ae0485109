//! All containers of one bridge ask all others: how long a large lab takes to build, and how many echoes a second it does.

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, MultiHeaders, SockFlag, SockProtocol, SockType,
    SockaddrIn, recvmmsg, sendmmsg, setsockopt, socket, sockopt,
};
use serde::Serialize;

use super::BenchError;
use crate::address::{PerFamily, Prefix};
use crate::lab::{FinishedLabs, Lab};
use crate::plan::topology::{BridgeSpec, EndSpec, LabSpec, NodeSpec, VethSpec};

/// Ports that a Linux bridge has (`BR_MAX_PORTS`).
const PORTS: usize = 1_023;
/// Requests in one system call.
const BURST: usize = 64;
/// Payload in bytes, as `fping` sends it.
const PAYLOAD: usize = 56;
/// Replies are there when the send returns; a loaded machine gets a second.
const REPLY_WAIT: Duration = Duration::from_secs(1);
/// Replies of one container's row.
const BUFFER_BYTES: usize = 2 << 20;
/// Sources are shared by this many threads.
const THREADS: usize = 2;
/// Length of an ICMP header, and where its sequence number is (RFC 792).
const ICMP_HEADER: usize = 8;
const SEQUENCE: std::ops::Range<usize> = 6..8;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct MatrixResult {
    /// Containers on the bridge.
    pub containers: usize,
    /// Time to build the lab, in milliseconds.
    pub build_ms: f64,
    /// Pairs asked.
    pub probes: usize,
    /// Pairs answered.
    pub answered: usize,
    /// Time to ask them all, in milliseconds.
    pub asked_ms: f64,
    /// Probes a second.
    pub probes_per_second: f64,
}

struct Asker {
    node: String,
    address: Ipv4Addr,
    socket: OwnedFd,
}

/// What one container asked and heard.
struct Row {
    heard: Vec<bool>,
    asked: usize,
}

/// Asks the rows of some containers. Replies are waited for only behind the last row: on a busy machine each wait is a
/// turn of the scheduler.
fn ask_rows(askers: &[Asker], everybody: &[Ipv4Addr]) -> Result<usize, BenchError> {
    let mut rows = Vec::with_capacity(askers.len());
    for asker in askers {
        rows.push((asker, asker.ask(everybody)?));
    }
    rows.into_iter().map(|(asker, row)| asker.hear(row)).sum()
}

/// Builds the lab and asks every pair once.
pub fn matrix(containers: usize, finished: &FinishedLabs) -> Result<MatrixResult, BenchError> {
    if containers > PORTS {
        return Err(BenchError::TooMany(containers));
    }
    let start = Instant::now();
    let names: Vec<String> = (0..containers).map(|n| format!("c{n}")).collect();
    let lab = Lab::build(&spec(&names))?;
    let build_ms = start.elapsed().as_secs_f64() * 1e3;
    let ends: Vec<(String, IpAddr)> = (0..)
        .zip(&names)
        .map(|(n, name)| (name.clone(), IpAddr::V4(address(n))))
        .collect();
    lab.introduce("eth0", &ends)?;
    let mut askers = Vec::new();
    for (n, name) in (0..).zip(&names) {
        askers.push(Asker::open(&lab, name, address(n))?);
    }
    // The bridge learns where everybody is; before, it would send each frame to every port.
    let addresses: Vec<Ipv4Addr> = askers.iter().map(|asker| asker.address).collect();
    ask_rows(&askers, &addresses[..2.min(containers)])?;
    let start = Instant::now();
    let answered = thread::scope(|scope| {
        let share = askers.len().div_ceil(THREADS).max(1);
        let rows: Vec<_> = askers
            .chunks(share)
            .map(|mine| {
                let addresses = &addresses;
                scope.spawn(move || ask_rows(mine, addresses))
            })
            .collect();
        rows.into_iter()
            .map(|row| row.join().unwrap_or(Ok(0)))
            .sum::<Result<usize, BenchError>>()
    })?;
    let asked = start.elapsed();
    finished.keep(lab);
    let probes = containers * containers.saturating_sub(1);
    Ok(MatrixResult {
        containers,
        build_ms,
        probes,
        answered,
        asked_ms: asked.as_secs_f64() * 1e3,
        probes_per_second: probes as f64 / asked.as_secs_f64(),
    })
}

fn address(number: u16) -> Ipv4Addr {
    let [high, low] = (number + 2).to_be_bytes();
    Ipv4Addr::new(10, 99, high, low)
}

fn spec(names: &[String]) -> LabSpec {
    let mut host = NodeSpec {
        name: "host".into(),
        ..NodeSpec::default()
    };
    host.bridges.push(BridgeSpec {
        name: "br0".into(),
        addresses: PerFamily::NONE,
    });
    let nodes = names.iter().map(|name| NodeSpec {
        name: name.clone(),
        ..NodeSpec::default()
    });
    let veths = (0..).zip(names).map(|(n, name)| {
        let prefix = Prefix {
            address: IpAddr::V4(address(n)),
            length: 16,
        };
        VethSpec {
            ends: [
                EndSpec::port("host", &format!("veth{n}"), "br0"),
                EndSpec::addressed(name, "eth0", prefix),
            ],
            mtu: None,
        }
    });
    LabSpec {
        nodes: std::iter::once(host).chain(nodes).collect(),
        veths: veths.collect(),
    }
}

impl Asker {
    /// A ping socket, which hears replies to its own requests and nothing else.
    fn open(lab: &Lab, node: &str, address: Ipv4Addr) -> Result<Self, BenchError> {
        let failed = |operation| BenchError::socket(operation, node);
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = lab.netns(node)?.run(|| {
            socket(
                AddressFamily::Inet,
                SockType::Datagram,
                flags,
                SockProtocol::Icmp,
            )
        })?;
        let socket = socket.map_err(failed("open a ping socket"))?;
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_BYTES).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES)
                .map_err(failed("set the receive buffer"))?;
        }
        Ok(Self {
            node: node.to_owned(),
            address,
            socket,
        })
    }

    /// Asks everybody else, and takes the replies that are there by then.
    fn ask(&self, everybody: &[Ipv4Addr]) -> Result<Row, BenchError> {
        let mut row = Row {
            heard: vec![false; everybody.len()],
            asked: 0,
        };
        for (first, addresses) in (0..).step_by(BURST).zip(everybody.chunks(BURST)) {
            row.asked += self.send(first, addresses)?;
            self.receive(&mut row.heard)?;
        }
        Ok(row)
    }

    /// Waits for the replies that are still on their way, and returns how many came in all.
    fn hear(&self, mut row: Row) -> Result<usize, BenchError> {
        let start = Instant::now();
        loop {
            let answered = row.heard.iter().filter(|heard| **heard).count();
            let left = REPLY_WAIT.saturating_sub(start.elapsed());
            if answered >= row.asked || left.is_zero() {
                return Ok(answered);
            }
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut waited = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            poll(&mut waited, timeout).map_err(BenchError::socket("poll", &self.node))?;
            self.receive(&mut row.heard)?;
        }
    }

    fn send(&self, first: usize, addresses: &[Ipv4Addr]) -> Result<usize, BenchError> {
        let others: Vec<(usize, Ipv4Addr)> = (first..)
            .zip(addresses.iter().copied())
            .filter(|(_, address)| *address != self.address)
            .collect();
        let packets: Vec<Vec<u8>> = others.iter().map(|(number, _)| echo(*number)).collect();
        let slices: Vec<[IoSlice<'_>; 1]> = packets.iter().map(|p| [IoSlice::new(p)]).collect();
        let to: Vec<Option<SockaddrIn>> = others
            .iter()
            .map(|(_, address)| Some(SockaddrIn::from(SocketAddrV4::new(*address, 0))))
            .collect();
        let none: [ControlMessage<'_>; 0] = [];
        let mut sent = 0;
        while sent < slices.len() {
            let mut headers = MultiHeaders::<SockaddrIn>::preallocate(slices.len() - sent, None);
            let done = sendmmsg(
                self.socket.as_raw_fd(),
                &mut headers,
                &slices[sent..],
                &to[sent..],
                none,
                MsgFlags::empty(),
            )
            .map_err(BenchError::socket("send echo requests", &self.node))?
            .count();
            sent += done.max(1);
        }
        Ok(slices.len())
    }

    fn receive(&self, heard: &mut [bool]) -> Result<(), BenchError> {
        let mut buffers = [[0_u8; ICMP_HEADER]; BURST];
        loop {
            let mut count = 0;
            {
                let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BURST, None);
                let mut slices: Vec<[IoSliceMut<'_>; 1]> = buffers
                    .iter_mut()
                    .map(|buffer| [IoSliceMut::new(buffer)])
                    .collect();
                let received = recvmmsg(
                    self.socket.as_raw_fd(),
                    &mut headers,
                    slices.iter_mut(),
                    MsgFlags::MSG_DONTWAIT,
                    None,
                );
                match received {
                    Ok(messages) => count += messages.count(),
                    Err(Errno::EAGAIN | Errno::EINTR) => {}
                    Err(errno) => {
                        return Err(BenchError::socket("receive replies", &self.node)(errno));
                    }
                }
            }
            for buffer in &buffers[..count] {
                let sequence = buffer[SEQUENCE].try_into().map(u16::from_be_bytes);
                if let Ok(sequence) = sequence
                    && let Some(heard) = heard.get_mut(usize::from(sequence))
                {
                    *heard = true;
                }
            }
            if count < BURST {
                return Ok(());
            }
        }
    }
}

/// An echo request with the asked one's number as its sequence number.
fn echo(number: usize) -> Vec<u8> {
    let header = IcmpEchoHeader {
        id: 0,
        seq: u16::try_from(number).unwrap_or(u16::MAX),
    };
    let mut packet = Icmpv4Header::new(Icmpv4Type::EchoRequest(header))
        .to_bytes()
        .to_vec();
    packet.resize(ICMP_HEADER + PAYLOAD, 0);
    packet
}
