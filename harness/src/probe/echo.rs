//! ICMP echo by raw socket, judged by the headers that come back.

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type};
use nix::sys::socket::{
    MsgFlags, SockProtocol, SockaddrIn, SockaddrIn6, sendto, setsockopt, sockopt,
};

use super::raw::{open, receive};
use super::{ProbeError, ProbeRequest};
use crate::address::Family;
use crate::packet::Transport;
use crate::path::{Answer, Sent};

/// Sequence number of a probe's only echo request, as the first of `ping`.
const SEQUENCE: u16 = 1;

/// A raw ICMP socket and the echo that it asks for.
#[derive(Debug)]
pub struct EchoProber {
    socket: OwnedFd,
    request: ProbeRequest,
}

impl EchoProber {
    /// Opens a raw socket in the calling thread's network namespace. It needs `CAP_NET_RAW` there.
    ///
    /// # Errors
    /// The kernel refuses the socket or the TTL.
    pub fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        let family = Family::of(request.destination);
        let protocol = match family {
            Family::Ipv4 => SockProtocol::Icmp,
            Family::Ipv6 => SockProtocol::IcmpV6,
        };
        let socket = open(request, protocol)?;
        // With it a raw socket hears that the next hop is not found, and of ICMP errors (`man 7 ip`, `man 7 ipv6`).
        let asked = match family {
            Family::Ipv4 => setsockopt(&socket, sockopt::Ipv4RecvErr, &true),
            Family::Ipv6 => setsockopt(&socket, sockopt::Ipv6RecvErr, &true),
        };
        asked.map_err(|errno| request.error("ask for errors", errno))?;
        Ok(Self {
            socket,
            request: request.clone(),
        })
    }

    pub(super) fn send(&mut self) -> Result<Sent, ProbeError> {
        let payload = self.request.payload();
        let echo = IcmpEchoHeader {
            id: self.request.source_port,
            seq: SEQUENCE,
        };
        let (fd, none) = (self.socket.as_raw_fd(), MsgFlags::empty());
        let sent = match self.request.destination {
            IpAddr::V4(address) => {
                let header = Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(echo), &payload);
                let packet = [&header.to_bytes()[..], &payload].concat();
                sendto(
                    fd,
                    &packet,
                    &SockaddrIn::from(std::net::SocketAddrV4::new(address, 0)),
                    none,
                )
            }
            IpAddr::V6(address) => {
                // The kernel fills in the checksum of ICMPv6 (RFC 3542 3.1).
                let header =
                    etherparse::Icmpv6Header::new(etherparse::Icmpv6Type::EchoRequest(echo));
                let packet = [&header.to_bytes()[..], &payload].concat();
                let to = std::net::SocketAddrV6::new(address, 0, 0, 0);
                sendto(fd, &packet, &SockaddrIn6::from(to), none)
            }
        };
        self.request.sent("send an echo request", sent.map(drop))
    }

    pub(super) fn receive(&mut self) -> Result<Option<Answer>, ProbeError> {
        receive(&self.socket, &self.request, |headers, payload| {
            // Every raw socket of a namespace is handed every ICMP packet; only the token tells.
            matches!(headers.transport, Transport::EchoReply { .. })
                && self.request.token.begins(payload)
        })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
