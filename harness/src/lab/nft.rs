//! Transactions of nf_tables as iptables-nft sends them: 60 µs over netlink, where a process takes 5 to 19 ms.

use std::convert::identity;
use std::io;

use netlink_packet_core::NLM_F_CREATE;
use netlink_sys::Socket;

use super::{LabError, Netns};
use crate::address::Family;
use crate::netlink::{
    NFT_MSG_NEWCHAIN, NFT_MSG_NEWTABLE, NetfilterSocket, NetlinkError, Requests, SUBSYS_NFTABLES,
};

/// What a base chain is hooked to, and what becomes of packets at its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base {
    /// `filter` or `nat`.
    pub(super) kind: &'static str,
    /// `NF_INET_*`.
    pub(super) hook: u32,
    /// `NF_IP_PRI_*`.
    pub(super) priority: i32,
    /// `NF_ACCEPT` or `NF_DROP`.
    pub(super) policy: u32,
}

/// Adds a table of a family that may be there already.
pub(super) fn table(requests: &mut Requests, family: Family, table: &str) {
    let new_table = (SUBSYS_NFTABLES, NFT_MSG_NEWTABLE);
    requests
        .message(new_table, NLM_F_CREATE, family.number(), 0)
        .string(1, table);
}

/// Adds a base chain, with counters of its policy as iptables has them.
pub(super) fn chain(requests: &mut Requests, family: Family, table: &str, chain: &str, base: Base) {
    let new_chain = (SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN);
    requests
        .message(new_chain, NLM_F_CREATE, family.number(), 0)
        .string(1, table)
        .string(3, chain)
        .nest(4, |hook| {
            hook.number(1, base.hook)
                .attribute(2, &base.priority.to_be_bytes());
        })
        .number(5, base.policy)
        .nest(8, |counters| {
            counters.attribute(2, &[0; 8]).attribute(1, &[0; 8]);
        })
        .string(7, base.kind);
}

/// Carries a transaction out in a node's namespace.
///
/// The socket is to be kept for the lab's life: closing one after rules were made may cost an RCU grace period.
pub(super) fn commit(
    (node, netns): (&str, &Netns),
    (operation, object): (&'static str, &str),
    fill: impl FnOnce(&mut Requests),
) -> Result<Socket, LabError> {
    let opened = netns.run(|| NetfilterSocket::unbound(node));
    let carried_out = opened
        .map_err(io::Error::other)
        .and_then(identity)
        .map_err(|source| NetlinkError::failed(operation, node, source))
        .and_then(|mut socket| {
            socket.transaction(operation, fill)?;
            Ok(socket.into())
        });
    Ok(carried_out.map_err(|error| error.about(object))?)
}
