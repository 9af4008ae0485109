//! What came back on a route socket: objects, acknowledgements with the kernel's explanation, ends of tables.

use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;

use super::message::{Attributes, HEADER, Message, messages, split, text};

/// `NLMSGERR_ATTR_MSG` (`linux/netlink.h`).
const EXPLANATION: u16 = 1;

/// One message of the kernel.
#[derive(Debug)]
pub(super) enum Reply {
    /// A request is done; `errno` is 0 where nothing failed.
    Acknowledged {
        sequence: u32,
        errno: i32,
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
    split(datagram).map(|message| reply(&message?)).collect()
}

fn reply(message: &Message<'_>) -> Result<Reply, String> {
    let sequence = message.sequence;
    match (message.kind, message.errno()) {
        (NLMSG_ERROR, Some(errno)) => Ok(Reply::Acknowledged {
            sequence,
            errno,
            explanation: explanation(message),
        }),
        // The end of a table may carry an error too, which the kernel sends where a dump breaks off.
        (NLMSG_DONE, Some(errno)) if errno > 0 => Ok(Reply::Acknowledged {
            sequence,
            errno,
            explanation: None,
        }),
        (NLMSG_DONE, _) => Ok(Reply::Done { sequence }),
        _ => {
            let parsed = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message.whole)
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

/// The kernel's own sentence, which stands behind the error code and the request that is quoted there.
fn explanation(message: &Message<'_>) -> Option<String> {
    if message.flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let quoted = message.body.get(4..)?;
    let request = if message.flags & NLM_F_CAPPED != 0 {
        HEADER
    } else {
        messages(quoted).next()?.whole.len().next_multiple_of(4)
    };
    let (_, said) = Attributes(quoted.get(request..)?).find(|(kind, _)| *kind == EXPLANATION)?;
    Some(text(said))
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
        bytes.extend(NLMSG_ERROR.to_ne_bytes());
        bytes.extend((NLM_F_CAPPED | NLM_F_ACK_TLVS).to_ne_bytes());
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
                errno: 101,
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
