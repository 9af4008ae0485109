//! Marked packets and the sockets that send them.
//!
//! Sockets are opened by a thread that has entered the node's network namespace; they stay there and
//! are used from any thread afterwards. None of them blocks: whoever sends waits for evidence of
//! several kinds at once and polls them together.

mod caller;
mod datagram;
mod echo;
mod errno;
mod mark;
mod raw;
mod request;
mod segment;
mod service;
mod tcp;
mod udp;

use std::os::fd::BorrowedFd;

use nix::poll::PollFlags;

pub use caller::Caller;
pub(crate) use caller::forget;
pub use datagram::DatagramProber;
pub(crate) use datagram::OTHER_PROTOCOL;
pub use echo::EchoProber;
pub use errno::ProbeError;
pub(crate) use errno::refusal;
pub use mark::Mark;
pub use request::{ProbeRequest, SOURCE_PORT};
pub use segment::SegmentProber;
pub use service::{Got, Service};
pub use tcp::TcpProber;
pub use udp::UdpProber;

use crate::case::ProbeKind;
use crate::path::{Answer, Sent};

/// The socket that sends one probe and receives its answer.
#[derive(Debug)]
pub enum Prober {
    /// ICMP echo by raw socket.
    Echo(EchoProber),
    /// A UDP datagram.
    Udp(UdpProber),
    /// A TCP connection that carries the token both ways.
    Tcp(TcpProber),
    /// A TCP segment of no connection.
    Segment(SegmentProber),
    /// An IP datagram of a protocol that nobody speaks, or an echo reply to nobody.
    Datagram(DatagramProber),
}

impl Prober {
    /// Opens the socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// No privilege for raw sockets, or the source port is taken.
    pub fn open(request: &ProbeRequest) -> Result<Self, ProbeError> {
        let _fragmentable = (request.dont_fragment == Some(false))
            .then(|| Fragmentable::set(request))
            .transpose()?;
        Ok(match request.kind {
            ProbeKind::IcmpEcho => Self::Echo(EchoProber::open(request)?),
            ProbeKind::Udp => Self::Udp(UdpProber::open(request)?),
            ProbeKind::Tcp => Self::Tcp(TcpProber::open(request)?),
            ProbeKind::TcpFin => Self::Segment(SegmentProber::open(request)?),
            ProbeKind::IpProtocol | ProbeKind::IcmpReply => {
                Self::Datagram(DatagramProber::open(request)?)
            }
        })
    }

    /// Gives what is sent next by the same socket, a datagram or bytes of the same connection, another mark.
    pub fn mark(&mut self, token: crate::packet::Token) {
        match self {
            Self::Udp(prober) => prober.mark(token),
            Self::Tcp(prober) => prober.mark(token),
            Self::Echo(_) | Self::Segment(_) | Self::Datagram(_) => {}
        }
    }

    /// Sends the first packet. What the kernel refuses is an answer, not an error.
    ///
    /// # Errors
    /// An errno that says the machine is broken rather than the path.
    pub fn send(&mut self) -> Result<Sent, ProbeError> {
        match self {
            Self::Echo(prober) => prober.send(),
            Self::Udp(prober) => prober.send(),
            Self::Tcp(prober) => prober.send(),
            Self::Segment(prober) => prober.send(),
            Self::Datagram(prober) => prober.send(),
        }
    }

    /// Looks whether the answer has come, and goes on with the exchange as far as it can without blocking.
    ///
    /// # Errors
    /// An errno that says the machine is broken rather than the path.
    pub fn receive(&mut self) -> Result<Option<Answer>, ProbeError> {
        match self {
            Self::Echo(prober) => prober.receive(),
            Self::Udp(prober) => prober.receive(),
            Self::Tcp(prober) => prober.receive(),
            Self::Segment(prober) => prober.receive(),
            Self::Datagram(_) => Ok(None),
        }
    }

    /// The socket and what to wait for on it.
    pub fn interest(&self) -> (BorrowedFd<'_>, PollFlags) {
        match self {
            Self::Echo(prober) => (prober.as_fd(), PollFlags::POLLIN),
            Self::Udp(prober) => (prober.as_fd(), PollFlags::POLLIN),
            Self::Tcp(prober) => prober.interest(),
            Self::Segment(prober) => (prober.as_fd(), PollFlags::POLLIN),
            Self::Datagram(prober) => (prober.as_fd(), PollFlags::POLLIN),
        }
    }
}

/// While it lives, sockets that are opened in the calling thread's namespace send without DF: a socket takes its
/// `IP_MTU_DISCOVER` from this sysctl (`man 7 ip`).
struct Fragmentable;

impl Fragmentable {
    const SYSCTL: &str = "/proc/sys/net/ipv4/ip_no_pmtu_disc";

    fn set(request: &ProbeRequest) -> Result<Self, ProbeError> {
        std::fs::write(Self::SYSCTL, "1")
            .map_err(|error| request.error("clear DF", errno::errno_of(&error)))?;
        Ok(Self)
    }
}

impl Drop for Fragmentable {
    fn drop(&mut self) {
        // Only the prober's own namespace is concerned, which ends with its lab.
        let _ = std::fs::write(Self::SYSCTL, "0");
    }
}
