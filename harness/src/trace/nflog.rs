//! The log group where iptables-legacy's trace goes: binding it, and reading its packets.

use netlink_packet_core::NLM_F_ACK;

use crate::netlink::{Message, NetfilterSocket, NetlinkError, SUBSYS_LOG, be_u32, text};

/// Where the kernel's TRACE sends: the logger's default group (`nfnetlink_log.c`, `default_loginfo`).
const GROUP: u16 = 0;
/// Bytes of each packet that are copied: the longest IP header and what [`LegacyMessage`] keeps, with room.
const COPY_RANGE: u32 = 256;
/// How much of the packet behind the IP header is kept: as much as nf_tables reports
/// (`NFT_TRACETYPE_TRANSPORT_HSIZE`), so that both back ends tell the same of a packet.
const TRANSPORT: usize = 20;
const MSG_PACKET: u8 = 0;
const MSG_CONFIG: u8 = 1;

/// One report of iptables-legacy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LegacyMessage {
    /// Table's name.
    pub(super) table: String,
    /// Chain's name.
    pub(super) chain: String,
    /// What the kernel calls it. The number decides: an unconditional rule at the end of a walk is
    /// called a policy or a return, too (`get_chainname_rulenum`).
    pub(super) kind: LegacyKind,
    /// Number of the rule, from 1; one more than the chain has rules for its end.
    pub(super) number: usize,
    /// Where the packet was (`NF_INET_*`).
    pub(super) hook: u8,
    /// Input interface's index, 0 where there is none.
    pub(super) input: u32,
    /// Output interface's index, 0 where there is none.
    pub(super) output: u32,
    /// The bridge port that it came in by, 0 where there is none.
    pub(super) bridge_port: u32,
    /// The IP header and at most 20 bytes behind it.
    pub(super) packet: Vec<u8>,
}

/// The kernel's word in the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LegacyKind {
    /// A rule matched.
    Rule,
    /// A user chain ended.
    Return,
    /// A base chain ended.
    Policy,
}

/// Binds the group to `socket`, each packet sent at once.
pub(super) fn bind(socket: &mut NetfilterSocket) -> Result<(), NetlinkError> {
    const CONFIG_COMMAND: u16 = 1;
    const CONFIG_MODE: u16 = 2;
    const CONFIG_THRESHOLD: u16 = 5;
    const COMMAND_BIND: u8 = 1;
    const COPY_PACKET: u8 = 2;
    let [a, b, c, d] = COPY_RANGE.to_be_bytes();
    for (attribute, value) in [
        (CONFIG_COMMAND, &[COMMAND_BIND][..]),
        (CONFIG_MODE, &[a, b, c, d, COPY_PACKET, 0]),
        (CONFIG_THRESHOLD, &1u32.to_be_bytes()),
    ] {
        let mut request = socket.requests();
        request
            .message((SUBSYS_LOG, MSG_CONFIG), NLM_F_ACK, 0, GROUP)
            .attribute(attribute, value);
        socket.acknowledged("bind log group 0", &request)?;
    }
    Ok(())
}

/// Decodes a message; none for what other rules log into the same group.
pub(super) fn decode(message: &Message<'_>) -> Option<LegacyMessage> {
    if message.subsystem() != (SUBSYS_LOG, MSG_PACKET) {
        return None;
    }
    let (mut hook, mut prefix, mut packet) = (None, None, None);
    let (mut input, mut output, mut bridge_port) = (0, 0, 0);
    for (attribute, value) in message.attributes() {
        match attribute {
            1 => hook = value.get(2).copied(),
            4 => input = be_u32(value)?,
            5 => output = be_u32(value)?,
            6 => bridge_port = be_u32(value)?,
            9 => packet = Some(value),
            10 => prefix = Some(text(value)),
            _ => {}
        }
    }
    let (table, chain, kind, number) = split_prefix(&prefix?)?;
    Some(LegacyMessage {
        table,
        chain,
        kind,
        number,
        hook: hook?,
        input,
        output,
        bridge_port,
        packet: cut(packet?).to_vec(),
    })
}

/// `TRACE: filter:FORWARD:policy:2 `. A chain's name may hold colons, the other parts cannot.
fn split_prefix(prefix: &str) -> Option<(String, String, LegacyKind, usize)> {
    let (table, rest) = prefix.strip_prefix("TRACE: ")?.split_once(':')?;
    let mut parts = rest.trim_end().rsplitn(3, ':');
    let number = parts.next()?.parse().ok()?;
    let kind = match parts.next()? {
        "rule" => LegacyKind::Rule,
        "return" => LegacyKind::Return,
        "policy" => LegacyKind::Policy,
        _ => return None,
    };
    Some((table.to_owned(), parts.next()?.to_owned(), kind, number))
}

fn cut(packet: &[u8]) -> &[u8] {
    let header = match packet.first() {
        Some(first) if first >> 4 == 4 => usize::from(first & 0xf) * 4,
        _ => 40,
    };
    packet.get(..header + TRANSPORT).unwrap_or(packet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{bytes, feed};
    use crate::netlink::messages;

    /// Recorded on Linux 6.18: a datagram of c1 that the first rule of filter/FORWARD matched.
    const RECORDED: &str = "c400000000040000000000000000000002000000080001000800020022000a0054524143453a2066696c7465723a464f52574152443a72756c653a312000000008000400000000020800060000000003080005000000000510000800000600007a5f93f54e8b000006000f000001000006001100000e0000120010004a87e4c7c20f7a5f93f54e8b0800000014000300000000006b02db9c0000000000095e6d220009004500001efa4940003f11e53c0a37420208080808ecf70035000a5c64780a0000";

    fn decoded(bytes: &[u8]) -> Option<LegacyMessage> {
        decode(&messages(bytes).next()?)
    }

    #[test]
    fn a_matched_rule_is_decoded() {
        let message = decoded(&bytes(RECORDED)).expect("a report");
        let name = (message.table.as_str(), message.chain.as_str());
        assert_eq!(name, ("filter", "FORWARD"));
        assert_eq!((message.kind, message.number), (LegacyKind::Rule, 1));
        let interfaces = (message.input, message.output, message.bridge_port);
        assert_eq!((message.hook, interfaces), (2, (2, 5, 3)));
        assert_eq!(message.packet.len(), 30);
        assert_eq!(message.packet[16..20], [8, 8, 8, 8]);
    }

    #[test]
    fn only_the_kernels_own_prefix_is_taken() {
        assert_eq!(split_prefix("x"), None);
        assert_eq!(split_prefix("TRACE: filter:FORWARD:verdict:1 "), None);
        assert_eq!(split_prefix("TRACE: filter:FORWARD:rule:one "), None);
        let (_, chain, kind, number) = split_prefix("TRACE: nat:A:B:return:12 ").expect("a prefix");
        assert_eq!(
            (chain.as_str(), kind, number),
            ("A:B", LegacyKind::Return, 12)
        );
    }

    #[test]
    fn a_packet_is_cut_where_nf_tables_cuts_it() {
        let mut packet = [0u8; 100];
        packet[0] = 0x46;
        assert_eq!(cut(&packet).len(), 24 + 20);
        assert_eq!(cut(&packet[..30]).len(), 30);
        assert_eq!(cut(&[]).len(), 0);
    }

    #[test]
    fn foreign_bytes_do_no_harm() {
        feed("nflog", &[bytes(RECORDED)], |bytes| {
            for message in messages(bytes) {
                decode(&message);
            }
        });
    }
}
