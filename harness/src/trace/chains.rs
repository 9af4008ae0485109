//! What nf_tables itself says of its chains and rules: hook, policy and the order of rule handles.

use std::collections::BTreeMap;

use netlink_packet_core::NLM_F_DUMP;

use super::TraceError;
use super::print::Print;
use crate::address::Family;
use crate::netlink::{
    Attributes, Message, NF_DROP, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_NEWCHAIN,
    NFT_MSG_NEWRULE, NetfilterSocket, NetlinkError, SUBSYS_NFTABLES, be_u32, be_u64, text,
};
use crate::path::Hook;

/// `NFTA_CHAIN_TABLE`, `_NAME`, `_POLICY` (`linux/netfilter/nf_tables.h`).
const TABLE: u16 = 1;
const NAME: u16 = 3;
const POLICY: u16 = 5;

/// Chains of nf_tables by family, table and name.
pub(super) type NftChains = BTreeMap<(u8, String, String), NftChain>;

/// One chain of nf_tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NftChain {
    /// None for a user chain.
    pub(super) hook: Option<Hook>,
    /// Handles of the rules, in order.
    pub(super) handles: Vec<u64>,
}

/// Reads all chains of all families in two dumps, and the print of those of iptables.
pub(super) fn read_chains(
    socket: &mut NetfilterSocket,
) -> Result<(NftChains, Print), NetlinkError> {
    let mut chains = NftChains::new();
    let mut print = Print::default();
    for (get, operation) in [
        (NFT_MSG_GETCHAIN, "dump chains"),
        (NFT_MSG_GETRULE, "dump rules"),
    ] {
        let mut request = socket.requests();
        request.message((SUBSYS_NFTABLES, get), NLM_F_DUMP, 0, 0);
        socket.dump(operation, &request, |message| {
            decode(message, &mut chains);
            print.add(message);
        })?;
    }
    Ok((chains, print))
}

/// Whether a chain of nf_tables' family `ip` drops what none of its rules decides. One that is not there drops nothing.
///
/// # Errors
/// The chains of the calling thread's network namespace, which is `node`'s, cannot be read.
pub fn drops_by_policy(node: &str, table: &str, chain: &str) -> Result<bool, TraceError> {
    let mut socket = NetfilterSocket::open(node)?;
    let mut request = socket.requests();
    let kind = (SUBSYS_NFTABLES, NFT_MSG_GETCHAIN);
    request.message(kind, NLM_F_DUMP, Family::Ipv4.number(), 0);
    let mut drops = false;
    socket.dump("dump chains", &request, |message| {
        drops |= is_dropping(message, table, chain);
    })?;
    Ok(drops)
}

fn is_dropping(message: &Message<'_>, table: &str, chain: &str) -> bool {
    let find = |wanted| message.attributes().find(|(kind, _)| *kind == wanted);
    let is = |kind, name| find(kind).is_some_and(|(_, value)| text(value) == name);
    let policy = find(POLICY).and_then(|(_, value)| be_u32(value));
    is(TABLE, table) && is(NAME, chain) && policy == Some(NF_DROP)
}

/// The place of a hook number (`NF_INET_*`).
pub(super) fn hook(number: u32) -> Option<Hook> {
    Some(match number {
        0 => Hook::Prerouting,
        1 => Hook::Input,
        2 => Hook::Forward,
        3 => Hook::Output,
        4 => Hook::Postrouting,
        _ => return None,
    })
}

fn decode(message: &Message<'_>, chains: &mut NftChains) -> Option<()> {
    let (mut table, mut name, mut handle, mut hooked) = (None, None, None, None);
    let subject = message.subsystem();
    for (attribute, value) in message.attributes() {
        match (subject, attribute) {
            (_, 1) => table = Some(text(value)),
            ((SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN), 3) | ((SUBSYS_NFTABLES, NFT_MSG_NEWRULE), 2) => {
                name = Some(text(value));
            }
            ((SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN), 4) => {
                hooked = Attributes(value).find(|(kind, _)| *kind == 1);
            }
            ((SUBSYS_NFTABLES, NFT_MSG_NEWRULE), 3) => handle = be_u64(value),
            _ => {}
        }
    }
    let chain = chains
        .entry((message.family()?, table?, name?))
        .or_default();
    if let Some((_, number)) = hooked {
        chain.hook = hook(be_u32(number)?);
    }
    chain.handles.extend(handle);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::feed;
    use crate::netlink::{NF_ACCEPT, Requests, messages};

    #[test]
    fn a_chain_drops_by_its_policy() {
        let drops = |chain: &str, policy| {
            let mut request = Requests::new(1);
            let message = request.message((SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN), 0, 2, 0);
            message.string(TABLE, "filter").string(NAME, chain);
            message.number(POLICY, policy);
            messages(request.bytes()).any(|one| is_dropping(&one, "filter", "FORWARD"))
        };
        assert!(drops("FORWARD", NF_DROP));
        assert!(!drops("FORWARD", NF_ACCEPT));
        assert!(!drops("INPUT", NF_DROP));
    }

    #[test]
    fn foreign_bytes_do_no_harm() {
        let mut chain = Requests::new(1);
        chain
            .message((SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN), 0, 2, 0)
            .string(1, "filter")
            .string(3, "FORWARD")
            .nest(4, |hooked| {
                hooked.number(1, 2).number(2, 0);
            });
        let mut rule = Requests::new(1);
        rule.message((SUBSYS_NFTABLES, NFT_MSG_NEWRULE), 0, 2, 0)
            .string(1, "filter")
            .string(2, "FORWARD")
            .attribute(3, &7u64.to_be_bytes());
        let seeds = [chain, rule].map(|request| request.bytes().to_vec());
        let mut read = NftChains::new();
        for seed in &seeds {
            for message in messages(seed) {
                decode(&message, &mut read);
            }
        }
        let forward = &read[&(2, "filter".to_owned(), "FORWARD".to_owned())];
        assert_eq!(
            (forward.hook, forward.handles.as_slice()),
            (Some(Hook::Forward), &[7][..])
        );
        feed("chains", &seeds, |bytes| {
            for message in messages(bytes) {
                decode(&message, &mut NftChains::new());
            }
        });
    }
}
