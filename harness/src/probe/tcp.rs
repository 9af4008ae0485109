//! One TCP connection: connect, the token one way, the service's answer the other.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{SockFlag, SockType, SockaddrStorage, bind, connect, socket};

use super::errno::{errno_of, refusal};
use super::service::read_answer;
use super::{ProbeError, ProbeRequest};
use crate::address::Family;
use crate::path::{Answer, Sent};

/// A connection in the making, and how far it has come.
#[derive(Debug)]
pub struct TcpProber {
    stream: TcpStream,
    request: ProbeRequest,
    /// Whether it was asked for.
    begun: bool,
    /// What is still to be sent once the connection stands.
    unsent: Vec<u8>,
    received: Vec<u8>,
}

impl TcpProber {
    /// Opens and binds the socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// The source port is taken or the TTL refused.
    pub fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        let failed = |operation| move |errno| request.error(operation, errno);
        let family = Family::of(request.destination);
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(family.domain(), SockType::Stream, flags, None)
            .map_err(failed("open a TCP socket"))?;
        request.set_headers(&socket)?;
        let local = SockaddrStorage::from(SocketAddr::new(family.any(), request.source_port));
        bind(socket.as_raw_fd(), &local).map_err(failed("bind a TCP socket"))?;
        Ok(Self {
            stream: TcpStream::from(socket),
            request: request.clone(),
            begun: false,
            unsent: Vec::new(),
            received: Vec::new(),
        })
    }

    pub(super) fn mark(&mut self, token: crate::packet::Token) {
        self.request.token = token;
        self.received.clear();
    }

    pub(super) fn send(&mut self) -> Result<Sent, ProbeError> {
        self.unsent = self.request.payload();
        if std::mem::replace(&mut self.begun, true) {
            return Ok(Sent::Accepted);
        }
        let to = SockaddrStorage::from(self.request.endpoint());
        match connect(self.stream.as_raw_fd(), &to) {
            Ok(()) | Err(Errno::EINPROGRESS) => Ok(Sent::Accepted),
            Err(errno) => refusal(errno)
                .map(Sent::Refused)
                .ok_or_else(|| self.request.error("connect", errno)),
        }
    }

    pub(super) fn receive(&mut self) -> Result<Option<Answer>, ProbeError> {
        match self.exchange() {
            Ok(answer) => Ok(answer),
            Err(error) if waits(&error) => Ok(None),
            Err(error) => {
                // Of a connection that the other end has closed, writing says EPIPE what reading says by a reset.
                let errno = match errno_of(&error) {
                    Errno::EPIPE => Errno::ECONNRESET,
                    errno => errno,
                };
                match refusal(errno) {
                    Some(name) => Ok(Some(Answer::Refused(name))),
                    None => Err(self.request.error("exchange the token", errno)),
                }
            }
        }
    }

    fn exchange(&mut self) -> std::io::Result<Option<Answer>> {
        while !self.unsent.is_empty() {
            let written = self.stream.write(&self.unsent)?;
            self.unsent.drain(..written);
        }
        let mut buffer = [0; 4096];
        loop {
            let held = self.stream.read(&mut buffer)?;
            self.received.extend(&buffer[..held]);
            if let Some(peer) = read_answer(self.request.token, &self.received) {
                return Ok(Some(Answer::Reply {
                    headers: None,
                    peer_seen: Some(peer),
                }));
            }
            if held == 0 {
                return Err(Errno::ECONNRESET.into());
            }
        }
    }

    pub(super) fn interest(&self) -> (BorrowedFd<'_>, PollFlags) {
        let wanted = if self.unsent.is_empty() {
            PollFlags::POLLIN
        } else {
            PollFlags::POLLOUT
        };
        (self.stream.as_fd(), wanted)
    }
}

/// Not yet: the connection is still in the making, or nothing has arrived.
fn waits(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::NotConnected
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use nix::poll::{PollFd, PollTimeout, poll};

    use super::*;
    use crate::probe::ProbeKind;

    #[test]
    fn a_connection_that_is_closed_at_once_is_an_answer() {
        let listener = TcpListener::bind((Family::Ipv4.loopback(), 0)).expect("a port is free");
        let at = listener.local_addr().expect("it is bound");
        let request = ProbeRequest::smallest(ProbeKind::Tcp, at);
        let mut prober = TcpProber::open(&request).expect("a socket");
        prober.send().expect("it connects");
        drop(listener.accept().expect("a caller"));
        let answer = loop {
            if let Some(answer) = prober.receive().expect("the machine is not broken") {
                break answer;
            }
            let (fd, wanted) = prober.interest();
            poll(&mut [PollFd::new(fd, wanted)], PollTimeout::NONE).expect("something comes");
        };
        let Answer::Refused(name) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(name, "ECONNRESET");
    }
}
