//! How a question ended, in one value: what a truth table shows, and what a difference names.

use std::fmt;
use std::net::IpAddr;

use super::seen::{Heard, Leg, Seen, Sight};
use crate::packet::IcmpError;

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The asking node got an answer.
    Answered {
        /// The nodes whose services got it, or whose kernel answered an echo request.
        by: Vec<String>,
        /// The source addresses that they saw.
        saw: Vec<IpAddr>,
    },
    /// By a TCP reset, or an ICMP error that the port or the protocol is unreachable.
    Refused {
        /// The node that said so first, if it was seen.
        by: Option<String>,
    },
    /// By an errno, an ICMP error about the route, or because nobody answers the ARP request for the next hop.
    Unreachable(String),
    /// Told that it is too large.
    TooLarge {
        /// The MTU that was told, in bytes; none by the asking node's own errno.
        mtu: Option<u16>,
    },
    /// A connection was accepted, and ended without the answer.
    Closed,
    /// A service has got it, and the asking node no answer.
    Unanswered {
        /// The nodes whose services, or kernels, answered.
        by: Vec<String>,
    },
    /// Nothing came back, and no service has got it.
    Silent,
}

impl Ending {
    /// How the question ended of which that was seen.
    pub fn of(seen: &Seen) -> Self {
        let answered = seen.heard.iter().any(|one| matches!(one, Heard::Answer(_)));
        let (by, saw) = answerers(seen);
        if answered {
            return Self::Answered { by, saw };
        }
        if let Some(told) = told(seen) {
            return told;
        }
        if !by.is_empty() {
            return Self::Unanswered { by };
        }
        match seen.unresolved {
            Some(next) => Self::Unreachable(format!("nobody answers ARP for {next}")),
            None => Self::Silent,
        }
    }
}

/// Who answered, each once, and whom they saw.
fn answerers(seen: &Seen) -> (Vec<String>, Vec<IpAddr>) {
    let (mut by, mut saw): (Vec<String>, Vec<IpAddr>) = (Vec::new(), Vec::new());
    for one in &seen.got {
        by.push(one.node.clone());
        saw.push(one.peer.ip());
    }
    if by.is_empty() {
        // An echo request has no service.
        for maker in seen.makers(|leg| leg == Leg::Reply) {
            let request = arrivals(seen, maker).next_back();
            by.push(maker.to_owned());
            saw.extend(request.map(|sight| sight.source));
        }
    }
    by.sort();
    by.dedup();
    saw.sort();
    saw.dedup();
    (by, saw)
}

/// Requests that came in at a node.
pub(super) fn arrivals<'a>(
    seen: &'a Seen,
    node: &'a str,
) -> impl DoubleEndedIterator<Item = &'a Sight> {
    let of_request = |sight: &&Sight| sight.leg == Leg::Request && sight.arrives();
    seen.sights
        .iter()
        .filter(of_request)
        .filter(move |sight| &*sight.node == node)
}

/// What the asking node was told other than an answer: by its socket, or by an ICMP error that came in. A socket that is
/// still within its system call takes no notice of an ICMP error (`LINUX_MIB_LOCKDROPPEDICMPS`).
fn told(seen: &Seen) -> Option<Ending> {
    let mut errors = seen.sights.iter().filter_map(|sight| match sight.leg {
        Leg::Error(error) if sight.arrives() && *sight.node == *seen.from => Some((error, sight)),
        _ => None,
    });
    let mut by_socket = seen.heard.iter().filter_map(|one| match one {
        Heard::Errno(name) => Some(name.as_str()),
        Heard::Answer(_) => None,
    });
    if let Some((error, sight)) = errors.next_back() {
        return Some(match error {
            IcmpError::PortUnreachable | IcmpError::ProtocolUnreachable => {
                Ending::Refused { by: refuser(seen) }
            }
            IcmpError::FragmentationNeeded { mtu } => Ending::TooLarge { mtu: Some(mtu) },
            other => Ending::Unreachable(format!("{other} from {}", sight.source)),
        });
    }
    match by_socket.next()? {
        "ECONNREFUSED" => Some(Ending::Refused { by: refuser(seen) }),
        "EMSGSIZE" => Some(Ending::TooLarge { mtu: None }),
        "ECONNRESET" => Some(Ending::Closed),
        other => Some(Ending::Unreachable(other.to_owned())),
    }
}

/// The node that made the refusal.
fn refuser(seen: &Seen) -> Option<String> {
    let maker = seen.makers(Leg::refuses).first().copied()?;
    Some(maker.to_owned())
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: &[String]| items.join(" and ");
        match self {
            Self::Answered { by, saw } => {
                let saw: Vec<String> = saw.iter().map(ToString::to_string).collect();
                match (by.as_slice(), saw.as_slice()) {
                    ([], _) => f.write_str("answered by nobody that was seen"),
                    (by, []) => write!(f, "answered by {}", list(by)),
                    (by, saw) => write!(f, "answered by {}, which saw {}", list(by), list(saw)),
                }
            }
            Self::Refused { by: Some(by) } => write!(f, "refused by {by}"),
            Self::Refused { by: None } => f.write_str("refused"),
            Self::Unreachable(how) => write!(f, "unreachable: {how}"),
            Self::TooLarge { mtu: Some(mtu) } => write!(f, "told that it is larger than {mtu}"),
            Self::TooLarge { mtu: None } => {
                f.write_str("told by its own kernel that it is too large")
            }
            Self::Closed => f.write_str("accepted and closed without an answer"),
            Self::Unanswered { by } => {
                write!(f, "it reached {}, whose answer did not come back", list(by))
            }
            Self::Silent => f.write_str("nothing came back"),
        }
    }
}
