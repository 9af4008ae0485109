//! The table `goldpath`, which marks every packet of a node for tracing, and nothing else.
//!
//! The mark (`skb->nf_trace`) serves both back ends: nf_tables reports to its multicast group, and
//! iptables-legacy's `ipt_do_table` to the log, as if the TRACE target had been met. No rule of
//! the implementation is moved, which a TRACE rule in the raw table would do.

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};

use crate::netlink::{
    NF_ACCEPT, NFT_MSG_DELRULE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE,
    NFT_MSG_NEWTABLE, NetfilterSocket, NetlinkError, Requests, SUBSYS_NFTABLES,
};

/// Our table's name; its events are never shown.
pub(super) const TABLE: &str = "goldpath";

/// `NFPROTO_INET`: one chain for IPv4 and IPv6.
pub(super) const INET: u8 = 1;

/// Before conntrack's defragmentation (-400), raw (-300) and every chain that packets should meet traced.
const PRIORITY: i32 = -450;
/// Our chains with their hooks, `NF_INET_PRE_ROUTING` and `NF_INET_LOCAL_OUT`: where packets begin in a node.
const CHAINS: [(&str, u32); 2] = [("prerouting", 0), ("output", 3)];

/// Installs the table.
pub(super) fn install(socket: &mut NetfilterSocket) -> Result<(), NetlinkError> {
    socket.transaction("install the tracing table", |request| {
        ours(request, NFT_MSG_NEWTABLE, NLM_F_CREATE);
        for (chain, hook) in CHAINS {
            ours(request, NFT_MSG_NEWCHAIN, NLM_F_CREATE)
                .string(3, chain)
                .nest(4, |hooked| {
                    hooked.number(1, hook).attribute(2, &PRIORITY.to_be_bytes());
                })
                .number(5, NF_ACCEPT)
                .string(7, "filter");
        }
        mark(request);
    })
}

/// Marks no more packets; the chains stay.
pub(super) fn pause(socket: &mut NetfilterSocket) -> Result<(), NetlinkError> {
    socket.transaction("pause the trace", |request| {
        ours(request, NFT_MSG_DELRULE, 0);
    })
}

/// Marks packets again.
pub(super) fn resume(socket: &mut NetfilterSocket) -> Result<(), NetlinkError> {
    socket.transaction("resume the trace", mark)
}

/// Removes the table.
pub(super) fn remove(socket: &mut NetfilterSocket) -> Result<(), NetlinkError> {
    socket.transaction("remove the tracing table", |request| {
        ours(request, NFT_MSG_DELTABLE, 0);
    })
}

/// The rules that mark.
fn mark(request: &mut Requests) {
    for (chain, _) in CHAINS {
        ours(request, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND)
            .string(2, chain)
            .nest(4, set_trace);
    }
}

/// `meta nftrace set 1`.
fn set_trace(expressions: &mut Requests) {
    const REGISTER_1: u32 = 1;
    const META_NFTRACE: u32 = 12;
    expressions
        .expression("immediate", |data| {
            data.number(1, REGISTER_1).nest(2, |value| {
                value.attribute(1, &[1]);
            });
        })
        .expression("meta", |data| {
            data.number(2, META_NFTRACE).number(3, REGISTER_1);
        });
}

/// Begins a message about our table or what is in it.
fn ours(request: &mut Requests, number: u8, flags: u16) -> &mut Requests {
    request
        .message((SUBSYS_NFTABLES, number), flags, INET, 0)
        .string(1, TABLE)
}
