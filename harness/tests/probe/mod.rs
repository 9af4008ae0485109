//! goldpath's own probes, for tests that build a network by hand.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use goldpath::case::ProbeKind;
use goldpath::packet::Token;
use goldpath::path::Answer;
use goldpath::probe::{ProbeRequest, Prober, SOURCE_PORT};
use goldpath::run::EVIDENCE_WAIT;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Where UDP probes go; nobody listens.
pub(crate) const PORT: u16 = 53;

/// A probe with a token of its own, as large as what `ping` sends.
pub(crate) fn request(kind: ProbeKind, destination: impl Into<IpAddr>) -> ProbeRequest {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    ProbeRequest {
        kind,
        destination: destination.into(),
        port: PORT,
        source_port: SOURCE_PORT,
        token: Token::new(
            std::process::id(),
            0,
            NUMBER.fetch_add(1, Ordering::Relaxed),
        ),
        size: 56,
        ttl: None,
        tos: None,
        dont_fragment: None,
    }
}

/// Waits until the prober or another source of evidence has something to say.
///
/// # Panics
/// None of them does within [`EVIDENCE_WAIT`].
pub(crate) fn wait(prober: &Prober, others: &[BorrowedFd<'_>]) {
    let (socket, wanted) = prober.interest();
    let others = others.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN));
    let mut waited = vec![PollFd::new(socket, wanted)];
    waited.extend(others);
    let limit = PollTimeout::try_from(EVIDENCE_WAIT).unwrap_or(PollTimeout::MAX);
    match poll(&mut waited, limit) {
        Ok(0) => panic!("nothing is known of {prober:?} after {EVIDENCE_WAIT:?}"),
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => panic!("poll: {errno}"),
    }
}

/// Sends the probe and waits for its answer.
///
/// # Panics
/// None comes within [`EVIDENCE_WAIT`], or a socket fails.
pub(crate) fn answer(prober: &mut Prober) -> Answer {
    prober.send().expect("a probe is sent");
    loop {
        if let Some(answer) = prober.receive().expect("a socket is read") {
            return answer;
        }
        wait(prober, &[]);
    }
}
