//! What came back on a netlink socket: objects, acknowledgements with the kernel's explanation, ends of tables.

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;

const HEADER: usize = 16;
/// `NLMSG_ERROR` and `NLMSG_DONE` (`include/uapi/linux/netlink.h`).
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// The request isn't quoted after the error code, only its header.
const CAPPED: u16 = 0x100;
/// Attributes with an explanation follow.
const WITH_ATTRIBUTES: u16 = 0x200;
const EXPLANATION: u16 = 1;

/// One message of the kernel.
#[derive(Debug)]
pub(super) enum Reply {
    /// A request is done; `code` is 0 or a negative errno.
    Acknowledged {
        sequence: u32,
        code: i32,
        explanation: Option<String>,
    },
    /// A row of a table, an answer, or an event.
    Object {
        sequence: u32,
        message: Box<RouteNetlinkMessage>,
    },
    /// A table is at its end.
    Done { sequence: u32 },
}

/// Takes one datagram apart.
pub(super) fn replies(datagram: &[u8]) -> Result<Vec<Reply>, String> {
    let mut found = Vec::new();
    let mut rest = datagram;
    while rest.len() >= HEADER {
        let length = number(rest, 0) as usize;
        if length < HEADER || length > rest.len() {
            return Err(format!(
                "a message of {length} bytes in {} left",
                rest.len()
            ));
        }
        found.push(reply(&rest[..length])?);
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    Ok(found)
}

fn reply(message: &[u8]) -> Result<Reply, String> {
    let (kind, flags, sequence) = (short(message, 4), short(message, 6), number(message, 8));
    match kind {
        ERROR if message.len() >= HEADER + 4 => {
            let code = number(message, HEADER).cast_signed();
            Ok(Reply::Acknowledged {
                sequence,
                code,
                explanation: explanation(message, flags),
            })
        }
        // The end of a table may carry an error too, which the kernel sends where a dump breaks off.
        DONE => match message
            .get(HEADER..HEADER + 4)
            .map(|code| number(code, 0).cast_signed())
        {
            Some(code) if code < 0 => Ok(Reply::Acknowledged {
                sequence,
                code,
                explanation: None,
            }),
            Some(_) | None => Ok(Reply::Done { sequence }),
        },
        _ => {
            let parsed = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message)
                .map_err(|e| e.to_string())?;
            match parsed.payload {
                NetlinkPayload::InnerMessage(inner) => Ok(Reply::Object {
                    sequence,
                    message: Box::new(inner),
                }),
                other => Err(format!("unexpected message {other:?}")),
            }
        }
    }
}

fn explanation(message: &[u8], flags: u16) -> Option<String> {
    if flags & WITH_ATTRIBUTES == 0 {
        return None;
    }
    let quoted = message.get(HEADER + 4..)?;
    let request = if flags & CAPPED != 0 {
        HEADER
    } else {
        (number(quoted.get(..4)?, 0) as usize).next_multiple_of(4)
    };
    let mut attributes = quoted.get(request..)?;
    while attributes.len() >= 4 {
        let (length, kind) = (usize::from(short(attributes, 0)), short(attributes, 2));
        let value = attributes.get(4..length)?;
        if kind == EXPLANATION {
            return Some(
                String::from_utf8_lossy(value)
                    .trim_end_matches('\0')
                    .to_string(),
            );
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::feed;

    #[test]
    fn an_error_carries_errno_and_explanation() {
        let text = b"Nexthop has invalid gateway\0";
        let attribute = 4 + text.len();
        let length = HEADER + 4 + HEADER + attribute.next_multiple_of(4);
        let mut bytes = Vec::new();
        bytes.extend((length as u32).to_ne_bytes());
        bytes.extend(ERROR.to_ne_bytes());
        bytes.extend((CAPPED | WITH_ATTRIBUTES).to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend((-101i32).to_ne_bytes());
        bytes.extend([0; HEADER]);
        bytes.extend((attribute as u16).to_ne_bytes());
        bytes.extend(EXPLANATION.to_ne_bytes());
        bytes.extend(text);
        bytes.resize(length, 0);
        let found = replies(&bytes).expect("whole messages");
        let [
            Reply::Acknowledged {
                sequence: 7,
                code: -101,
                explanation: Some(said),
            },
        ] = &found[..]
        else {
            panic!("not an error");
        };
        assert_eq!(said, "Nexthop has invalid gateway");
    }

    #[test]
    fn a_message_longer_than_its_datagram_is_an_error() {
        let mut bytes = vec![0; HEADER];
        bytes[0] = 200;
        assert!(replies(&bytes).is_err());
    }

    #[test]
    fn foreign_bytes_do_no_harm() {
        let seed = include_bytes!("../fuzz/rtnetlink.bin");
        assert!(replies(seed).is_ok_and(|replies| replies.len() > 9));
        feed("rtnetlink", &[seed.to_vec()], |bytes| drop(replies(bytes)));
    }
}
