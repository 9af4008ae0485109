//! What a packet says from one end to the other, and what no router may change of it.

use std::fmt;

use super::judge::{Ground, Wrong};
use super::seen::{Leg, Options, Seen};
use crate::packet::Checksums;

/// What a packet says from one end to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// DSCP and ECN (RFC 2474; the lab's links are never congested).
    Tos,
    /// Whether it may be fragmented (RFC 791 2.3).
    DontFragment,
    /// The maximum segment size: a router may lower it to what fits the way's MTU (RFC 9293 3.7.1 says what that is).
    SegmentSize,
    /// The checksum of a UDP datagram: who passes it on may change it, and not take it away.
    Checksum,
    /// Other options of TCP: window scale, selective acknowledgements, timestamps (RFC 7323, RFC 2018).
    Options,
}

/// Bytes that headers of IPv4 and TCP take of a packet.
const SEGMENT_HEADERS: u16 = 40;

/// That a container takes smaller segments than every link carries: its own route says so, and halves what it gets.
pub(super) fn announced(seen: &Seen, ground: &Ground) -> Option<Wrong> {
    let fits = ground.smallest_mtu.saturating_sub(SEGMENT_HEADERS);
    seen.sights.iter().find_map(|sight| {
        let bytes = sight.options.as_ref()?.segment?;
        let own = sight.outgoing && ground.containers.contains(&*sight.node);
        (own && bytes < fits).then(|| Wrong::Announced {
            node: sight.node.to_string(),
            bytes,
        })
    })
}

/// What a packet that one end has sent says otherwise at the other one. Behind a proxy it is another packet, but for a segment
/// that begins a connection: that one is known by its number.
pub(super) fn changed(
    seen: &Seen,
    leg: Leg,
    (from, to): (&str, &str),
    by_proxy: bool,
    smallest_mtu: u16,
) -> Option<Wrong> {
    let mut of_leg = seen.sights.iter().filter(|sight| sight.leg == leg);
    let sent = of_leg
        .clone()
        .find(|sight| sight.outgoing && *sight.node == *from)?;
    let came = of_leg.find(|sight| sight.arrives() && *sight.node == *to)?;
    let handshake = sent.options.as_ref().zip(came.options.as_ref());
    if by_proxy && handshake.is_none() {
        return None;
    }
    let none = Options::default();
    let (had, has) = handshake.unwrap_or((&none, &none));
    let fits = smallest_mtu.saturating_sub(SEGMENT_HEADERS);
    let clamped = has.segment < had.segment && has.segment >= Some(fits);
    let field = if sent.tos != came.tos {
        Field::Tos
    } else if sent.dont_fragment != came.dont_fragment {
        Field::DontFragment
    } else if came.checksums == Checksums::Absent && sent.checksums != Checksums::Absent {
        Field::Checksum
    } else if had.segment != has.segment && !clamped {
        Field::SegmentSize
    } else if had.others != has.others {
        Field::Options
    } else {
        return None;
    };
    Some(Wrong::Changed(to.to_owned(), field))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tos => "type of service",
            Self::DontFragment => "DF flag",
            Self::Checksum => "UDP checksum (none)",
            Self::SegmentSize => "maximum segment size",
            Self::Options => "TCP options",
        })
    }
}
