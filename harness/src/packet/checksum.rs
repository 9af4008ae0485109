//! Whether a packet's checksums are right.

/// What a packet's checksums are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksums {
    /// All that can be computed are right.
    Right,
    /// A UDP datagram that carries none, which IPv4 allows (RFC 768).
    Absent,
    /// The transport's field holds the sum of the pseudo header: between veth ends a packet is not summed until it leaves for
    /// hardware (`CHECKSUM_PARTIAL`, which a packet socket tells as `TP_STATUS_CSUMNOTREADY`).
    NotYet,
    /// One is wrong.
    Wrong,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Looks at the checksums of an IPv4 packet: the header's, and that of TCP, UDP or ICMP unless it is a fragment or was cut.
pub fn checksums(packet: &[u8]) -> Checksums {
    let Some((header, rest)) = split(packet) else {
        return Checksums::Right;
    };
    if fold(sum(header)) != u16::MAX {
        return Checksums::Wrong;
    }
    let is_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let at = match header[9] {
        TCP => 16,
        UDP => 6,
        ICMP if !is_fragment => {
            return if fold(sum(rest)) == u16::MAX {
                Checksums::Right
            } else {
                Checksums::Wrong
            };
        }
        _ => return Checksums::Right,
    };
    let Some(field) = rest.get(at..at + 2) else {
        return Checksums::Right;
    };
    let field = u16::from_be_bytes([field[0], field[1]]);
    if is_fragment {
        return Checksums::Right;
    }
    if header[9] == UDP && field == 0 {
        return Checksums::Absent;
    }
    let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let pseudo = sum(&header[12..20]) + u32::from(header[9]) + length;
    if fold(pseudo + sum(rest)) == u16::MAX {
        Checksums::Right
    } else if fold(pseudo) == field {
        Checksums::NotYet
    } else {
        Checksums::Wrong
    }
}

/// The IPv4 header and what it says that follows; none if that was cut or it is something else.
fn split(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *packet.first()?;
    let (header, length) = (usize::from(first & 0x0f) * 4, packet.get(2..4)?);
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if first >> 4 != 4 || header < 20 {
        return None;
    }
    packet.get(..length)?.split_at_checked(header)
}

/// Sum of 16-bit words (RFC 1071), not folded. At most 65,535 bytes: 32 bits hold it.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2);
    words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or_default()))
        .sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::fuzz::feed;

    fn packets() -> Vec<Vec<u8>> {
        let packet = || PacketBuilder::ipv4([10, 0, 2, 15], [10, 77, 1, 2], 64);
        let (mut udp, mut tcp, mut echo) = (Vec::new(), Vec::new(), Vec::new());
        let known = "a vector takes every byte";
        packet()
            .udp(40_000, 53)
            .write(&mut udp, b"odd")
            .expect(known);
        let segment = packet().tcp(40_000, 80, 7, 512).syn();
        segment.write(&mut tcp, b"").expect(known);
        let request = packet().icmpv4_echo_request(7, 1);
        request.write(&mut echo, b"gold").expect(known);
        vec![udp, tcp, echo]
    }

    #[test]
    fn a_changed_byte_makes_a_checksum_wrong() {
        for packet in packets() {
            assert_eq!(checksums(&packet), Checksums::Right);
            for at in [8, 15, 21] {
                let mut changed = packet.clone();
                changed[at] ^= 0x10;
                assert_eq!(checksums(&changed), Checksums::Wrong, "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_not_summed_yet_holds_the_pseudo_headers_sum() {
        for (packet, at) in packets().iter().zip([26, 36]) {
            let pseudo = sum(&packet[12..20])
                + u32::from(packet[9])
                + u32::try_from(packet.len() - 20).expect("small");
            let mut partial = packet.clone();
            partial[at..at + 2].copy_from_slice(&fold(pseudo).to_be_bytes());
            assert_eq!(checksums(&partial), Checksums::NotYet);
            // A translation that forgot the pseudo header: right for nobody.
            partial[16] ^= 1;
            let header = fold(sum(&partial[..10]) + sum(&partial[12..20]));
            partial[10..12].copy_from_slice(&(!header).to_be_bytes());
            assert_eq!(checksums(&partial), Checksums::Wrong);
        }
    }

    #[test]
    fn no_checksum_and_cut_packets_are_not_wrong() {
        let mut packets = packets();
        let udp = &mut packets[0];
        udp[26..28].fill(0);
        assert_eq!(
            checksums(udp),
            Checksums::Absent,
            "UDP may carry none (RFC 768)"
        );
        assert_eq!(checksums(&udp[..25]), Checksums::Right, "cut");
        assert_eq!(checksums(b""), Checksums::Right);
    }

    #[test]
    fn foreign_bytes_never_panic() {
        feed("checksums", &packets(), |bytes| {
            let _ = checksums(bytes);
        });
    }
}
