//! The gateway's source NAT, as one nftables batch over netlink.

use std::net::{IpAddr, Ipv4Addr};

use netlink_sys::Socket;

use super::nft::{Base, NESTED, Transaction, attribute, text};
use super::{LabError, Netns};
use crate::netlink::NetlinkError;
use crate::plan::topology::MasqueradeSpec;

const POSTROUTING: u32 = 4;
/// `NF_IP_PRI_NAT_SRC`.
const SOURCE_NAT_PRIORITY: i32 = 100;
const ACCEPT: u32 = 1;
const REGISTER: u32 = 1;
const OUTPUT_NAME: u32 = 7;

/// `NFT_PAYLOAD_NETWORK_HEADER`, and where IPv4's source address is in it (RFC 791 3.1).
const NETWORK_HEADER: u32 = 1;
const SOURCE_OFFSET: u32 = 12;
const ADDRESS_BYTES: u32 = 4;

/// Adds `-t nat -A POSTROUTING -s SOURCE -o INTERFACE -j MASQUERADE`.
///
/// The socket is to be kept for the lab's life: closing one after rules were made may cost an RCU grace period.
pub(super) fn masquerade(
    node: &str,
    netns: &Netns,
    rule: &MasqueradeSpec,
) -> Result<Socket, LabError> {
    let refused = |source: std::io::Error| {
        LabError::from(NetlinkError::failed("masquerade on", node, source).about(&rule.interface))
    };
    let IpAddr::V4(source) = rule.source.address else {
        return Err(LabError::Specification(format!(
            "masquerade of {} is not IPv4",
            rule.source
        )));
    };
    let mask = u32::MAX
        .checked_shl(32 - u32::from(rule.source.length))
        .unwrap_or(0);
    let mut transaction = Transaction::new();
    transaction.table("nat");
    let base = Base {
        kind: "nat",
        hook: POSTROUTING,
        priority: SOURCE_NAT_PRIORITY,
        policy: ACCEPT,
    };
    transaction.chain("nat", "POSTROUTING", base);
    let expressions = expressions(source, mask, &rule.interface);
    transaction.rule("nat", "POSTROUTING", &expressions);
    transaction.commit(netns).map_err(refused)
}

fn expressions(source: Ipv4Addr, mask: u32, interface: &str) -> Vec<u8> {
    let mut name = interface.as_bytes().to_vec();
    // The kernel compares the whole field of IFNAMSIZ bytes.
    name.resize(16, 0);
    let numbers = |values: &[u32]| -> Vec<u8> {
        (1..)
            .zip(values)
            .flat_map(|(kind, value)| attribute(kind, &value.to_be_bytes()))
            .collect()
    };
    let data = |kind: u16, value: &[u8]| attribute(kind | NESTED, &attribute(1, value));
    let equal = |value: &[u8]| [numbers(&[REGISTER, 0]), data(3, value)].concat();
    let network = [
        numbers(&[REGISTER, REGISTER, ADDRESS_BYTES]),
        data(4, &mask.to_be_bytes()),
        data(5, &[0; 4]),
    ];
    [
        expression(
            "payload",
            &numbers(&[REGISTER, NETWORK_HEADER, SOURCE_OFFSET, ADDRESS_BYTES]),
        ),
        expression("bitwise", &network.concat()),
        expression("cmp", &equal(&(u32::from(source) & mask).to_be_bytes())),
        expression("meta", &numbers(&[REGISTER, OUTPUT_NAME])),
        expression("cmp", &equal(&name)),
        expression("masq", &[]),
    ]
    .concat()
}

fn expression(name: &str, data: &[u8]) -> Vec<u8> {
    attribute(
        1 | NESTED,
        &[text(1, name), attribute(2 | NESTED, data)].concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_is_aligned() {
        assert_eq!(expressions(Ipv4Addr::LOCALHOST, 0, "eth1").len() % 4, 0);
    }
}
