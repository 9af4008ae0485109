//! One IP datagram that nobody answers as what it is: of a protocol that nobody speaks, which filters that list protocols forget, or
//! an echo reply to nobody, which conntrack calls invalid.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type, IpDscp, IpEcn, IpNumber, Ipv4Header};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockProtocol, SockaddrStorage, sendto};

use super::raw::open;
use super::{ProbeError, ProbeRequest};
use crate::case::ProbeKind;
use crate::path::Sent;

/// The protocol's number: for experiments (RFC 3692 2.1), so that no kernel knows it.
pub(crate) const OTHER_PROTOCOL: u8 = 253;
/// The kernel's default (`net.ipv4.ip_default_ttl`).
const TTL: u8 = 64;

/// A raw socket and the datagram that it sends.
///
/// It only sends (`IPPROTO_RAW`, `man 7 raw`): a socket of the protocol itself would take what others send to this node, which
/// must tell them that nobody does. The answer, an ICMP error, is seen by captures.
#[derive(Debug)]
pub struct DatagramProber {
    socket: OwnedFd,
    request: ProbeRequest,
}

impl DatagramProber {
    /// Opens a raw socket in the calling thread's network namespace. It needs `CAP_NET_RAW` there.
    ///
    /// # Errors
    /// The kernel refuses the socket, the TTL or the type of service.
    pub fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        Ok(Self {
            // Routes are chosen by the socket's type of service, not by the header's.
            socket: open(request, SockProtocol::Raw)?,
            request: request.clone(),
        })
    }

    pub(super) fn send(&mut self) -> Result<Sent, ProbeError> {
        let to = SockaddrStorage::from(SocketAddr::new(self.request.destination, 0));
        let sent = datagram(&self.request).and_then(|datagram| {
            sendto(self.socket.as_raw_fd(), &datagram, &to, MsgFlags::empty())
        });
        self.request.sent("send a datagram", sent.map(drop))
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The datagram. The kernel fills in source address, identification and checksum where they are zero (`man 7 raw`).
fn datagram(request: &ProbeRequest) -> Result<Vec<u8>, Errno> {
    let IpAddr::V4(destination) = request.destination else {
        return Err(Errno::EAFNOSUPPORT);
    };
    let (protocol, payload) = match request.kind {
        ProbeKind::IcmpReply => (IpNumber::ICMP, reply(request)),
        _ => (IpNumber(request.other_protocol()), request.payload()),
    };
    let tos = request.tos.unwrap_or_default();
    let wrong = |_| Errno::EMSGSIZE;
    let header = Ipv4Header {
        dscp: IpDscp::try_new(tos >> 2).map_err(|_| Errno::EINVAL)?,
        ecn: IpEcn::try_new(tos & 3).map_err(|_| Errno::EINVAL)?,
        dont_fragment: request.dont_fragment.unwrap_or(true),
        ..Ipv4Header::new(
            u16::try_from(payload.len()).map_err(wrong)?,
            request.ttl.unwrap_or(TTL),
            protocol,
            [0; 4],
            destination.octets(),
        )
        .map_err(|_| Errno::EMSGSIZE)?
    };
    Ok([&header.to_bytes()[..], &payload].concat())
}

/// The echo reply with the token (RFC 792).
fn reply(request: &ProbeRequest) -> Vec<u8> {
    let payload = request.payload();
    let echo = IcmpEchoHeader {
        id: request.source_port,
        seq: 1,
    };
    let header = Icmpv4Header::with_checksum(Icmpv4Type::EchoReply(echo), &payload);
    [&header.to_bytes()[..], &payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Transport, decode};

    #[test]
    fn a_datagram_is_what_was_asked_for() {
        let to = ([10, 77, 1, 2], 0).into();
        let request = ProbeRequest {
            ttl: Some(9),
            tos: Some(0x16),
            ..ProbeRequest::smallest(ProbeKind::IpProtocol, to)
        };
        let token = request.token;
        let datagram = datagram(&request).expect("it is small");
        let (headers, payload) = decode(&datagram).expect("a whole packet");
        let protocol = OTHER_PROTOCOL;
        assert_eq!(headers.transport, Transport::Other { protocol });
        assert_eq!((headers.ttl, headers.tos), (9, 0x16));
        assert!(headers.dont_fragment);
        assert_eq!(payload, token.0);
        let another = ProbeRequest {
            port: 150,
            ..request.clone()
        };
        let another = super::datagram(&another).expect("it is small");
        let (headers, _) = decode(&another).expect("a whole packet");
        assert_eq!(headers.transport, Transport::Other { protocol: 150 });
        let reply = ProbeRequest {
            kind: ProbeKind::IcmpReply,
            source_port: 7,
            ..request
        };
        let reply = super::datagram(&reply).expect("it is small");
        let (headers, payload) = decode(&reply).expect("a whole packet");
        let transport = Transport::EchoReply { id: 7, sequence: 1 };
        assert_eq!((headers.transport, payload), (transport, &token.0[..]));
    }
}
