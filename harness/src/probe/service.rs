//! A service that answers a probe's token and says who it believes the caller to be.

use std::collections::BTreeMap;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, linger};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockaddrStorage, recvmsg, sendmsg,
    setsockopt, shutdown, sockopt,
};

use super::caller::{Caller, End};
use super::request::{BULK, BULK_HEADER};
use super::udp::leave;
use crate::address::Family;
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
    listening: Listening,
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
    /// The address that a datagram was sent to.
    asked: Option<Ipv4Addr>,
}

#[derive(Debug)]
enum Listening {
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
        match &self.listening {
            Listening::Tcp { listener, .. } => {
                let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
            }
            Listening::Udp { socket, .. } => leave(socket),
        }
    }
}

impl Service {
    /// Listens in the calling thread's network namespace, which is that of `node`, on all of its addresses of the family of
    /// `any`; on a port that is free if `port` is 0.
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen(node: &str, protocol: Protocol, any: IpAddr, port: u16) -> std::io::Result<Self> {
        let at = SocketAddr::new(any, port);
        let (port, listening) = match protocol {
            Protocol::Tcp => {
                let listener = TcpListener::bind(at)?;
                listener.set_nonblocking(true)?;
                let port = listener.local_addr()?.port();
                let callers = BTreeMap::new();
                (port, Listening::Tcp { listener, callers })
            }
            Protocol::Udp => {
                let socket = bind_shared(at)?;
                if any.is_ipv4() {
                    setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
                }
                socket.set_nonblocking(true)?;
                let port = socket.local_addr()?.port();
                let buffer = vec![0; usize::from(u16::MAX)];
                (port, Listening::Udp { socket, buffer })
            }
        };
        Ok(Self {
            node: node.to_owned(),
            port,
            listening,
            got: Vec::new(),
        })
    }

    /// The node in whose namespace it listens.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Its protocol.
    pub fn protocol(&self) -> Protocol {
        match self.listening {
            Listening::Tcp { .. } => Protocol::Tcp,
            Listening::Udp { .. } => Protocol::Udp,
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

    /// Hands over the caller of whom it got this, with the connection, which outlives the service then.
    pub fn release(&mut self, got: &Got) -> Option<Caller> {
        let end = match &mut self.listening {
            Listening::Udp { .. } => End::Datagram(got.asked),
            Listening::Tcp { callers, .. } => {
                let is_of =
                    |stream: &TcpStream| stream.peer_addr().is_ok_and(|one| one == got.peer);
                let mut held = callers.iter();
                let (fd, _) = held.find(|(_, (stream, _))| is_of(stream))?;
                let fd = *fd;
                let (stream, _) = callers.remove(&fd)?;
                // Its end is one reset, as the asking end's: no connection without a process stays in a namespace that is to go.
                let at_once = linger {
                    l_onoff: 1,
                    l_linger: 0,
                };
                let _ = setsockopt(&stream, sockopt::Linger, &at_once);
                End::Stream(stream)
            }
        };
        Some(Caller {
            node: self.node.clone(),
            protocol: self.protocol(),
            port: self.port,
            peer: got.peer,
            end,
        })
    }

    /// Whether it is the service that released a caller, or one in its place.
    pub fn is_of(&self, caller: &Caller) -> bool {
        let own = (self.node.as_str(), self.protocol(), self.port);
        own == (caller.node.as_str(), caller.protocol, caller.port)
    }

    /// Takes up a caller that a service of this node, protocol and port has released, and sends it the answer to a token that
    /// it has not sent. What the kernel refuses is a lost answer.
    pub fn speak(&mut self, caller: Caller, token: Token) {
        let said = reply(token, caller.peer);
        match (&mut self.listening, caller.end) {
            (Listening::Udp { socket, .. }, End::Datagram(asked)) => {
                let _ = send_from(socket, &said, caller.peer, asked);
            }
            (Listening::Tcp { callers, .. }, End::Stream(mut stream)) => {
                let _ = stream.write_all(&said);
                callers.insert(stream.as_raw_fd(), (stream, Vec::new()));
            }
            _ => {}
        }
    }

    /// Accepts, reads and answers as far as possible without blocking.
    ///
    /// # Errors
    /// The listening socket itself is broken. A caller that goes away is none.
    pub fn serve(&mut self) -> std::io::Result<()> {
        let got = &mut self.got;
        match &mut self.listening {
            Listening::Udp { socket, buffer } => serve_udp(socket, buffer, got),
            Listening::Tcp { listener, callers } => {
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
        match &self.listening {
            Listening::Udp { socket, .. } => vec![socket.as_fd()],
            Listening::Tcp { listener, callers } => std::iter::once(listener.as_fd())
                .chain(callers.values().map(|(stream, _)| stream.as_fd()))
                .collect(),
        }
    }
}

/// Binds a port that a probe and a service of one node may share (socket(7), `SO_REUSEADDR`): answers go to the socket
/// that is connected to their sender (`net/ipv4/udp.c`, `compute_score`).
pub(super) fn bind_shared(address: SocketAddr) -> std::io::Result<UdpSocket> {
    use nix::sys::socket::{SockFlag, SockType, bind, socket};
    let family = Family::of(address.ip()).domain();
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
                        asked,
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
) -> Result<(usize, SocketAddr, Option<Ipv4Addr>), Errno> {
    let mut space = nix::cmsg_space!(in_pktinfo);
    let mut slices = [IoSliceMut::new(buffer)];
    let received = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut slices,
        Some(&mut space),
        MsgFlags::empty(),
    )?;
    let asked = received.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            Some(Ipv4Addr::from_bits(u32::from_be(info.ipi_spec_dst.s_addr)))
        }
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
    asked: Option<Ipv4Addr>,
) -> Result<usize, Errno> {
    let none = in_addr { s_addr: 0 };
    let from = asked.map(|asked| in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: in_addr {
            s_addr: asked.to_bits().to_be(),
        },
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
                        asked: None,
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

fn answer(request: &[u8], caller: SocketAddr) -> Option<(Token, Vec<u8>)> {
    let token = Token(request.get(..16)?.try_into().ok()?);
    if token.0[..4] != Token::MARK {
        return None;
    }
    Some((token, reply(token, caller)))
}

/// The answering token, the caller as the service sees it, and a newline that ends it. An answer over IPv4 is as long
/// whatever port the caller has: its length is captured.
fn reply(token: Token, caller: SocketAddr) -> Vec<u8> {
    let mut answer = token.answer().0.to_vec();
    answer.extend(format!("{caller:WIDEST$}\n").bytes());
    answer
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

    /// A service on a free port of the loopback, with its address.
    fn listening(protocol: Protocol) -> (Service, SocketAddr) {
        let any = Ipv4Addr::LOCALHOST.into();
        let service = Service::listen("c1", protocol, any, 0).expect("a port is free");
        let at = SocketAddr::new(any, service.port());
        (service, at)
    }

    #[test]
    fn a_flow_outlives_its_service_and_both_ends_may_send_first() {
        for (protocol, kind) in [
            (Protocol::Tcp, ProbeKind::Tcp),
            (Protocol::Udp, ProbeKind::Udp),
        ] {
            let (mut service, at) = listening(protocol);
            let request = ProbeRequest::smallest(kind, at);
            let mut prober = crate::probe::Prober::open(&request).expect("a socket");
            prober.send().expect("it is sent");
            assert!(answered(&mut prober, &mut service), "{protocol}: at first");
            let got = service.take_got().pop().expect("it has got it");
            let caller = service.release(&got).expect("it knows the caller");
            assert!(service.is_of(&caller));
            service.speak(caller, Token::new(1, 2, 5));
            prober.mark(Token::new(1, 2, 5));
            assert!(answered(&mut prober, &mut service), "{protocol}: unasked");
            prober.mark(Token::new(1, 2, 6));
            prober.send().expect("it is sent");
            assert!(answered(&mut prober, &mut service), "{protocol}: again");
        }
    }

    /// Serves until the prober hears something. Returns whether that is an answer.
    fn answered(prober: &mut crate::probe::Prober, service: &mut Service) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        loop {
            service.serve().expect("it listens");
            if let Some(answer) = prober.receive().expect("the machine is not broken") {
                return matches!(answer, crate::path::Answer::Reply { .. });
            }
            let (fd, wanted) = prober.interest();
            let served = service.as_fds();
            let served = served.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN));
            let mut waited: Vec<_> = served.chain([PollFd::new(fd, wanted)]).collect();
            poll(&mut waited, PollTimeout::NONE).expect("something comes");
        }
    }
}
