//! A service that answers a probe's token and says who it believes the caller to be.

use std::collections::BTreeMap;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockaddrStorage, recvmsg, sendmsg,
    setsockopt, shutdown, sockopt,
};

use super::request::{BULK, BULK_HEADER};
use super::udp::leave;
use crate::case::Protocol;
use crate::packet::Token;

/// More bytes than any answer has.
pub(super) const ANSWER_BYTES: usize = 128;
/// Width of the widest IPv4 address with a port.
const WIDEST: usize = "255.255.255.255:65535".len();

/// A listening socket of one node. It never blocks: [`Service::serve`] does what can be done now.
#[derive(Debug)]
pub struct Service {
    node: String,
    port: u16,
    kind: Kind,
    got: Vec<Got>,
}

/// A probe that a service got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its mark.
    pub token: Token,
    /// The caller as the service sees it.
    pub peer: SocketAddr,
    /// Bytes of its payload.
    pub bytes: usize,
}

#[derive(Debug)]
enum Kind {
    Tcp {
        listener: TcpListener,
        callers: BTreeMap<i32, (TcpStream, Vec<u8>)>,
    },
    Udp {
        socket: UdpSocket,
        buffer: Vec<u8>,
    },
}

/// A process that another trial starts has a copy of the socket until its exec. The copy would keep a TCP port, or take what
/// is sent to a UDP port from now on: no longer listening, or connected to nobody's port, it does neither.
impl Drop for Service {
    fn drop(&mut self) {
        match &self.kind {
            Kind::Tcp { listener, .. } => {
                let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
            }
            Kind::Udp { socket, .. } => leave(socket),
        }
    }
}

impl Service {
    /// Listens in the calling thread's network namespace, which is that of `node`, on all of its addresses of the family of
    /// `any`.
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen(node: &str, protocol: Protocol, any: IpAddr, port: u16) -> std::io::Result<Self> {
        let at = SocketAddr::new(any, port);
        let kind = match protocol {
            Protocol::Tcp => {
                let listener = TcpListener::bind(at)?;
                listener.set_nonblocking(true)?;
                let callers = BTreeMap::new();
                Kind::Tcp { listener, callers }
            }
            Protocol::Udp => {
                let socket = bind_shared(at)?;
                if any.is_ipv4() {
                    setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
                }
                socket.set_nonblocking(true)?;
                let buffer = vec![0; usize::from(u16::MAX)];
                Kind::Udp { socket, buffer }
            }
        };
        Ok(Self {
            node: node.to_owned(),
            port,
            kind,
            got: Vec::new(),
        })
    }

    /// The node in whose namespace it listens.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Its protocol.
    pub fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Tcp { .. } => Protocol::Tcp,
            Kind::Udp { .. } => Protocol::Udp,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it got since the last call, in order.
    pub fn take_got(&mut self) -> Vec<Got> {
        std::mem::take(&mut self.got)
    }

    /// Accepts, reads and answers as far as possible without blocking.
    ///
    /// # Errors
    /// The listening socket itself is broken. A caller that goes away is none.
    pub fn serve(&mut self) -> std::io::Result<()> {
        let got = &mut self.got;
        match &mut self.kind {
            Kind::Udp { socket, buffer } => serve_udp(socket, buffer, got),
            Kind::Tcp { listener, callers } => {
                loop {
                    match listener.accept() {
                        Ok((stream, _)) => {
                            stream.set_nonblocking(true)?;
                            callers.insert(stream.as_raw_fd(), (stream, Vec::new()));
                        }
                        Err(error) if waits(&error) => break,
                        Err(error) => return Err(error),
                    }
                }
                callers.retain(|_, (stream, received)| serve_caller(stream, received, got));
                Ok(())
            }
        }
    }

    /// The sockets to wait for.
    pub fn as_fds(&self) -> Vec<BorrowedFd<'_>> {
        match &self.kind {
            Kind::Udp { socket, .. } => vec![socket.as_fd()],
            Kind::Tcp { listener, callers } => std::iter::once(listener.as_fd())
                .chain(callers.values().map(|(stream, _)| stream.as_fd()))
                .collect(),
        }
    }
}

/// Binds a port that a probe and a service of one node may share (socket(7), `SO_REUSEADDR`): answers go to the socket
/// that is connected to their sender (`net/ipv4/udp.c`, `compute_score`).
pub(super) fn bind_shared(address: SocketAddr) -> std::io::Result<UdpSocket> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, bind, socket};
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let made = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&made, sockopt::ReuseAddr, &true)?;
    bind(made.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(made.into())
}

fn serve_udp(socket: &UdpSocket, buffer: &mut [u8], got: &mut Vec<Got>) -> std::io::Result<()> {
    loop {
        match receive_from(socket, buffer) {
            Ok((held, caller, asked)) => {
                if let Some((token, answer)) = answer(&buffer[..held], caller) {
                    got.push(Got {
                        token,
                        peer: caller,
                        bytes: held,
                    });
                    // A reply that cannot leave is seen by the probe, as any lost reply.
                    let _ = send_from(socket, &answer, caller, asked);
                }
            }
            Err(Errno::EAGAIN) => return Ok(()),
            // An ICMP error about an earlier reply; the next call goes on.
            Err(Errno::ECONNREFUSED | Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// A datagram's length, its sender, and the address that it was sent to.
fn receive_from(
    socket: &UdpSocket,
    buffer: &mut [u8],
) -> Result<(usize, SocketAddr, Option<in_addr>), Errno> {
    let mut space = nix::cmsg_space!(in_pktinfo);
    let mut slices = [IoSliceMut::new(buffer)];
    let received = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut slices,
        Some(&mut space),
        MsgFlags::empty(),
    )?;
    let asked = received.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(info.ipi_spec_dst),
        _ => None,
    });
    let sender = received.address.and_then(|sender| {
        let v4 = sender
            .as_sockaddr_in()
            .map(|v4| SocketAddr::V4((*v4).into()));
        v4.or_else(|| {
            sender
                .as_sockaddr_in6()
                .map(|v6| SocketAddr::V6((*v6).into()))
        })
    });
    Ok((received.bytes, sender.ok_or(Errno::EPROTO)?, asked))
}

/// Answers from the address that was asked: a socket of all addresses would answer from that of the route
/// (RFC 1122 4.1.3.5).
fn send_from(
    socket: &UdpSocket,
    answer: &[u8],
    caller: SocketAddr,
    asked: Option<in_addr>,
) -> Result<usize, Errno> {
    let none = in_addr { s_addr: 0 };
    let from = asked.map(|ipi_spec_dst| in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst,
        ipi_addr: none,
    });
    let messages: Vec<ControlMessage<'_>> =
        from.iter().map(ControlMessage::Ipv4PacketInfo).collect();
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(answer)],
        &messages,
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(caller)),
    )
}

/// Returns whether the caller is to be kept. A caller that has its answer is kept until it closes,
/// so that the service sends no FIN before the probe has read.
fn serve_caller(stream: &mut TcpStream, received: &mut Vec<u8>, got: &mut Vec<Got>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(held) => {
                received.extend(&buffer[..held]);
                let Ok(caller) = stream.peer_addr() else {
                    return false;
                };
                if is_whole(received)
                    && let Some((token, answer)) = answer(received, caller)
                {
                    got.push(Got {
                        token,
                        peer: caller,
                        bytes: received.len(),
                    });
                    received.clear();
                    if stream.write_all(&answer).is_err() {
                        return false;
                    }
                }
            }
            Err(error) => return waits(&error),
        }
    }
}

/// Whether all of a stream's request is there. One that is to be long says so in its first segment.
fn is_whole(received: &[u8]) -> bool {
    let announced = received
        .get(..BULK_HEADER)
        .and_then(|header| header[16..].split_at_checked(BULK.len()))
        .filter(|(word, _)| *word == BULK)
        .and_then(|(_, size)| size.try_into().ok())
        .map(u32::from_be_bytes);
    announced.is_none_or(|size| usize::try_from(size).is_ok_and(|size| received.len() >= size))
}

fn waits(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
}

/// The answering token, the caller as the service sees it, and a newline that ends it. An answer over IPv4 is as long
/// whatever port the caller has: its length is captured.
fn answer(request: &[u8], caller: SocketAddr) -> Option<(Token, Vec<u8>)> {
    let token = Token(request.get(..16)?.try_into().ok()?);
    if token.0[..4] != Token::MARK {
        return None;
    }
    let mut answer = token.answer().0.to_vec();
    answer.extend(format!("{caller:WIDEST$}\n").bytes());
    Some((token, answer))
}

/// The caller that the service saw, once its answer to `token` is complete.
pub(super) fn read_answer(token: Token, received: &[u8]) -> Option<String> {
    let (mark, caller) = received.split_at_checked(16)?;
    let caller = caller.strip_suffix(b"\n")?;
    (mark == token.answer().0)
        .then(|| String::from_utf8_lossy(caller.trim_ascii_end()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ProbeKind;
    use crate::probe::ProbeRequest;

    #[test]
    fn a_long_stream_is_answered_when_all_of_it_is_there() {
        let mut request = ProbeRequest {
            kind: ProbeKind::Tcp,
            destination: [8, 8, 8, 8].into(),
            port: 80,
            source_port: 61_000,
            token: Token::new(1, 2, 3),
            size: 100_000,
            ttl: None,
            tos: None,
            dont_fragment: None,
        };
        let payload = request.payload();
        assert_eq!(payload.len(), 100_000);
        assert!(!is_whole(&payload[..1460]));
        assert!(!is_whole(&payload[..99_999]));
        assert!(is_whole(&payload));
        request.size = 16;
        assert!(is_whole(&request.payload()));
    }

    #[test]
    fn an_answer_is_read_only_when_it_is_whole_and_ours() {
        let token = Token::new(1, 2, 3);
        let caller = "10.0.2.2:61000".parse().expect("an endpoint");
        let (_, whole) = answer(&token.0, caller).expect("a token is answered");
        assert_eq!(
            read_answer(token, &whole).as_deref(),
            Some("10.0.2.2:61000")
        );
        let other = answer(&token.0, "10.0.2.15:9".parse().expect("an endpoint"));
        assert_eq!(other.expect("a token is answered").1.len(), whole.len());
        assert_eq!(read_answer(token, &whole[..20]), None, "cut");
        assert_eq!(read_answer(Token::new(1, 2, 4), &whole), None, "another's");
        assert_eq!(answer(b"GET / HTTP/1.1\r\n", caller), None, "no token");
    }
}
