//! Netfilter sockets: opened in the calling thread's network namespace, used from any thread.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use super::TraceError;
use super::netlink::{Message, NLMSG_DONE, NLMSG_ERROR, messages};

/// Receive buffer in bytes. One traced ping is about 20 reports of 1 KiB of kernel memory each; a
/// lab that traces a TCP handshake under load has been seen to fill the default of 208 KiB.
const RECEIVE_BUFFER: usize = 8 << 20;
/// Longest datagram: a dump fills at most 32 KiB (`netlink_dump`), one report is far smaller.
const DATAGRAM: usize = 64 << 10;

/// A netfilter socket of one node.
pub(super) struct Netfilter {
    socket: Socket,
    node: String,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netfilter {
    /// Opens a socket in the calling thread's network namespace.
    pub(super) fn open(node: &str) -> Result<Self, TraceError> {
        let fail = |operation| move |source| failed(operation, node, source);
        let mut socket = Socket::new(NETLINK_NETFILTER).map_err(fail("open a netfilter socket"))?;
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            // Without CAP_NET_ADMIN in the initial user namespace the kernel caps it at rmem_max.
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)
                .map_err(io::Error::from)
                .map_err(fail("set the receive buffer"))?;
        }
        // Bound before any group is joined: joining binds an unbound socket to port 0.
        socket
            .bind_auto()
            .map_err(fail("bind a netfilter socket"))?;
        Ok(Self {
            socket,
            node: node.to_owned(),
            sequence: 0,
            buffer: vec![0; DATAGRAM],
        })
    }

    /// Joins a multicast group.
    pub(super) fn join(&mut self, group: u32) -> Result<(), TraceError> {
        self.socket
            .add_membership(group)
            .map_err(|e| failed("join a netfilter group", &self.node, e))
    }

    /// A fresh sequence number.
    pub(super) fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    /// Sends requests and waits for the acknowledgement numbered `sequence`.
    pub(super) fn acknowledged(
        &mut self,
        operation: &'static str,
        request: &[u8],
        sequence: u32,
    ) -> Result<(), TraceError> {
        self.send(operation, request)?;
        loop {
            let datagram = self.receive(operation, MsgFlags::empty())?;
            let answer = messages(datagram.unwrap_or_default())
                .filter(|m| m.kind == NLMSG_ERROR && m.sequence == sequence)
                .find_map(|m| m.errno());
            match answer {
                None => {}
                Some(0) => return Ok(()),
                Some(code) => {
                    let source = io::Error::from_raw_os_error(code);
                    return Err(failed(operation, &self.node, source));
                }
            }
        }
    }

    /// Sends a dump request and hands every answer to `each`.
    pub(super) fn dump(
        &mut self,
        operation: &'static str,
        request: &[u8],
        sequence: u32,
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<(), TraceError> {
        const INTERRUPTED: u16 = 0x10;
        self.send(operation, request)?;
        let node = self.node.clone();
        loop {
            let datagram = self.receive(operation, MsgFlags::empty())?;
            for message in messages(datagram.unwrap_or_default()) {
                if message.sequence != sequence {
                    continue;
                }
                if message.flags & INTERRUPTED != 0 {
                    let source = io::Error::from(io::ErrorKind::Interrupted);
                    return Err(failed(operation, &node, source));
                }
                match (message.kind, message.errno()) {
                    (NLMSG_DONE, _) | (NLMSG_ERROR, Some(0)) => return Ok(()),
                    (NLMSG_ERROR, code) => {
                        let source = io::Error::from_raw_os_error(code.unwrap_or_default());
                        return Err(failed(operation, &node, source));
                    }
                    _ => each(&message),
                }
            }
        }
    }

    /// The next datagram if one is there.
    pub(super) fn try_receive(&mut self) -> Result<Option<&[u8]>, TraceError> {
        self.receive("receive netfilter reports", MsgFlags::MSG_DONTWAIT)
    }

    fn send(&self, operation: &'static str, request: &[u8]) -> Result<(), TraceError> {
        self.socket
            .send_to(request, &SocketAddr::new(0, 0), 0)
            .map(drop)
            .map_err(|e| failed(operation, &self.node, e))
    }

    fn receive(
        &mut self,
        operation: &'static str,
        flags: MsgFlags,
    ) -> Result<Option<&[u8]>, TraceError> {
        let lost = |what| TraceError::Lost {
            node: self.node.clone(),
            what,
        };
        loop {
            let fd = self.socket.as_raw_fd();
            match recv(fd, &mut self.buffer, flags | MsgFlags::MSG_TRUNC) {
                Ok(length) => match self.buffer.get(..length) {
                    Some(datagram) => return Ok(Some(datagram)),
                    None => return Err(lost("datagram longer than the buffer")),
                },
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::ENOBUFS) => return Err(lost("ENOBUFS")),
                Err(errno) => return Err(failed(operation, &self.node, errno.into())),
            }
        }
    }
}

impl AsFd for Netfilter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn failed(operation: &'static str, node: &str, source: io::Error) -> TraceError {
    TraceError::Socket {
        operation,
        node: node.to_owned(),
        source,
    }
}
