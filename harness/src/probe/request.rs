//! What a probe asks for.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use super::errno::refusal;
use super::{OTHER_PROTOCOL, ProbeError};
use crate::address::Family;
use crate::case::ProbeKind;
use crate::packet::Token;
use crate::path::Sent;

/// First source port of TCP and UDP probes: fixed, so that goldens can show it, and above every
/// port that Linux hands out by itself (`net.ipv4.ip_local_port_range` ends at 60999).
pub const SOURCE_PORT: u16 = 61_000;

/// Says that a stream's length follows.
pub(super) const BULK: [u8; 4] = *b"size";
/// Token, word and length, in bytes.
pub(super) const BULK_HEADER: usize = 24;

/// One probe, ready to be sent.
#[derive(Debug, Clone)]
pub struct ProbeRequest {
    /// What to send.
    pub kind: ProbeKind,
    /// Where to.
    pub destination: IpAddr,
    /// Destination port; 0 where the protocol has none. Of a datagram of a protocol that nobody speaks its number, which is
    /// 253 where this is 0.
    pub port: u16,
    /// Source port, or the ICMP identifier.
    pub source_port: u16,
    /// The mark in the payload.
    pub token: Token,
    /// Payload in bytes, at least 16; `ping` sends 56.
    pub size: usize,
    /// Initial TTL, if not the namespace's default.
    pub ttl: Option<u8>,
    /// Type of service, if not zero.
    pub tos: Option<u8>,
    /// Whether routers may not fragment it; the kernel's default if not said.
    pub dont_fragment: Option<bool>,
}

impl ProbeRequest {
    /// The payload: the token, then bytes that count up as those of `ping`.
    ///
    /// A stream shows no end of its own: one that is longer than its first bytes says its length behind the token.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = self.token.0.to_vec();
        if self.kind == ProbeKind::Tcp && self.size >= BULK_HEADER {
            payload.extend(BULK);
            let size = u32::try_from(self.size).unwrap_or(u32::MAX);
            payload.extend(size.to_be_bytes());
        }
        payload.extend((payload.len()..self.size).map(|n| n.to_le_bytes()[0]));
        payload
    }

    /// Sequence and acknowledgement number of a segment that belongs to no connection.
    pub fn segment_number(&self) -> u32 {
        let [_, _, _, _, a, b, c, d, ..] = self.token.0;
        u32::from_be_bytes(Token::MARK).wrapping_add(u32::from_be_bytes([a, b, c, d]))
    }

    /// The number of a protocol that nobody speaks.
    pub fn other_protocol(&self) -> u8 {
        match u8::try_from(self.port) {
            Ok(0) | Err(_) => OTHER_PROTOCOL,
            Ok(number) => number,
        }
    }

    /// Destination address and port.
    pub fn endpoint(&self) -> SocketAddr {
        SocketAddr::new(self.destination, self.port)
    }

    /// Makes a socket send the TTL and the type of service that were asked for.
    pub(super) fn set_headers(&self, socket: &impl AsFd) -> Result<(), ProbeError> {
        let family = Family::of(self.destination);
        if let Some(ttl) = self.ttl.map(i32::from) {
            let set = match family {
                Family::Ipv4 => setsockopt(socket, sockopt::Ipv4Ttl, &ttl),
                Family::Ipv6 => setsockopt(socket, sockopt::Ipv6Ttl, &ttl),
            };
            set.map_err(|errno| self.error("set the TTL", errno))?;
        }
        if let Some(tos) = self.tos.map(i32::from) {
            let set = match family {
                Family::Ipv4 => setsockopt(socket, sockopt::Ipv4Tos, &tos),
                Family::Ipv6 => setsockopt(socket, sockopt::Ipv6TClass, &tos),
            };
            set.map_err(|errno| self.error("set the type of service", errno))?;
        }
        Ok(())
    }

    /// What came of sending it. What the kernel refuses is an answer; another errno says that the machine is broken.
    pub(super) fn sent(
        &self,
        operation: &'static str,
        result: Result<(), Errno>,
    ) -> Result<Sent, ProbeError> {
        match result {
            Ok(()) => Ok(Sent::Accepted),
            Err(errno) => refusal(errno)
                .map(Sent::Refused)
                .ok_or_else(|| self.error(operation, errno)),
        }
    }

    pub(super) fn error(&self, operation: &'static str, errno: Errno) -> ProbeError {
        ProbeError {
            operation,
            destination: match self.kind {
                ProbeKind::IcmpEcho | ProbeKind::IpProtocol | ProbeKind::IcmpReply => {
                    self.destination.to_string()
                }
                ProbeKind::Udp | ProbeKind::Tcp | ProbeKind::TcpFin => self.endpoint().to_string(),
            },
            errno,
        }
    }
}

#[cfg(test)]
impl ProbeRequest {
    /// The smallest one, from a port that the kernel chooses.
    pub(crate) fn smallest(kind: ProbeKind, to: SocketAddr) -> Self {
        let token = Token::new(1, 2, 3);
        Self {
            kind,
            destination: to.ip(),
            port: to.port(),
            source_port: 0,
            token,
            size: token.0.len(),
            ttl: None,
            tos: None,
            dont_fragment: None,
        }
    }
}
