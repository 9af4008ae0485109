//! Which sockets have something to do: one system call for all, where trying each costs one each.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::error::AskError;

/// A socket that is waited for until it can be read.
pub(super) fn readable(socket: BorrowedFd<'_>) -> (BorrowedFd<'_>, PollFlags) {
    (socket, PollFlags::POLLIN)
}

/// Waits until one of them is ready, at most this long. Returns of each whether it is: what is wanted of it can be done, or it
/// has an error to tell. After a signal all are, to be tried.
pub(super) fn ready<'fd>(
    sockets: impl Iterator<Item = (BorrowedFd<'fd>, PollFlags)>,
    at_most: Duration,
) -> Result<Vec<bool>, AskError> {
    let mut polled: Vec<PollFd<'_>> = sockets
        .map(|(socket, wanted)| PollFd::new(socket, wanted))
        .collect();
    let timeout = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX);
    match poll(&mut polled, timeout) {
        Ok(_) => Ok(polled.iter().map(|one| one.any() != Some(false)).collect()),
        Err(Errno::EINTR) => Ok(vec![true; polled.len()]),
        Err(errno) => Err(AskError::system("wait for answers", "all")(errno)),
    }
}
