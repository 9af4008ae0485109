//! Decoding of IP packets, whole ones from captures and cut ones from traces and ICMP quotations.

use etherparse::{IpNumber, LaxIpSlice, icmpv4, icmpv6};

use super::{Headers, IcmpError, TcpFlags, Transport};
use crate::address::Family;

/// How deep ICMP errors may quote: an error is never sent about an error (RFC 1122 3.2.2).
const QUOTATIONS: u8 = 1;

/// Decodes an IP packet that may be cut anywhere behind its IP header.
///
/// Returns the headers and the bytes behind the transport header. For an ICMP error these are the
/// bytes behind the *quoted* transport header, where a probe's token is. `None` where the bytes are
/// no IPv4 or IPv6 packet with a complete header.
pub fn decode(bytes: &[u8]) -> Option<(Headers, &[u8])> {
    decode_at_depth(bytes, QUOTATIONS)
}

/// What all fragments of one IPv4 packet share, and no router changes (RFC 791 3.2); `None` for IPv6.
pub fn identification(bytes: &[u8]) -> Option<u16> {
    let version = bytes.first()? >> 4;
    (version == 4).then(|| u16_at(bytes, 4))?
}

fn decode_at_depth(bytes: &[u8], quotations: u8) -> Option<(Headers, &[u8])> {
    let (ip, _) = LaxIpSlice::from_slice(bytes).ok()?;
    let header_length = ip_header_length(bytes, &ip)?;
    let behind = &bytes[header_length..];
    // Ethernet pads short frames; the IP length says where the packet ends.
    let length = total_length(&ip);
    let held = usize::from(length).saturating_sub(header_length);
    let behind = &behind[..behind.len().min(held)];
    let mut headers = match &ip {
        LaxIpSlice::Ipv4(v4) => {
            let header = v4.header();
            Headers {
                source: header.source_addr().into(),
                destination: header.destination_addr().into(),
                ttl: header.ttl(),
                tos: (header.dcp().value() << 2) | header.ecn().value(),
                dont_fragment: header.dont_fragment(),
                fragment_offset: header.fragments_offset().value().saturating_mul(8),
                more_fragments: header.more_fragments(),
                length,
                transport: Transport::Other {
                    protocol: header.protocol().0,
                },
            }
        }
        LaxIpSlice::Ipv6(v6) => {
            let header = v6.header();
            Headers {
                source: header.source_addr().into(),
                destination: header.destination_addr().into(),
                ttl: header.hop_limit(),
                tos: header.traffic_class(),
                dont_fragment: true,
                fragment_offset: 0,
                more_fragments: v6.payload().fragmented,
                length,
                transport: Transport::Other {
                    protocol: v6.payload().ip_number.0,
                },
            }
        }
    };
    if headers.fragment_offset > 0 {
        return Some((headers, behind));
    }
    let Transport::Other { protocol } = headers.transport else {
        return Some((headers, behind));
    };
    match decode_transport(IpNumber(protocol), behind, quotations) {
        Some((transport, payload)) => {
            headers.transport = transport;
            Some((headers, payload))
        }
        None => Some((headers, behind)),
    }
}

fn total_length(ip: &LaxIpSlice<'_>) -> u16 {
    match ip {
        LaxIpSlice::Ipv4(v4) => v4.header().total_len(),
        LaxIpSlice::Ipv6(v6) => v6.header().payload_length().saturating_add(40),
    }
}

fn ip_header_length(bytes: &[u8], ip: &LaxIpSlice<'_>) -> Option<usize> {
    let length = match ip {
        LaxIpSlice::Ipv4(v4) => v4.header().slice().len(),
        LaxIpSlice::Ipv6(v6) => bytes.len().checked_sub(v6.payload().payload.len())?,
    };
    (length <= bytes.len()).then_some(length)
}

fn decode_transport(
    protocol: IpNumber,
    bytes: &[u8],
    quotations: u8,
) -> Option<(Transport, &[u8])> {
    match protocol {
        IpNumber::ICMP => decode_icmp(bytes, quotations, Family::Ipv4),
        IpNumber::IPV6_ICMP => decode_icmp(bytes, quotations, Family::Ipv6),
        IpNumber::UDP => {
            let udp = Transport::Udp {
                source_port: u16_at(bytes, 0)?,
                destination_port: u16_at(bytes, 2)?,
            };
            Some((udp, bytes.get(8..).unwrap_or_default()))
        }
        IpNumber::TCP => {
            // An ICMP error quotes at least eight bytes: ports and sequence number (RFC 792).
            let flags = bytes.get(13).copied().unwrap_or_default();
            let tcp = Transport::Tcp {
                source_port: u16_at(bytes, 0)?,
                destination_port: u16_at(bytes, 2)?,
                sequence: u32_at(bytes, 4)?,
                acknowledgement: u32_at(bytes, 8).unwrap_or_default(),
                flags: TcpFlags {
                    fin: flags & 0x01 != 0,
                    syn: flags & 0x02 != 0,
                    rst: flags & 0x04 != 0,
                    ack: flags & 0x10 != 0,
                },
            };
            let header = bytes.get(12).map_or(20, |b| usize::from(b >> 4) * 4);
            Some((tcp, bytes.get(header..).unwrap_or_default()))
        }
        _ => None,
    }
}

fn decode_icmp(bytes: &[u8], quotations: u8, family: Family) -> Option<(Transport, &[u8])> {
    let (icmp_type, code) = (*bytes.first()?, *bytes.get(1)?);
    let icmp = family.icmp();
    let behind = bytes.get(8..).unwrap_or_default();
    if [icmp.echo_request, icmp.echo_reply].contains(&icmp_type) {
        let (id, sequence) = (u16_at(bytes, 4)?, u16_at(bytes, 6)?);
        let echo = if icmp_type == icmp.echo_request {
            Transport::EchoRequest { id, sequence }
        } else {
            Transport::EchoReply { id, sequence }
        };
        return Some((echo, behind));
    }
    let error = match family {
        Family::Ipv4 => icmp_error(icmp_type, code, u16_at(bytes, 6).unwrap_or_default())?,
        Family::Ipv6 => icmp6_error(icmp_type, code, u32_at(bytes, 4).unwrap_or_default())?,
    };
    if quotations == 0 {
        return None;
    }
    let (quoted, payload) = decode_at_depth(behind, quotations - 1)?;
    let quoted = Box::new(quoted);
    Some((Transport::Error { error, quoted }, payload))
}

fn icmp_error(icmp_type: u8, code: u8, mtu: u16) -> Option<IcmpError> {
    match (icmp_type, code) {
        (icmpv4::TYPE_DEST_UNREACH, code) => Some(match code {
            icmpv4::CODE_DST_UNREACH_NET => IcmpError::NetUnreachable,
            icmpv4::CODE_DST_UNREACH_HOST => IcmpError::HostUnreachable,
            icmpv4::CODE_DST_UNREACH_PROTOCOL => IcmpError::ProtocolUnreachable,
            icmpv4::CODE_DST_UNREACH_PORT => IcmpError::PortUnreachable,
            icmpv4::CODE_DST_UNREACH_NEED_FRAG => IcmpError::FragmentationNeeded { mtu },
            icmpv4::CODE_DST_UNREACH_NET_PROHIB
            | icmpv4::CODE_DST_UNREACH_HOST_PROHIB
            | icmpv4::CODE_DST_UNREACH_FILTER_PROHIB => IcmpError::Prohibited,
            code => IcmpError::Other { icmp_type, code },
        }),
        (icmpv4::TYPE_TIME_EXCEEDED, icmpv4::CODE_TIME_EXCEEDED_TTL_EXCEEDED_IN_TRANSIT) => {
            Some(IcmpError::TtlExceeded)
        }
        (
            icmpv4::TYPE_TIME_EXCEEDED
            | icmpv4::TYPE_PARAMETER_PROBLEM
            | icmpv4::TYPE_REDIRECT
            | icmpv4::TYPE_SOURCE_QUENCH,
            code,
        ) => Some(IcmpError::Other { icmp_type, code }),
        _ => None,
    }
}

fn icmp6_error(icmp_type: u8, code: u8, mtu: u32) -> Option<IcmpError> {
    match (icmp_type, code) {
        (icmpv6::TYPE_DST_UNREACH, 0) => Some(IcmpError::NetUnreachable),
        (icmpv6::TYPE_DST_UNREACH, 1 | 5 | 6) => Some(IcmpError::Prohibited),
        (icmpv6::TYPE_DST_UNREACH, 3) => Some(IcmpError::HostUnreachable),
        (icmpv6::TYPE_DST_UNREACH, 4) => Some(IcmpError::PortUnreachable),
        (icmpv6::TYPE_PACKET_TOO_BIG, _) => Some(IcmpError::FragmentationNeeded {
            mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
        }),
        (icmpv6::TYPE_TIME_EXCEEDED, 0) => Some(IcmpError::TtlExceeded),
        // ICMPv6 errors have types below 128 (RFC 4443 2.1).
        (icmp_type, code) if icmp_type < 128 => Some(IcmpError::Other { icmp_type, code }),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::feed;
    use etherparse::PacketBuilder;

    fn echo_request() -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ipv4([10, 55, 66, 2], [8, 8, 8, 8], 64)
            .icmpv4_echo_request(7, 1)
            .write(&mut bytes, b"gold000000000000")
            .expect("a vector takes every byte");
        bytes
    }

    #[test]
    fn an_echo_request_shows_addresses_ttl_and_payload() {
        let bytes = echo_request();
        let (headers, payload) = decode(&bytes).expect("a whole packet");
        assert_eq!(headers.source_text(), "10.55.66.2");
        assert_eq!(headers.destination_text(), "8.8.8.8");
        assert_eq!(headers.ttl, 64);
        assert_eq!(
            headers.transport,
            Transport::EchoRequest { id: 7, sequence: 1 }
        );
        assert_eq!(payload, b"gold000000000000");
    }

    #[test]
    fn an_error_shows_what_it_quotes() {
        let inner = echo_request();
        let mut bytes = Vec::new();
        PacketBuilder::ipv4([8, 8, 8, 1], [8, 8, 8, 8], 64)
            .icmpv4_raw(3, 0, [0; 4])
            .write(&mut bytes, &inner)
            .expect("a vector takes every byte");
        let (headers, payload) = decode(&bytes).expect("a whole packet");
        let Transport::Error { error, quoted } = headers.transport else {
            panic!("not an error: {headers:?}");
        };
        assert_eq!(error, IcmpError::NetUnreachable);
        assert_eq!(quoted.source_text(), "10.55.66.2");
        assert_eq!(payload, b"gold000000000000");
    }

    #[test]
    fn only_ipv4_packets_have_an_identification() {
        let mut bytes = echo_request();
        bytes[4..6].copy_from_slice(&[0x12, 0x34]);
        assert_eq!(identification(&bytes), Some(0x1234));
        assert_eq!(identification(&bytes[..5]), None, "cut");
        bytes[0] = 0x60;
        assert_eq!(
            identification(&bytes),
            None,
            "IPv6 has none in its own header"
        );
    }

    #[test]
    fn padding_behind_the_packet_is_not_payload() {
        let mut bytes = echo_request();
        bytes.extend([0; 9]);
        assert_eq!(
            decode(&bytes).map(|(_, p)| p.len()),
            Some(16),
            "the IP length says where the packet ends"
        );
    }

    #[test]
    fn foreign_bytes_never_panic() {
        let echo = echo_request();
        let ipv4 = || PacketBuilder::ipv4([10, 55, 66, 2], [8, 8, 8, 8], 64);
        let ipv6 = || PacketBuilder::ipv6([1; 16], [2; 16], 64);
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            write(&mut bytes);
            bytes
        };
        let known = "a vector takes every byte";
        let seeds = [
            written(&|to| {
                ipv4()
                    .icmpv4_raw(3, 4, [0; 4])
                    .write(to, &echo)
                    .expect(known)
            }),
            written(&|to| {
                ipv4()
                    .tcp(40_000, 80, 7, 512)
                    .syn()
                    .write(to, b"x")
                    .expect(known)
            }),
            written(&|to| ipv4().udp(40_000, 53).write(to, b"gold").expect(known)),
            written(&|to| {
                ipv6()
                    .icmpv6_raw(1, 0, [0; 4])
                    .write(to, &echo)
                    .expect(known)
            }),
            written(&|to| ipv6().udp(40_000, 53).write(to, b"gold").expect(known)),
            echo.clone(),
        ];
        for seed in &seeds {
            assert!(decode(seed).is_some(), "{seed:?}");
        }
        feed("packet", &seeds, |bytes| {
            if let Some((headers, payload)) = decode(bytes) {
                assert!(payload.len() <= bytes.len());
                let _ = (headers.source_text(), headers.destination_text());
                let _ = (format!("{headers:?}"), headers == headers.clone());
            }
        });
    }
}
