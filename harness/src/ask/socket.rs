//! The socket of one question: it never blocks, and no other question's answer comes to it.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type};
use nix::errno::Errno;
use nix::libc::linger;
use nix::poll::PollFlags;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrStorage, bind,
    connect, recvfrom, send, setsockopt, socket, sockopt,
};
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, set_ip_mtu_discover, set_tcp_quickack, socket_error,
};

use super::seen::Heard;
use crate::case::ProbeKind;
use crate::packet::Token;
use crate::path::{Answer, Sent};
use crate::probe::{ProbeError, ProbeRequest, Prober, forget};

/// Length of an ICMP header in bytes (RFC 792).
const ICMP_HEADER: usize = 8;

/// A socket and what it asks.
#[derive(Debug)]
pub(super) struct Socket {
    sender: Sender,
    request: ProbeRequest,
}

#[derive(Debug)]
enum Sender {
    /// TCP or UDP.
    Prober(Prober),
    /// A ping socket. A raw one would be handed every ICMP packet of its namespace.
    Ping(OwnedFd),
}

impl Socket {
    /// Opens it in the calling thread's network namespace.
    pub(super) fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        let sender = match request.kind {
            ProbeKind::IcmpEcho => Sender::Ping(ping(request)?),
            ProbeKind::Tcp
            | ProbeKind::Udp
            | ProbeKind::TcpFin
            | ProbeKind::IpProtocol
            | ProbeKind::IcmpReply => {
                let plain = ProbeRequest {
                    dont_fragment: None,
                    ..request.clone()
                };
                Sender::Prober(Prober::open(&plain)?)
            }
        };
        let socket = Self {
            sender,
            request: request.clone(),
        };
        // With it a socket hears of unreachable networks and hosts, too, which are soft errors otherwise (`man 7 ip`).
        setsockopt(&socket.interest().0, sockopt::Ipv4RecvErr, &true)
            .map_err(|errno| socket.error("ask for errors", errno))?;
        if let (Sender::Ping(ping), Some(tos)) = (&socket.sender, request.tos) {
            setsockopt(ping, sockopt::Ipv4Tos, &i32::from(tos))
                .map_err(|errno| socket.error("set the type of service", errno))?;
        }
        if let Some(whole) = request.dont_fragment {
            // By the link's MTU, not by one that another question has taught the node (`man 7 ip`).
            let mode = if whole {
                Ipv4PathMtuDiscovery::PROBE
            } else {
                Ipv4PathMtuDiscovery::DONT
            };
            set_ip_mtu_discover(socket.interest().0, mode).map_err(|error| {
                let errno = Errno::from_raw(error.raw_os_error());
                socket.error("say whether it may be fragmented", errno)
            })?;
        }
        if request.kind == ProbeKind::Tcp {
            // Its end is one reset: neither end lingers, and no port stays taken.
            socket
                .reset_at_end(true)
                .map_err(|errno| socket.error("make its end a reset", errno))?;
        }
        Ok(socket)
    }

    /// Whether its end is a reset. To who has closed first it should not be: a reset makes it forget the connection
    /// (`tcp_timewait_state_process`).
    pub(super) fn reset_at_end(&self, whether: bool) -> Result<(), Errno> {
        let at_once = linger {
            l_onoff: whether.into(),
            l_linger: 0,
        };
        setsockopt(&self.interest().0, sockopt::Linger, &at_once)
    }

    /// Closes it without a packet.
    pub(super) fn end_unheard(self) -> Result<(), Errno> {
        if self.request.kind != ProbeKind::Tcp {
            return Ok(());
        }
        forget(&self.interest().0)
    }

    /// The port that it sends from; an echo request's is its number alone.
    pub(super) fn source_port(&self) -> u16 {
        self.request.source_port
    }

    /// Asks anew in the same flow, with another token. What has come meanwhile belongs to no question.
    pub(super) fn renew(&mut self, token: Token) -> Result<(), ProbeError> {
        if self.takes_more() {
            while self.receive()?.is_some() {}
        } else {
            // An error that ends the connection is told again.
            let _ = socket_error(self.interest().0);
        }
        self.request.token = token;
        if let Sender::Prober(prober) = &mut self.sender {
            prober.mark(token);
        }
        Ok(())
    }

    /// Sends at once what a connection still owes the other end: the acknowledgement of the last bytes, which could come when the
    /// routes that the questions need are gone (RFC 9293 3.8.6.3: up to half a second later).
    pub(super) fn settle(&self) {
        if self.request.kind == ProbeKind::Tcp {
            // Of a connection that has ended nothing is owed.
            let _ = set_tcp_quickack(self.interest().0, true);
        }
    }

    /// Sends the question. What the kernel refuses is an answer.
    pub(super) fn send(&mut self) -> Result<Option<Heard>, ProbeError> {
        let sent = match &mut self.sender {
            Sender::Prober(prober) => prober.send()?,
            Sender::Ping(socket) => match send_echo(socket, &self.request) {
                Ok(()) => Sent::Accepted,
                Err(errno) => Sent::Refused(self.refusal("send an echo request", errno)?),
            },
        };
        Ok(match sent {
            Sent::Accepted => None,
            Sent::Refused(name) => Some(Heard::Errno(name)),
        })
    }

    /// What it was told since the last call, if anything.
    pub(super) fn receive(&mut self) -> Result<Option<Heard>, ProbeError> {
        match &mut self.sender {
            // It is connected: the kernel hands it nothing from another address or port.
            Sender::Prober(prober) => Ok(prober.receive()?.map(|answer| match answer {
                Answer::Reply { .. } => Heard::Answer(self.request.destination),
                Answer::Refused(name) => Heard::Errno(name),
            })),
            Sender::Ping(socket) => match receive_echo(socket, &self.request) {
                Ok(heard) => Ok(heard),
                Err(errno) => Ok(Some(Heard::Errno(
                    self.refusal("receive an echo reply", errno)?,
                ))),
            },
        }
    }

    /// Whether a second answer can come.
    pub(super) fn takes_more(&self) -> bool {
        self.request.kind != ProbeKind::Tcp
    }

    /// The socket and what to wait for on it.
    pub(super) fn interest(&self) -> (BorrowedFd<'_>, PollFlags) {
        match &self.sender {
            Sender::Prober(prober) => prober.interest(),
            Sender::Ping(socket) => (socket.as_fd(), PollFlags::POLLIN),
        }
    }

    fn refusal(&self, operation: &'static str, errno: Errno) -> Result<String, ProbeError> {
        crate::probe::refusal(errno).ok_or_else(|| self.error(operation, errno))
    }

    fn error(&self, operation: &'static str, errno: Errno) -> ProbeError {
        ProbeError {
            operation,
            destination: self.request.endpoint().to_string(),
            errno,
        }
    }
}

fn ping(request: &ProbeRequest) -> Result<OwnedFd, ProbeError> {
    let failed = |operation| {
        move |errno| ProbeError {
            operation,
            destination: request.destination.to_string(),
            errno,
        }
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let made = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        flags,
        SockProtocol::Icmp,
    )
    .map_err(failed("open a ping socket"))?;
    // The port of a ping socket is the identifier of its echo requests.
    let own = SockaddrStorage::from(SocketAddr::new([0, 0, 0, 0].into(), request.source_port));
    bind(made.as_raw_fd(), &own).map_err(failed("bind a ping socket"))?;
    Ok(made)
}

fn send_echo(socket: &OwnedFd, request: &ProbeRequest) -> Result<(), Errno> {
    let to = SockaddrStorage::from(SocketAddr::new(request.destination, 0));
    connect(socket.as_raw_fd(), &to)?;
    let echo = IcmpEchoHeader { id: 0, seq: 1 };
    let header = Icmpv4Header::new(Icmpv4Type::EchoRequest(echo));
    let packet = [&header.to_bytes()[..], &request.payload()].concat();
    send(socket.as_raw_fd(), &packet, MsgFlags::empty()).map(drop)
}

/// An echo reply with the whole payload of the request (RFC 792).
fn receive_echo(socket: &OwnedFd, request: &ProbeRequest) -> Result<Option<Heard>, Errno> {
    let whole = request.payload();
    let mut buffer = vec![0; ICMP_HEADER + whole.len() + 1];
    loop {
        match recvfrom::<SockaddrIn>(socket.as_raw_fd(), &mut buffer) {
            Ok((held, from)) => {
                let payload = buffer.get(ICMP_HEADER..held).unwrap_or_default();
                if let Some(from) = from.filter(|_| payload == whole) {
                    return Ok(Some(Heard::Answer(IpAddr::V4(from.ip()))));
                }
            }
            Err(Errno::EAGAIN) => return Ok(None),
            // A redirect: the packet was passed on (`ping_err` of the kernel calls that EREMOTEIO).
            Err(Errno::EINTR | Errno::EREMOTEIO) => {}
            Err(errno) => return Err(errno),
        }
    }
}
