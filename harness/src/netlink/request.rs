//! Netfilter requests being written, one behind the other as a batch wants them.

use netlink_packet_core::{NLA_F_NESTED, NLM_F_ACK, NLM_F_REQUEST};

/// Where a message's flags are in its header.
const FLAGS: usize = 6;

/// Messages under one sequence number, so that any refusal of one is a refusal of all.
#[derive(Debug)]
pub struct Requests {
    bytes: Vec<u8>,
    /// Where the last message begins; beyond everything while attributes are gathered for a nest.
    begin: usize,
    sequence: u32,
}

impl Requests {
    /// Nothing yet. A socket gives the number.
    pub fn new(sequence: u32) -> Self {
        Self {
            bytes: Vec::new(),
            begin: 0,
            sequence,
        }
    }

    /// Begins a message with its nfnetlink header. `kind` is the subsystem and the message's number within it.
    pub fn message(&mut self, kind: (u8, u8), flags: u16, family: u8, resource: u16) -> &mut Self {
        let kind = u16::from_be_bytes([kind.0, kind.1]);
        self.begin = self.bytes.len();
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes
            .extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&[family, 0]);
        self.bytes.extend_from_slice(&resource.to_be_bytes());
        self.sized()
    }

    /// Asks for an acknowledgement of the last message.
    pub(super) fn acknowledge_last(&mut self) {
        let [low, high] = NLM_F_ACK.to_ne_bytes();
        if let Some([first, second]) = self
            .bytes
            .get_mut(self.begin + FLAGS..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            *first |= low;
            *second |= high;
        }
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.sized()
    }

    /// Adds a big-endian number.
    pub fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Adds a string with its terminating zero.
    pub fn string(&mut self, kind: u16, value: &str) -> &mut Self {
        self.attribute(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// Adds an attribute that holds attributes.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self {
            begin: usize::MAX,
            ..Self::new(0)
        };
        fill(&mut inner);
        self.attribute(kind | NLA_F_NESTED, &inner.bytes)
    }

    /// Adds an expression to the list of an nf_tables rule.
    pub fn expression(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.nest(1, |expression| {
            expression.string(1, name).nest(2, fill);
        })
    }

    /// The finished bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number that the answers will have.
    pub(super) fn sequence(&self) -> u32 {
        self.sequence
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
    use super::super::{Attributes, be_u32, messages, text};
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut request = Requests::new(7);
        request
            .message((10, 0x11), NLM_F_ACK, 2, 10)
            .string(1, "filter")
            .nest(2, |r| {
                r.number(1, 0x0102_0304).number(3, 9);
            });
        request.message((1, 2), 0, 1, 0).attribute(5, &[1]);
        request.acknowledge_last();
        let read: Vec<_> = messages(request.bytes()).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].subsystem(), (10, 0x11));
        assert_eq!((read[0].sequence, read[0].family()), (7, Some(2)));
        let attributes: Vec<_> = read[0].attributes().collect();
        assert_eq!(text(attributes[0].1), "filter");
        let inner: Vec<_> = Attributes(attributes[1].1).collect();
        assert_eq!((inner[0].0, be_u32(inner[0].1)), (1, Some(0x0102_0304)));
        assert_eq!(be_u32(inner[1].1), Some(9));
        assert_eq!(read[1].flags, NLM_F_REQUEST | NLM_F_ACK);
        assert_eq!(read[1].attributes().next(), Some((5, &[1u8][..])));
    }
}
