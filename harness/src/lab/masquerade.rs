//! The gateway's source NAT, as one nftables batch over netlink: 60 µs, where an `nft` process takes 5 ms.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use super::topology::MasqueradeSpec;
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
    let refused = |source: io::Error| LabError::Netlink {
        operation: "masquerade on",
        object: rule.interface.clone(),
        node: node.into(),
        explanation: None,
        source,
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
    let socket = netns
        .run(|| Socket::new(NETLINK_NETFILTER))?
        .map_err(refused)?;
    socket
        .send_to(
            &batch(source, mask, &rule.interface),
            &SocketAddr::new(0, 0),
            0,
        )
        .map_err(refused)?;
    loop {
        let (answer, _) = socket.recv_from_full().map_err(refused)?;
        let field = |at: usize| {
            answer
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map(u32::from_ne_bytes)
        };
        match (field(16).map(u32::cast_signed), field(8)) {
            (Some(0), Some(RULE_SEQUENCE)) => return Ok(socket),
            (Some(code), _) if code < 0 => {
                return Err(refused(io::Error::from_raw_os_error(-code)));
            }
            (Some(_) | None, _) => {}
        }
    }
}

fn batch(source: Ipv4Addr, mask: u32, interface: &str) -> Vec<u8> {
    let mut name = interface.as_bytes().to_vec();
    // The kernel compares the whole field of IFNAMSIZ bytes.
    name.resize(16, 0);
    let hook = [
        attribute(1, &POSTROUTING.to_be_bytes()),
        attribute(2, &SOURCE_NAT_PRIORITY.to_be_bytes()),
    ]
    .concat();
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
    let expressions = [
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
    .concat();
    let (table, chain) = (text(1, "nat"), "POSTROUTING");
    let chain_body = [
        table.clone(),
        text(3, chain),
        attribute(4 | NESTED, &hook),
        attribute(5, &ACCEPT.to_be_bytes()),
        text(7, "nat"),
    ];
    let rule_body = [
        table.clone(),
        text(2, chain),
        attribute(4 | NESTED, &expressions),
    ];
    [
        message(BATCH_BEGIN, 0, 1, 0, SUBSYSTEM, &[]),
        message(NEW_TABLE, CREATE, 2, INET4, 0, &table),
        message(NEW_CHAIN, CREATE, 3, INET4, 0, &chain_body.concat()),
        message(
            NEW_RULE,
            CREATE | ACKNOWLEDGE,
            RULE_SEQUENCE,
            INET4,
            0,
            &rule_body.concat(),
        ),
        message(BATCH_END, 0, 5, 0, SUBSYSTEM, &[]),
    ]
    .concat()
}

fn message(
    kind: u16,
    flags: u16,
    sequence: u32,
    family: u8,
    resource: u16,
    body: &[u8],
) -> Vec<u8> {
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
    attribute(
        1 | NESTED,
        &[text(1, name), attribute(2 | NESTED, data)].concat(),
    )
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len();
    let mut bytes = u16::try_from(length)
        .unwrap_or(u16::MAX)
        .to_ne_bytes()
        .to_vec();
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
        assert_eq!(batch(Ipv4Addr::LOCALHOST, 0, "eth1").len() % 4, 0);
    }
}
