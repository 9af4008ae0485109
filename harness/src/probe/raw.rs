//! Raw sockets, which hear every packet of their protocol that comes into the namespace.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, SockProtocol, SockType, recv, socket};

use super::errno::refusal;
use super::{ProbeError, ProbeRequest};
use crate::address::Family;
use crate::packet::{Headers, decode};
use crate::path::Answer;

/// Opens one in the calling thread's network namespace.
pub(super) fn open(request: &ProbeRequest, protocol: SockProtocol) -> Result<OwnedFd, ProbeError> {
    let family = Family::of(request.destination).domain();
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Raw, flags, protocol)
        .map_err(|errno| request.error("open a raw socket", errno))?;
    request.set_headers(&socket)?;
    Ok(socket)
}

/// The next packet that answers the probe, or the error that says that none will come; none if nothing is there yet.
pub(super) fn receive(
    socket: &OwnedFd,
    request: &ProbeRequest,
    answers: impl Fn(&Headers, &[u8]) -> bool,
) -> Result<Option<Answer>, ProbeError> {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let held = match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(held) => held,
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::EINTR) => continue,
            Err(errno) if let Some(name) = refusal(errno) => {
                return Ok(Some(Answer::Refused(name)));
            }
            Err(errno) => return Err(request.error("receive an answer", errno)),
        };
        if let Some((headers, payload)) = decode(&buffer[..held])
            && answers(&headers, payload)
        {
            return Ok(Some(Answer::Reply {
                headers: Some(headers),
                peer_seen: None,
            }));
        }
    }
}
