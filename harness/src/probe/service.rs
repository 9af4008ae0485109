//! A service that answers a probe's token and says who it believes the caller to be.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::request::{BULK, BULK_HEADER};
use crate::packet::Token;

/// Width of the widest IPv4 address with a port.
const WIDEST: usize = "255.255.255.255:65535".len();

/// A listening socket of one node. It never blocks: [`Service::serve`] does what can be done now.
#[derive(Debug)]
pub struct Service {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Tcp {
        listener: TcpListener,
        callers: BTreeMap<i32, (TcpStream, Vec<u8>)>,
    },
    Udp(UdpSocket),
}

impl Service {
    /// Listens in the calling thread's network namespace.
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen_tcp(address: IpAddr, port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::new(address, port))?;
        listener.set_nonblocking(true)?;
        let callers = BTreeMap::new();
        let kind = Kind::Tcp { listener, callers };
        Ok(Self { kind })
    }

    /// Listens in the calling thread's network namespace.
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen_udp(address: IpAddr, port: u16) -> std::io::Result<Self> {
        let socket = bind_shared(SocketAddr::new(address, port))?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            kind: Kind::Udp(socket),
        })
    }

    /// Accepts, reads and answers as far as possible without blocking.
    ///
    /// # Errors
    /// The listening socket itself is broken. A caller that goes away is none.
    pub fn serve(&mut self) -> std::io::Result<()> {
        match &mut self.kind {
            Kind::Udp(socket) => serve_udp(socket),
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
                callers.retain(|_, (stream, received)| serve_caller(stream, received));
                Ok(())
            }
        }
    }

    /// The sockets to wait for.
    pub fn as_fds(&self) -> Vec<BorrowedFd<'_>> {
        match &self.kind {
            Kind::Udp(socket) => vec![socket.as_fd()],
            Kind::Tcp { listener, callers } => std::iter::once(listener.as_fd())
                .chain(callers.values().map(|(stream, _)| stream.as_fd()))
                .collect(),
        }
    }
}

/// Binds a port that a probe and a service of one node may share (socket(7), `SO_REUSEADDR`): answers go to the socket
/// that is connected to their sender (`net/ipv4/udp.c`, `compute_score`).
pub(super) fn bind_shared(address: SocketAddr) -> std::io::Result<UdpSocket> {
    use nix::sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
    };
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

fn serve_udp(socket: &UdpSocket) -> std::io::Result<()> {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((held, caller)) => {
                if let Some(answer) = answer(&buffer[..held], caller) {
                    // A reply that cannot leave is seen by the probe, as any lost reply.
                    let _ = socket.send_to(&answer, caller);
                }
            }
            Err(error) if waits(&error) => return Ok(()),
            // An ICMP error about an earlier reply; the next call goes on.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns whether the caller is to be kept. A caller that has its answer is kept until it closes,
/// so that the service sends no FIN before the probe has read.
fn serve_caller(stream: &mut TcpStream, received: &mut Vec<u8>) -> bool {
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
                    && let Some(answer) = answer(received, caller)
                {
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
fn answer(request: &[u8], caller: SocketAddr) -> Option<Vec<u8>> {
    let token: [u8; 16] = request.get(..16)?.try_into().ok()?;
    if token[..4] != Token::MARK {
        return None;
    }
    let mut answer = Token(token).answer().0.to_vec();
    answer.extend(format!("{caller:WIDEST$}\n").bytes());
    Some(answer)
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
    use crate::probe::{Protocol, Request};

    #[test]
    fn a_long_stream_is_answered_when_all_of_it_is_there() {
        let mut request = Request {
            protocol: Protocol::Tcp,
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
        let whole = answer(&token.0, caller).expect("a token is answered");
        assert_eq!(
            read_answer(token, &whole).as_deref(),
            Some("10.0.2.2:61000")
        );
        let other = answer(&token.0, "10.0.2.15:9".parse().expect("an endpoint"));
        assert_eq!(other.expect("a token is answered").len(), whole.len());
        assert_eq!(read_answer(token, &whole[..20]), None, "cut");
        assert_eq!(read_answer(Token::new(1, 2, 4), &whole), None, "another's");
        assert_eq!(answer(b"GET / HTTP/1.1\r\n", caller), None, "no token");
    }
}
