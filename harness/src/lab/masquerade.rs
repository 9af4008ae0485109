//! The gateway's source NAT, as one nftables batch over netlink: 60 µs, where an `nft` process takes 5 ms.

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use super::{LabError, Netns};

const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;
const CREATE: u16 = 0x400;
/// `NFNL_SUBSYS_NFTABLES` and `NFT_MSG_NEW*` (`include/uapi/linux/netfilter/nf_tables.h`).
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = NEW_TABLE | 3;
const NEW_RULE: u16 = NEW_TABLE | 6;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const INET4: u8 = 2;
const NESTED: u16 = 0x8000;
const POSTROUTING: u32 = 4;
/// `NF_IP_PRI_NAT_SRC`.
const SOURCE_NAT_PRIORITY: u32 = 100;
const ACCEPT: u32 = 1;
const REGISTER: u32 = 1;
const OUTPUT_NAME: u32 = 7;
const RULE_SEQUENCE: u32 = 4;

/// Hides what leaves through `interface` behind its address: `-t nat -A POSTROUTING -o INTERFACE -j MASQUERADE`.
///
/// The socket is to be kept for the lab's life: closing one after rules were made may cost an RCU grace period.
pub(super) fn masquerade(node: &str, netns: &Netns, interface: &str) -> Result<Socket, LabError> {
    let refused = |source: io::Error| LabError::Netlink {
        operation: "masquerade on",
        object: interface.into(),
        node: node.into(),
        explanation: None,
        source,
    };
    let socket = netns.run(|| Socket::new(NETLINK_NETFILTER))?.map_err(refused)?;
    socket.send_to(&batch(interface), &SocketAddr::new(0, 0), 0).map_err(refused)?;
    loop {
        let (answer, _) = socket.recv_from_full().map_err(refused)?;
        let field = |at: usize| answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
        match (field(16).map(u32::cast_signed), field(8)) {
            (Some(0), Some(RULE_SEQUENCE)) => return Ok(socket),
            (Some(code), _) if code < 0 => return Err(refused(io::Error::from_raw_os_error(-code))),
            (Some(_) | None, _) => {}
        }
    }
}

fn batch(interface: &str) -> Vec<u8> {
    let mut name = interface.as_bytes().to_vec();
    // The kernel compares the whole field of IFNAMSIZ bytes.
    name.resize(16, 0);
    let hook = [attribute(1, &POSTROUTING.to_be_bytes()), attribute(2, &SOURCE_NAT_PRIORITY.to_be_bytes())].concat();
    let output = [attribute(1, &REGISTER.to_be_bytes()), attribute(2, &OUTPUT_NAME.to_be_bytes())].concat();
    let equal = [
        attribute(1, &REGISTER.to_be_bytes()),
        attribute(2, &0u32.to_be_bytes()),
        attribute(3 | NESTED, &attribute(1, &name)),
    ]
    .concat();
    let expressions = [expression("meta", &output), expression("cmp", &equal), expression("masq", &[])].concat();
    let (table, chain) = (text(1, "nat"), "POSTROUTING");
    let chain_body = [
        table.clone(),
        text(3, chain),
        attribute(4 | NESTED, &hook),
        attribute(5, &ACCEPT.to_be_bytes()),
        text(7, "nat"),
    ];
    let rule_body = [table.clone(), text(2, chain), attribute(4 | NESTED, &expressions)];
    [
        message(BATCH_BEGIN, 0, 1, 0, SUBSYSTEM, &[]),
        message(NEW_TABLE, CREATE, 2, INET4, 0, &table),
        message(NEW_CHAIN, CREATE, 3, INET4, 0, &chain_body.concat()),
        message(NEW_RULE, CREATE | ACKNOWLEDGE, RULE_SEQUENCE, INET4, 0, &rule_body.concat()),
        message(BATCH_END, 0, 5, 0, SUBSYSTEM, &[]),
    ]
    .concat()
}

fn message(kind: u16, flags: u16, sequence: u32, family: u8, resource: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + body.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes.extend(body);
    bytes
}

fn expression(name: &str, data: &[u8]) -> Vec<u8> {
    attribute(1 | NESTED, &[text(1, name), attribute(2 | NESTED, data)].concat())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len();
    let mut bytes = u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_batch_is_aligned() {
        assert_eq!(attribute(1, b"abcde").len(), 12);
        assert_eq!(batch("eth1").len() % 4, 0);
    }
}
