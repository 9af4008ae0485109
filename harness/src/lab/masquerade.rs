//! The gateway's source NAT, as one nftables batch over netlink.

use netlink_packet_core::NLM_F_CREATE;
use netlink_sys::Socket;

use super::nft::{Base, chain, commit, table};
use super::{LabError, Netns};
use crate::address::Subnet;
use crate::netlink::{NF_ACCEPT, NFT_MSG_NEWRULE, Requests, SUBSYS_NFTABLES};
use crate::plan::topology::MasqueradeSpec;

const POSTROUTING: u32 = 4;
/// `NF_IP_PRI_NAT_SRC`.
const SOURCE_NAT_PRIORITY: i32 = 100;
const REGISTER: u32 = 1;
/// `NFT_META_OIFNAME` and `NFT_CMP_EQ` (`linux/netfilter/nf_tables.h`).
const OUTPUT_NAME: u32 = 7;
const EQUAL: u32 = 0;

/// `NFT_PAYLOAD_NETWORK_HEADER`.
const NETWORK_HEADER: u32 = 1;

/// Adds `-t nat -A POSTROUTING -s SOURCE -o INTERFACE -j MASQUERADE`.
///
/// The socket is to be kept for the lab's life: closing one after rules were made may cost an RCU grace period.
pub(super) fn masquerade(
    node: &str,
    netns: &Netns,
    rule: &MasqueradeSpec,
) -> Result<Socket, LabError> {
    let source = Subnet::around(rule.source.address, rule.source.length);
    let about = ("masquerade on", rule.interface.as_str());
    commit((node, netns), about, |requests| {
        fill(requests, source, &rule.interface);
    })
}

fn fill(requests: &mut Requests, source: Subnet, interface: &str) {
    let base = Base {
        kind: "nat",
        hook: POSTROUTING,
        priority: SOURCE_NAT_PRIORITY,
        policy: NF_ACCEPT,
    };
    let family = source.family();
    table(requests, family, "nat");
    chain(requests, family, "nat", "POSTROUTING", base);
    let new_rule = (SUBSYS_NFTABLES, NFT_MSG_NEWRULE);
    requests
        .message(new_rule, NLM_F_CREATE, family.number(), 0)
        .string(1, "nat")
        .string(2, "POSTROUTING")
        .nest(4, |list| expressions(list, source, interface));
}

fn expressions(list: &mut Requests, source: Subnet, interface: &str) {
    let mut name = interface.as_bytes().to_vec();
    // The kernel compares the whole field of IFNAMSIZ bytes.
    name.resize(16, 0);
    let (network, mask) = (source.bytes(), source.mask());
    let width = u32::from(source.family().width()) / 8;
    let offset = u32::from(source.family().source_offset());
    list.expression("payload", |data| {
        numbers(data, &[REGISTER, NETWORK_HEADER, offset, width]);
    })
    .expression("bitwise", |data| {
        numbers(data, &[REGISTER, REGISTER, width]);
        value(data, 4, &mask);
        value(data, 5, &vec![0; mask.len()]);
    })
    .expression("cmp", |data| equal(data, &network))
    .expression("meta", |data| numbers(data, &[REGISTER, OUTPUT_NAME]))
    .expression("cmp", |data| equal(data, &name))
    .expression("masq", |_| {});
}

/// Adds numbers as the first attributes.
fn numbers(data: &mut Requests, values: &[u32]) {
    for (kind, value) in (1..).zip(values) {
        data.number(kind, *value);
    }
}

/// Adds bytes that are compared or computed with (`NFTA_DATA_VALUE`).
fn value(data: &mut Requests, kind: u16, bytes: &[u8]) {
    data.nest(kind, |inner| {
        inner.attribute(1, bytes);
    });
}

/// Says that the register holds these bytes.
fn equal(data: &mut Requests, bytes: &[u8]) {
    numbers(data, &[REGISTER, EQUAL]);
    value(data, 3, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;
    use crate::netlink::{Attributes, messages};

    /// The expressions of `-s 10.55.66.0/24 -o eth1 -j MASQUERADE` byte for byte.
    const RECORDED: &str = "340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c0800040000000004440001800c0001006269747769736500340002800800010000000001080002000000000108000300000000040c00048008000100ffffff000c00058008000100000000002c00018008000100636d700020000280080001000000000108000200000000000c000380080001000a37420024000180090001006d6574610000000014000280080001000000000108000200000000073800018008000100636d70002c0002800800010000000001080002000000000018000380140001006574683100000000000000000000000014000180090001006d6173710000000004000280";

    #[test]
    fn a_rule_is_written_byte_for_byte() {
        let mut requests = Requests::new(1);
        let network = Subnet::around([10, 55, 66, 0].into(), 24);
        fill(&mut requests, network, "eth1");
        let kinds: Vec<_> = messages(requests.bytes())
            .map(|message| message.subsystem())
            .collect();
        assert_eq!(kinds, [(10, 0), (10, 3), (10, 6)]);
        let rule = messages(requests.bytes()).last().expect("a rule");
        let list = rule.attributes().find(|(kind, _)| *kind == 4);
        let (_, list) = list.expect("expressions");
        assert_eq!(list, fuzz::bytes(RECORDED));
        assert_eq!(Attributes(list).count(), 6);
    }
}
