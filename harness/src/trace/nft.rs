//! `NFT_MSG_TRACE`: what nf_tables reports of a packet with the trace mark (`nf_tables_trace.c`).

use crate::netlink::{Attributes, Message, SUBSYS_NFTABLES, be_u32, be_u64, text};

/// Multicast group of trace reports (`NFNLGRP_NFTRACE`).
pub(super) const GROUP: u32 = 9;
const MSG_TRACE: u8 = 17;

/// One report of nf_tables, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceMessage {
    /// The chain's family (`NFPROTO_*`): 1 inet, 2 ip, 10 ip6.
    pub(super) family: u8,
    /// Tells the calls of concurrent packets apart; not one per packet.
    pub(super) id: u32,
    /// Table's name.
    pub(super) table: String,
    /// Chain's name.
    pub(super) chain: String,
    /// What the report is about.
    pub(super) about: About,
    /// The packet as it entered the base chain; only in the first report of a base chain's call.
    pub(super) entry: Option<Entry>,
}

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// A rule that matched, by its handle, and its verdict.
    Rule(u64, NftVerdict),
    /// The end of a chain, or a rule that returns.
    Return(Option<u64>, NftVerdict),
    /// The base chain's policy: true accepts.
    Policy(bool),
}

/// A verdict's code (`enum nft_verdicts` and `NF_*`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the kernel's own names")]
pub(super) enum NftVerdict {
    Drop,
    Accept,
    Stolen,
    Queue,
    Continue,
    Jump(String),
    Goto(String),
    Return,
    Other(i32),
}

/// The packet where a base chain was called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    /// Input interface's index, 0 where there is none.
    pub(super) input: u32,
    /// Output interface's index, 0 where there is none.
    pub(super) output: u32,
    /// Protocol family of the packet (`NFPROTO_IPV4` is 2).
    pub(super) protocol: u32,
    /// The IP header and at most 20 bytes behind it.
    pub(super) packet: Vec<u8>,
}

/// Decodes a message, or says that it is no trace report that can be understood.
pub(super) fn decode(message: &Message<'_>) -> Option<TraceMessage> {
    if message.subsystem() != (SUBSYS_NFTABLES, MSG_TRACE) {
        return None;
    }
    let (mut table, mut chain, mut id, mut handle) = (None, None, None, None);
    let (mut kind, mut verdict, mut policy) = (None, None, None);
    let mut entry = Entry::default();
    let mut transport: &[u8] = &[];
    for (attribute, value) in message.attributes() {
        match attribute {
            1 => table = Some(text(value)),
            2 => chain = Some(text(value)),
            3 => handle = be_u64(value),
            4 => kind = be_u32(value),
            5 => verdict = decode_verdict(Attributes(value)),
            6 => id = be_u32(value),
            8 => entry.packet = value.to_vec(),
            9 => transport = value,
            10 => entry.input = be_u32(value)?,
            12 => entry.output = be_u32(value)?,
            15 => entry.protocol = be_u32(value)?,
            16 => policy = be_u32(value),
            _ => {}
        }
    }
    let about = match kind? {
        1 => About::Policy(policy? == 1),
        2 => About::Return(handle, verdict?),
        // The end of a chain, as Linux 6.18 sends it: a rule without a handle. Where it is a base
        // chain without a match, this is the report that shows the packet.
        3 if handle.is_none() => About::Return(None, verdict?),
        3 => About::Rule(handle?, verdict?),
        _ => return None,
    };
    let entered = !entry.packet.is_empty();
    entry.packet.extend_from_slice(transport);
    Some(TraceMessage {
        family: message.family()?,
        id: id?,
        table: table?,
        chain: chain?,
        about,
        entry: entered.then_some(entry),
    })
}

fn decode_verdict(attributes: Attributes<'_>) -> Option<NftVerdict> {
    let (mut code, mut chain) = (None, String::new());
    for (attribute, value) in attributes {
        match attribute {
            1 => code = be_u32(value).map(u32::cast_signed),
            2 => chain = text(value),
            _ => {}
        }
    }
    Some(match code? {
        -1 => NftVerdict::Continue,
        -3 => NftVerdict::Jump(chain),
        -4 => NftVerdict::Goto(chain),
        -5 => NftVerdict::Return,
        code if code < 0 => NftVerdict::Other(code),
        // Above NF_VERDICT_MASK stand the queue's number or the errno of a drop.
        code => match code & 0xff {
            0 => NftVerdict::Drop,
            1 => NftVerdict::Accept,
            2 => NftVerdict::Stolen,
            3 => NftVerdict::Queue,
            _ => NftVerdict::Other(code),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{bytes, feed};
    use crate::netlink::messages;

    /// Recorded on Linux 6.18: an echo request between two bridge ports, as filter/FORWARD is
    /// entered, and the policy that dropped it.
    const ENTERED: &str = "b4000000110a000000000000000000000200000008000f00000000020800040000000003080006005170d4610c000200464f5257415244000b00010066696c74657200000c00050008000100ffffffff08000a000000000206000b000001000008000c000000000206000d000001000018000800450000547a684000400127ce0a3742020a374203180009000800dacb5a7900016adb026b000000008ca00a0012000700a238227ff1be72acb1e16a8708000000";
    const POLICY: &str = "4c000000110a000000000000000000000200000008000f00000000020800040000000001080006005170d4610c000200464f5257415244000b00010066696c74657200000800100000000000";
    /// The tracing table's own rule, handle 2.
    const RULE: &str = "b0000000110a000000000000000000000200000008000f00000000020800040000000003080006005170d46106000200700000000d000100676f6c6470617468000000000c00030000000000000000020c00050008000100ffffffff08000a000000000206000b000001000018000800450000547a684000400127ce0a3742020a374203180009000800dacb5a7900016adb026b000000008ca00a0012000700a238227ff1be72acb1e16a8708000000";

    fn decoded(bytes: &[u8]) -> Option<TraceMessage> {
        decode(&messages(bytes).next()?)
    }

    #[test]
    fn the_first_report_of_a_call_shows_the_packet() {
        let message = decoded(&bytes(ENTERED)).expect("a trace report");
        let name = (message.table.as_str(), message.chain.as_str());
        assert_eq!((message.family, name), (2, ("filter", "FORWARD")));
        assert_eq!(message.about, About::Return(None, NftVerdict::Continue));
        let entry = message.entry.expect("headers");
        assert_eq!((entry.input, entry.output, entry.protocol), (2, 2, 2));
        assert_eq!(entry.packet.len(), 40);
        assert_eq!(entry.packet[12..20], [10, 55, 66, 2, 10, 55, 66, 3]);
        assert_eq!(entry.packet[20], 8, "echo request");
    }

    #[test]
    fn a_policy_and_a_rule_are_told_apart() {
        let policy = decoded(&bytes(POLICY)).expect("a trace report");
        assert_eq!(policy.about, About::Policy(false));
        assert_eq!((policy.id, policy.entry), (0x5170_d461, None));
        let rule = decoded(&bytes(RULE)).expect("a trace report");
        assert_eq!(rule.about, About::Rule(2, NftVerdict::Continue));
    }

    #[test]
    fn foreign_bytes_do_no_harm() {
        let seeds = [ENTERED, POLICY, RULE].map(bytes);
        feed("nft", &seeds, |bytes| {
            for message in messages(bytes) {
                decode(&message);
            }
            let body = bytes.get(16..).unwrap_or_default();
            decode(&Message {
                kind: 0x0a11,
                flags: 0,
                sequence: 0,
                body,
                whole: bytes,
            });
        });
    }
}
