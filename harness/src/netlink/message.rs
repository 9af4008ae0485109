//! The bytes of netlink messages, read without trust in any length.
//!
//! Foreign bytes never panic here: what is cut or contradicts itself ends the iteration.

use netlink_packet_core::NLA_TYPE_MASK;

/// Nfnetlink subsystems (`linux/netfilter/nfnetlink.h`).
pub const SUBSYS_CONNTRACK: u8 = 1;
/// See [`SUBSYS_CONNTRACK`].
pub const SUBSYS_LOG: u8 = 4;
/// See [`SUBSYS_CONNTRACK`].
pub const SUBSYS_NFTABLES: u8 = 10;

/// Messages of nf_tables (`linux/netfilter/nf_tables.h`).
pub const NFT_MSG_NEWTABLE: u8 = 0;
/// See [`NFT_MSG_NEWTABLE`].
pub const NFT_MSG_DELTABLE: u8 = 2;
/// See [`NFT_MSG_NEWTABLE`].
pub const NFT_MSG_NEWCHAIN: u8 = 3;
/// See [`NFT_MSG_NEWTABLE`].
pub const NFT_MSG_GETCHAIN: u8 = 4;
/// See [`NFT_MSG_NEWTABLE`].
pub const NFT_MSG_NEWRULE: u8 = 6;
/// See [`NFT_MSG_NEWTABLE`].
pub const NFT_MSG_GETRULE: u8 = 7;
/// See [`NFT_MSG_NEWTABLE`].
pub const NFT_MSG_DELRULE: u8 = 8;

/// Verdicts, as the policy of a chain (`linux/netfilter.h`).
pub const NF_DROP: u32 = 0;
/// See [`NF_DROP`].
pub const NF_ACCEPT: u32 = 1;

/// Length of a netlink header, and of nfnetlink's behind it.
pub(super) const HEADER: usize = 16;
const FAMILY_HEADER: usize = 4;

/// One netlink message as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The netlink header's type.
    pub kind: u16,
    /// The netlink header's flags.
    pub flags: u16,
    /// The number of the request that it answers.
    pub sequence: u32,
    /// Behind the netlink header.
    pub body: &'a [u8],
    /// With the netlink header.
    pub whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// The nfnetlink subsystem and the message number within it.
    pub fn subsystem(&self) -> (u8, u8) {
        let [subsystem, number] = self.kind.to_be_bytes();
        (subsystem, number)
    }

    /// The family in the nfnetlink header.
    pub fn family(&self) -> Option<u8> {
        self.body.first().copied()
    }

    /// The attributes behind the nfnetlink header.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes(self.body.get(FAMILY_HEADER..).unwrap_or_default())
    }

    /// The errno of an error message; 0 acknowledges.
    pub fn errno(&self) -> Option<i32> {
        let code = i32::from_ne_bytes(array(self.body.get(..4)?)?);
        Some(code.saturating_neg())
    }
}

/// The messages of a datagram, up to the first that is cut.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    split(datagram).map_while(Result::ok)
}

/// Splits a datagram into its messages. What is cut or contradicts itself is an error, which ends the iteration.
pub(super) fn split(mut rest: &[u8]) -> impl Iterator<Item = Result<Message<'_>, String>> {
    std::iter::from_fn(move || {
        let header = rest.first_chunk::<HEADER>()?;
        let length = u32::from_ne_bytes(array(header.get(..4)?)?) as usize;
        let (Some(whole), Some(body)) = (rest.get(..length), rest.get(HEADER..length)) else {
            let left = std::mem::take(&mut rest).len();
            return Some(Err(format!("a message of {length} bytes in {left} left")));
        };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(Ok(Message {
            kind: u16::from_ne_bytes(array(header.get(4..6)?)?),
            flags: u16::from_ne_bytes(array(header.get(6..8)?)?),
            sequence: u32::from_ne_bytes(array(header.get(8..12)?)?),
            body,
            whole,
        }))
    })
}

/// Attributes of one level: type without flag bits, and value.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a>(pub &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_ne_bytes(array(self.0.get(..2)?)?));
        let kind = u16::from_ne_bytes(array(self.0.get(2..4)?)?) & NLA_TYPE_MASK;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    }
}

/// A big-endian number, which is how nfnetlink writes all of its own.
pub fn be_u16(value: &[u8]) -> Option<u16> {
    array(value).map(u16::from_be_bytes)
}

/// See [`be_u16`].
pub fn be_u32(value: &[u8]) -> Option<u32> {
    array(value).map(u32::from_be_bytes)
}

/// See [`be_u16`].
pub fn be_u64(value: &[u8]) -> Option<u64> {
    array(value).map(u64::from_be_bytes)
}

/// A string up to its terminating zero.
pub fn text(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

fn array<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::Requests;
    use super::*;
    use crate::fuzz::feed;

    #[test]
    fn foreign_bytes_end_the_iteration() {
        let mut request = Requests::new(1);
        request.message((0, 2), 0, 0, 0).attribute(1, b"filter");
        request.message((10, 0x11), 0, 2, 0).nest(4, |nest| {
            nest.number(1, 7).string(2, "FORWARD");
        });
        feed("netlink", &[request.bytes().to_vec()], |bytes| {
            assert!(messages(bytes).count() <= bytes.len() / HEADER);
            for message in messages(bytes) {
                let _ = (message.subsystem(), message.family(), message.errno());
                for (_, value) in message.attributes() {
                    assert!(Attributes(value).count() <= value.len() / 4);
                    let _ = (text(value), be_u16(value), be_u32(value), be_u64(value));
                }
            }
        });
    }
}
