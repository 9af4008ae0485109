//! Batches for nf_tables: 60 µs over netlink, where a process takes 5 to 19 ms.

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use super::Netns;

const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;
const CREATE: u16 = 0x400;
/// `NFNL_SUBSYS_NFTABLES` and `NFT_MSG_NEW*` (`nfnetlink.h` and `nf_tables.h` of `include/uapi/linux/netfilter`).
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = NEW_TABLE | 3;
const NEW_RULE: u16 = NEW_TABLE | 6;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const INET4: u8 = 2;
/// The flag of an attribute that holds attributes (`NLA_F_NESTED`).
pub(super) const NESTED: u16 = 0x8000;

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

/// One transaction for IPv4: everything in it, or nothing.
#[derive(Debug)]
pub(super) struct Transaction {
    bytes: Vec<u8>,
    sequence: u32,
    /// Where the last message's flags are.
    flags: usize,
}

impl Transaction {
    pub(super) fn new() -> Self {
        let mut transaction = Self {
            bytes: Vec::new(),
            sequence: 0,
            flags: 0,
        };
        transaction.push(BATCH_BEGIN, 0, 0, SUBSYSTEM, &[]);
        transaction
    }

    /// Adds a table that may be there already.
    pub(super) fn table(&mut self, table: &str) {
        self.push(NEW_TABLE, CREATE, INET4, 0, &text(1, table));
    }

    /// Adds a base chain, with counters of its policy as iptables has them.
    pub(super) fn chain(&mut self, table: &str, chain: &str, base: Base) {
        let hook = [
            attribute(1, &base.hook.to_be_bytes()),
            attribute(2, &base.priority.to_be_bytes()),
        ];
        let counters = [attribute(2, &[0; 8]), attribute(1, &[0; 8])];
        let body = [
            text(1, table),
            text(3, chain),
            attribute(4 | NESTED, &hook.concat()),
            attribute(5, &base.policy.to_be_bytes()),
            attribute(8 | NESTED, &counters.concat()),
            text(7, base.kind),
        ];
        self.push(NEW_CHAIN, CREATE, INET4, 0, &body.concat());
    }

    /// Adds a rule at the beginning of a chain.
    pub(super) fn rule(&mut self, table: &str, chain: &str, expressions: &[u8]) {
        let body = [
            text(1, table),
            text(2, chain),
            attribute(4 | NESTED, expressions),
        ];
        self.push(NEW_RULE, CREATE, INET4, 0, &body.concat());
    }

    /// Carries it out in a namespace.
    ///
    /// The socket is to be kept for the lab's life: closing one after rules were made may cost an RCU grace period.
    pub(super) fn commit(mut self, netns: &Netns) -> io::Result<Socket> {
        // The kernel answers for BATCH_END itself only since Linux 6.10.
        let last = self.sequence;
        if let Some(flags) = self.bytes.get_mut(self.flags) {
            *flags |= ACKNOWLEDGE.to_ne_bytes()[0];
        }
        self.push(BATCH_END, 0, 0, SUBSYSTEM, &[]);
        let socket = netns
            .run(|| Socket::new(NETLINK_NETFILTER))
            .map_err(io::Error::other)??;
        socket.send_to(&self.bytes, &SocketAddr::new(0, 0), 0)?;
        loop {
            let (answer, _) = socket.recv_from_full()?;
            let field = |at: usize| {
                answer
                    .get(at..at + 4)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(u32::from_ne_bytes)
            };
            match (field(16).map(u32::cast_signed), field(8)) {
                (Some(0), Some(sequence)) if sequence == last => return Ok(socket),
                (Some(code), _) if code < 0 => {
                    return Err(io::Error::from_raw_os_error(-code));
                }
                (Some(_) | None, _) => {}
            }
        }
    }

    fn push(&mut self, kind: u16, flags: u16, family: u8, resource: u16, body: &[u8]) {
        self.sequence += 1;
        self.flags = self.bytes.len() + 6;
        let sequence = self.sequence;
        self.bytes
            .extend(message(kind, flags, sequence, family, resource, body));
    }
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

/// A string with its terminating zero.
pub(super) fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

/// One attribute, padded to four bytes.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
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
    fn an_attribute_is_aligned() {
        assert_eq!(attribute(1, b"abcde").len(), 12);
    }
}
