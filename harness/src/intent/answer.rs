//! What must come of a question.

use std::net::IpAddr;

use serde::Serialize;

use crate::case::Feature;

/// The answer that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::enum_variant_names,
    reason = "an answer may be that there is none"
)]
pub enum Answer {
    /// A service got the whole payload, once, and the asking node got its answer from the address and port that it asked.
    Answered {
        /// The node whose service, or kernel for an echo request, answers.
        by: String,
        /// The source address that it sees.
        sees: Sees,
        /// Routers that the request passes, each of which takes one from its TTL; none where a proxy may stand between.
        routers: Option<u8>,
    },
    /// TCP reset, or ICMP port or protocol unreachable, as from the address and port asked.
    Refused {
        /// Who says it.
        by: Refuser,
    },
    /// An errno at the send, or an ICMP error about the route. No container gets a frame of it.
    Unreachable,
    /// Told that it is too large: EMSGSIZE by the asking node itself, or "fragmentation needed" with this MTU in bytes.
    TooLarge {
        /// The MTU.
        mtu: u16,
    },
    /// Dropped, rejected, unreachable or lost: neither the destination nor any container gets a frame of it.
    Blocked,
    /// As blocked, but the host itself may answer or refuse: no container gets a frame of it.
    NoContainer,
    /// The asking node gets no answer and is not served, whoever gets a frame of it.
    NoAnswer,
    /// Each of these nodes gets it, and no other container does.
    Spread {
        /// The nodes.
        to: Vec<String>,
    },
    /// No promise binds.
    Unspecified {
        /// Why.
        why: Why,
    },
}

/// Why no promise binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The implementation does not list this feature. That promises nothing, also not the opposite.
    NotListed(Feature),
    /// Nobody promises it: the reason, in one sentence with the sources that differ.
    NoPromise(&'static str),
}

/// The source address at the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sees {
    /// The asking node's own address.
    Own(IpAddr),
    /// Exactly this address.
    Exactly(IpAddr),
    /// The first address, behind a router of the lab that translates; that router sees the second one.
    Behind(IpAddr, IpAddr),
    /// Any address of the host.
    Hosts,
    /// The asking node's own or any of the host's.
    OwnOrHosts,
    /// Whatever it is.
    Anything,
}

/// Who refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refuser {
    /// This node's own kernel.
    Node(String),
    /// The container behind a published port, seen as the host's address and port.
    Published(String),
}
