//! `NFT_MSG_TRACE`: what nf_tables reports of a packet with the trace mark (`nf_tables_trace.c`).

use super::netlink::{Attributes, Message, SUBSYS_NFTABLES, be_u32, be_u64, text};

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
