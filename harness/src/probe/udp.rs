//! One UDP datagram with the token, and the service's answer.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use super::errno::{errno_of, refusal};
use super::service::{ANSWER_BYTES, bind_shared, read_answer};
use super::{ProbeError, ProbeRequest};
use crate::address::Family;
use crate::path::{Answer, Sent};

/// The discard service's port (RFC 863), on which no node listens.
const DISCARD: u16 = 9;

/// A connected UDP socket: it hears of ICMP errors (RFC 1122 4.1.3.3).
#[derive(Debug)]
pub struct UdpProber {
    socket: UdpSocket,
    request: ProbeRequest,
}

impl UdpProber {
    /// Opens and binds the socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// The source port is taken or the TTL refused.
    pub fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        let any = Family::of(request.destination).any();
        let failed =
            |operation| move |error: std::io::Error| request.error(operation, errno_of(&error));
        let socket = bind_shared(SocketAddr::new(any, request.source_port))
            .map_err(failed("bind a UDP socket"))?;
        socket
            .set_nonblocking(true)
            .map_err(failed("make a UDP socket non-blocking"))?;
        // What is sent to everybody must be meant (`man 7 ip`, EACCES).
        socket
            .set_broadcast(true)
            .map_err(failed("allow a UDP socket to broadcast"))?;
        request.set_headers(&socket)?;
        Ok(Self {
            socket,
            request: request.clone(),
        })
    }

    pub(super) fn mark(&mut self, token: crate::packet::Token) {
        self.request.token = token;
    }

    pub(super) fn send(&mut self) -> Result<Sent, ProbeError> {
        let sent = self
            .socket
            .connect(self.request.endpoint())
            .and_then(|()| self.socket.send(&self.request.payload()));
        match sent {
            Ok(_) => Ok(Sent::Accepted),
            Err(error) => {
                let errno = errno_of(&error);
                refusal(errno)
                    .map(Sent::Refused)
                    .ok_or_else(|| self.request.error("send a datagram", errno))
            }
        }
    }

    pub(super) fn receive(&mut self) -> Result<Option<Answer>, ProbeError> {
        let mut buffer = [0; ANSWER_BYTES];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(held) => {
                    if let Some(peer) = read_answer(self.request.token, &buffer[..held]) {
                        return Ok(Some(Answer::Reply {
                            headers: None,
                            peer_seen: Some(peer),
                        }));
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => {
                    let errno = errno_of(&error);
                    return match refusal(errno) {
                        Some(name) => Ok(Some(Answer::Refused(name))),
                        None => Err(self.request.error("receive a datagram", errno)),
                    };
                }
            }
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for UdpProber {
    fn drop(&mut self) {
        leave(&self.socket);
    }
}

/// A process that another trial starts has a copy of the socket until its exec, and the copy would take what a later step
/// sends to this port. Connected to nobody's port, it takes nothing.
pub(super) fn leave(socket: &UdpSocket) {
    if let Ok(own) = socket.local_addr() {
        let _ = socket.connect((Family::of(own.ip()).loopback(), DISCARD));
    }
}
