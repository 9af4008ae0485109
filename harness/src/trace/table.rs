//! The table `goldpath`, which marks every packet of a node for tracing, and nothing else.
//!
//! The mark (`skb->nf_trace`) serves both back ends: nf_tables reports to its multicast group, and
//! iptables-legacy's `ipt_do_table` to the log, as if the TRACE target had been met. No rule of
//! the implementation is moved, which a TRACE rule in the raw table would do.

use super::TraceError;
use super::netlink::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, Requests, SUBSYS_NFTABLES};
use super::socket::Netfilter;

/// Our table's name; its events are never shown.
pub(super) const TABLE: &str = "goldpath";

/// `NFPROTO_INET`: one chain for IPv4 and IPv6.
pub(super) const INET: u8 = 1;

/// Before conntrack's defragmentation (-400), raw (-300) and every chain that packets should meet traced.
const PRIORITY: i32 = -450;
const NF_ACCEPT: u32 = 1;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEWTABLE: u16 = 0;
const DELTABLE: u16 = 2;
const NEWCHAIN: u16 = 3;
const NEWRULE: u16 = 6;
const DELRULE: u16 = 8;
/// Our chains with their hooks, `NF_INET_PRE_ROUTING` and `NF_INET_LOCAL_OUT`: where packets begin in a node.
const CHAINS: [(&str, u32); 2] = [("prerouting", 0), ("output", 3)];

/// Installs the table.
pub(super) fn install(socket: &mut Netfilter) -> Result<(), TraceError> {
    batch(socket, "install the tracing table", |request, sequence| {
        request
            .message(nft(NEWTABLE), NLM_F_CREATE, sequence, INET, 0)
            .string(1, TABLE);
        for (chain, hook) in CHAINS {
            request
                .message(nft(NEWCHAIN), NLM_F_CREATE, sequence, INET, 0)
                .string(1, TABLE)
                .string(3, chain)
                .nest(4, |hooked| {
                    hooked.number(1, hook).attribute(2, &PRIORITY.to_be_bytes());
                })
                .number(5, NF_ACCEPT)
                .string(7, "filter");
        }
        mark(request, sequence);
    })
}

/// Marks no more packets; the chains stay.
pub(super) fn pause(socket: &mut Netfilter) -> Result<(), TraceError> {
    batch(socket, "pause the trace", |request, sequence| {
        request
            .message(nft(DELRULE), NLM_F_ACK, sequence, INET, 0)
            .string(1, TABLE);
    })
}

/// Marks packets again.
pub(super) fn resume(socket: &mut Netfilter) -> Result<(), TraceError> {
    batch(socket, "resume the trace", mark)
}

/// The rules that mark, the last of which is acknowledged.
fn mark(request: &mut Requests, sequence: u32) {
    for (position, (chain, _)) in CHAINS.iter().enumerate() {
        let ack = if position + 1 == CHAINS.len() {
            NLM_F_ACK
        } else {
            0
        };
        let flags = NLM_F_CREATE | NLM_F_APPEND | ack;
        request
            .message(nft(NEWRULE), flags, sequence, INET, 0)
            .string(1, TABLE)
            .string(2, chain)
            .nest(4, set_trace);
    }
}

/// Removes the table.
pub(super) fn remove(socket: &mut Netfilter) -> Result<(), TraceError> {
    batch(socket, "remove the tracing table", |request, sequence| {
        request
            .message(nft(DELTABLE), NLM_F_ACK, sequence, INET, 0)
            .string(1, TABLE);
    })
}

/// `meta nftrace set 1`.
fn set_trace(expressions: &mut Requests) {
    const REGISTER_1: u32 = 1;
    const META_NFTRACE: u32 = 12;
    expressions.nest(1, |expression| {
        expression.string(1, "immediate").nest(2, |data| {
            data.number(1, REGISTER_1).nest(2, |value| {
                value.attribute(1, &[1]);
            });
        });
    });
    expressions.nest(1, |expression| {
        expression.string(1, "meta").nest(2, |data| {
            data.number(2, META_NFTRACE).number(3, REGISTER_1);
        });
    });
}

/// Sends one transaction. Its last message asks for the acknowledgement: the kernel answers for
/// BATCH_END itself only since Linux 6.10. All messages share a number, so any refusal is ours.
fn batch(
    socket: &mut Netfilter,
    operation: &'static str,
    fill: impl FnOnce(&mut Requests, u32),
) -> Result<(), TraceError> {
    let mut request = Requests::default();
    let sequence = socket.next_sequence();
    request.message(BATCH_BEGIN, 0, sequence, 0, SUBSYS_NFTABLES.into());
    fill(&mut request, sequence);
    request.message(BATCH_END, 0, sequence, 0, SUBSYS_NFTABLES.into());
    socket.acknowledged(operation, request.bytes(), sequence)
}

fn nft(number: u16) -> u16 {
    u16::from(SUBSYS_NFTABLES) << 8 | number
}
