//! What nf_tables itself says of its chains and rules: hook, policy and the order of rule handles.

use std::collections::BTreeMap;

use netlink_packet_core::NLM_F_DUMP;

use super::print::Print;
use crate::netlink::{
    Attributes, Message, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE,
    NetfilterSocket, NetlinkError, SUBSYS_NFTABLES, be_u32, be_u64, text,
};
use crate::path::Hook;

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
    use crate::netlink::{Requests, messages};

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
