//! The bytes of nfnetlink messages: reading without trust in any length, writing requests.
//!
//! Foreign bytes never panic here: what is cut or contradicts itself ends the iteration.

/// Netlink's own message types (`linux/netlink.h`).
pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;
/// Message flags (`linux/netlink.h`).
pub(super) const NLM_F_REQUEST: u16 = 1;
pub(super) const NLM_F_ACK: u16 = 4;
pub(super) const NLM_F_DUMP: u16 = 0x300;
pub(super) const NLM_F_CREATE: u16 = 0x400;
pub(super) const NLM_F_APPEND: u16 = 0x800;
/// Nfnetlink subsystems (`linux/netfilter/nfnetlink.h`).
pub(super) const SUBSYS_CONNTRACK: u8 = 1;
pub(super) const SUBSYS_LOG: u8 = 4;
pub(super) const SUBSYS_NFTABLES: u8 = 10;

/// `NFPROTO_IPV4` (`linux/netfilter.h`).
pub(super) const IPV4: u8 = 2;

const HEADER: usize = 16;
const FAMILY_HEADER: usize = 4;
const NLA_F_NESTED: u16 = 0x8000;
const NLA_TYPE_MASK: u16 = 0x3fff;

/// One netlink message as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// Behind the netlink header.
    pub(super) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The nfnetlink subsystem and the message number within it.
    pub(super) fn subsystem(&self) -> (u8, u8) {
        let [subsystem, number] = self.kind.to_be_bytes();
        (subsystem, number)
    }

    /// The family in the nfnetlink header.
    pub(super) fn family(&self) -> Option<u8> {
        self.body.first().copied()
    }

    /// The attributes behind the nfnetlink header.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes(self.body.get(FAMILY_HEADER..).unwrap_or_default())
    }

    /// The errno of an error message; 0 acknowledges.
    pub(super) fn errno(&self) -> Option<i32> {
        let code = i32::from_ne_bytes(array(self.body.get(..4)?)?);
        Some(code.saturating_neg())
    }
}

/// Splits a datagram into its messages.
pub(super) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(array(datagram.get(..4)?)?) as usize;
        let body = datagram.get(HEADER..length)?;
        let message = Message {
            kind: u16::from_ne_bytes(array(datagram.get(4..6)?)?),
            flags: u16::from_ne_bytes(array(datagram.get(6..8)?)?),
            sequence: u32::from_ne_bytes(array(datagram.get(8..12)?)?),
            body,
        };
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(message)
    })
}

/// Attributes of one level: type without flag bits, and value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

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
pub(super) fn be_u16(value: &[u8]) -> Option<u16> {
    array(value).map(u16::from_be_bytes)
}

/// See [`be_u16`].
pub(super) fn be_u32(value: &[u8]) -> Option<u32> {
    array(value).map(u32::from_be_bytes)
}

/// See [`be_u16`].
pub(super) fn be_u64(value: &[u8]) -> Option<u64> {
    array(value).map(u64::from_be_bytes)
}

/// A string up to its terminating zero.
pub(super) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

fn array<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

/// Requests being written, one behind the other as a batch wants them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    bytes: Vec<u8>,
    begin: usize,
}

impl Requests {
    /// Begins a message with its nfnetlink header.
    pub(super) fn message(
        &mut self,
        kind: u16,
        flags: u16,
        sequence: u32,
        family: u8,
        resource: u16,
    ) -> &mut Self {
        self.begin = self.bytes.len();
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes
            .extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&[family, 0]);
        self.bytes.extend_from_slice(&resource.to_be_bytes());
        self.sized()
    }

    /// Adds an attribute.
    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.sized()
    }

    /// Adds a big-endian number.
    pub(super) fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Adds a string with its terminating zero.
    pub(super) fn string(&mut self, kind: u16, value: &str) -> &mut Self {
        self.attribute(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// Adds an attribute that holds attributes.
    pub(super) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self {
            begin: usize::MAX,
            ..Self::default()
        };
        fill(&mut inner);
        self.attribute(kind | NLA_F_NESTED, &inner.bytes)
    }

    /// The finished bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn sized(&mut self) -> &mut Self {
        let begin = self.begin;
        let length = u32::try_from(self.bytes.len().saturating_sub(begin)).unwrap_or(u32::MAX);
        if let Some(field) = begin
            .checked_add(4)
            .and_then(|end| self.bytes.get_mut(begin..end))
        {
            field.copy_from_slice(&length.to_ne_bytes());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::feed;

    #[test]
    fn what_is_written_is_read_back() {
        let mut request = Requests::default();
        request
            .message(0x0a11, NLM_F_ACK, 7, 2, 10)
            .string(1, "filter")
            .nest(2, |r| {
                r.number(1, 0x0102_0304).number(3, 9);
            });
        request.message(0x0102, 0, 8, 1, 0).attribute(5, &[1]);
        let read: Vec<_> = messages(request.bytes()).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].subsystem(), (10, 0x11));
        assert_eq!((read[0].sequence, read[0].family()), (7, Some(2)));
        let attributes: Vec<_> = read[0].attributes().collect();
        assert_eq!(text(attributes[0].1), "filter");
        let inner: Vec<_> = Attributes(attributes[1].1).collect();
        assert_eq!((inner[0].0, be_u32(inner[0].1)), (1, Some(0x0102_0304)));
        assert_eq!(be_u32(inner[1].1), Some(9));
        assert_eq!(read[1].attributes().next(), Some((5, &[1u8][..])));
    }

    #[test]
    fn foreign_bytes_end_the_iteration() {
        let mut request = Requests::default();
        request.message(2, 0, 1, 0, 0).attribute(1, b"filter");
        request.message(0x0a11, 0, 2, 2, 0).nest(4, |nest| {
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
