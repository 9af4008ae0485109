//! One TCP segment with FIN and ACK that belongs to no connection, as a late one whose connection a router has forgotten.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use etherparse::TcpHeader;
use nix::errno::Errno;
use nix::sys::socket::{
    MsgFlags, SockProtocol, SockaddrIn, SockaddrStorage, connect, getsockname, send,
};

use super::raw::{open, receive};
use super::{ProbeError, ProbeRequest};
use crate::packet::Transport;
use crate::path::{Answer, Sent};

/// Window that the segment offers, in bytes: any will do.
const WINDOW: u16 = 65_535;

/// A raw TCP socket and the segment that it sends.
#[derive(Debug)]
pub struct SegmentProber {
    socket: OwnedFd,
    request: ProbeRequest,
}

impl SegmentProber {
    /// Opens a raw socket in the calling thread's network namespace. It needs `CAP_NET_RAW` there.
    ///
    /// # Errors
    /// The kernel refuses the socket, the TTL or the type of service.
    pub fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        Ok(Self {
            socket: open(request, SockProtocol::Tcp)?,
            request: request.clone(),
        })
    }

    pub(super) fn send(&mut self) -> Result<Sent, ProbeError> {
        let sent = self.segment().and_then(|segment| {
            send(self.socket.as_raw_fd(), &segment, MsgFlags::empty()).map(drop)
        });
        self.request.sent("send a segment", sent)
    }

    /// The checksum covers the source address, which the kernel chooses by its route.
    fn segment(&self) -> Result<Vec<u8>, Errno> {
        let fd = self.socket.as_raw_fd();
        // The port is the segment's own affair.
        let to = SocketAddr::new(self.request.destination, 0);
        connect(fd, &SockaddrStorage::from(to))?;
        let source: SockaddrIn = getsockname(fd)?;
        let SocketAddr::V4(to) = to else {
            return Err(Errno::EAFNOSUPPORT);
        };
        let number = self.request.segment_number();
        let (from_port, to_port) = (self.request.source_port, self.request.port);
        let mut header = TcpHeader::new(from_port, to_port, number, WINDOW);
        header.fin = true;
        header.ack = true;
        header.acknowledgment_number = number;
        header.checksum = header
            .calc_checksum_ipv4_raw(source.ip().octets(), to.ip().octets(), &[])
            .map_err(|_| Errno::EMSGSIZE)?;
        Ok(header.to_bytes().to_vec())
    }

    /// A reset says that the segment has arrived.
    pub(super) fn receive(&mut self) -> Result<Option<Answer>, ProbeError> {
        receive(&self.socket, &self.request, |headers, _| {
            matches!(
                &headers.transport,
                Transport::Tcp { destination_port, sequence, flags, .. }
                    if flags.rst
                        && *destination_port == self.request.source_port
                        && *sequence == self.request.segment_number()
            )
        })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
