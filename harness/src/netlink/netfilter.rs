//! Netfilter sockets: requests, transactions of nf_tables, and reports that come by themselves.
//!
//! It reads into a buffer of its own, which [`RouteSocket`](super::RouteSocket) does without: reports come by the thousand,
//! while a lab keeps a route socket for each node as long as it stands.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use super::message::{Message, SUBSYS_NFTABLES, messages};
use super::{NetlinkError, Requests};

/// Receive buffer in bytes. One traced ping is about 20 reports of 1 KiB of kernel memory each; a
/// lab that traces a TCP handshake under load has been seen to fill the default of 208 KiB.
const RECEIVE_BUFFER: usize = 8 << 20;
/// Longest datagram: a dump fills at most 32 KiB (`netlink_dump`), one report is far smaller.
const DATAGRAM: usize = 64 << 10;
/// `NFNL_MSG_BATCH_BEGIN` and `_END`, which belong to no subsystem (`linux/netfilter/nfnetlink.h`).
const BATCH_BEGIN: (u8, u8) = (0, 0x10);
const BATCH_END: (u8, u8) = (0, 0x11);

/// A netfilter socket of one node.
pub struct NetfilterSocket {
    socket: Socket,
    node: String,
    sequence: u32,
    buffer: Vec<u8>,
}

impl NetfilterSocket {
    /// Opens a socket with room for reports in the calling thread's network namespace.
    pub fn open(node: &str) -> Result<Self, NetlinkError> {
        let fail = |operation| move |source| NetlinkError::failed(operation, node, source);
        let mut own = Self::unbound(node).map_err(fail("open a netfilter socket"))?;
        if setsockopt(&own.socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            // Without CAP_NET_ADMIN in the initial user namespace the kernel caps it at rmem_max.
            setsockopt(&own.socket, sockopt::RcvBuf, &RECEIVE_BUFFER)
                .map_err(io::Error::from)
                .map_err(fail("set the receive buffer"))?;
        }
        // Bound before any group is joined: joining binds an unbound socket to port 0.
        own.socket
            .bind_auto()
            .map_err(fail("bind a netfilter socket"))?;
        Ok(own)
    }

    /// Opens a socket for a few requests, the first of which binds it, in the calling thread's network namespace.
    pub fn unbound(node: &str) -> io::Result<Self> {
        Ok(Self {
            socket: Socket::new(NETLINK_NETFILTER)?,
            node: node.to_owned(),
            sequence: 0,
            buffer: vec![0; DATAGRAM],
        })
    }

    /// Joins a multicast group.
    pub fn join(&mut self, group: u32) -> Result<(), NetlinkError> {
        self.socket
            .add_membership(group)
            .map_err(|e| NetlinkError::failed("join a netfilter group", &self.node, e))
    }

    /// Requests under a fresh number, to be filled and sent.
    pub fn requests(&mut self) -> Requests {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        Requests::new(self.sequence)
    }

    /// Sends requests and waits for their acknowledgement.
    pub fn acknowledged(
        &mut self,
        operation: &'static str,
        requests: &Requests,
    ) -> Result<(), NetlinkError> {
        self.send(operation, requests)?;
        loop {
            let datagram = self.receive(operation, MsgFlags::empty())?;
            let answer = messages(datagram.unwrap_or_default())
                .filter(|m| m.kind == NLMSG_ERROR && m.sequence == requests.sequence())
                .find_map(|m| m.errno());
            match answer {
                None => {}
                Some(0) => return Ok(()),
                Some(code) => {
                    let source = io::Error::from_raw_os_error(code);
                    return Err(NetlinkError::failed(operation, &self.node, source));
                }
            }
        }
    }

    /// Carries out one transaction of nf_tables: everything in it, or nothing. Its last message asks for the
    /// acknowledgement: the kernel answers for BATCH_END itself only since Linux 6.10.
    pub fn transaction(
        &mut self,
        operation: &'static str,
        fill: impl FnOnce(&mut Requests),
    ) -> Result<(), NetlinkError> {
        let mut requests = self.requests();
        requests.message(BATCH_BEGIN, 0, 0, SUBSYS_NFTABLES.into());
        fill(&mut requests);
        requests.acknowledge_last();
        requests.message(BATCH_END, 0, 0, SUBSYS_NFTABLES.into());
        self.acknowledged(operation, &requests)
    }

    /// Sends a dump request and hands every answer to `each`.
    pub fn dump(
        &mut self,
        operation: &'static str,
        requests: &Requests,
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<(), NetlinkError> {
        self.send(operation, requests)?;
        let node = self.node.clone();
        loop {
            let datagram = self.receive(operation, MsgFlags::empty())?;
            for message in messages(datagram.unwrap_or_default()) {
                if message.sequence != requests.sequence() {
                    continue;
                }
                if message.flags & NLM_F_DUMP_INTR != 0 {
                    let source = io::Error::from(io::ErrorKind::Interrupted);
                    return Err(NetlinkError::failed(operation, &node, source));
                }
                match (message.kind, message.errno()) {
                    (NLMSG_DONE, _) | (NLMSG_ERROR, Some(0)) => return Ok(()),
                    (NLMSG_ERROR, code) => {
                        let source = io::Error::from_raw_os_error(code.unwrap_or_default());
                        return Err(NetlinkError::failed(operation, &node, source));
                    }
                    _ => each(&message),
                }
            }
        }
    }

    /// The next datagram if one is there.
    pub fn try_receive(&mut self) -> Result<Option<&[u8]>, NetlinkError> {
        self.receive("receive netfilter reports", MsgFlags::MSG_DONTWAIT)
    }

    fn send(&self, operation: &'static str, requests: &Requests) -> Result<(), NetlinkError> {
        self.socket
            .send_to(requests.bytes(), &SocketAddr::new(0, 0), 0)
            .map(drop)
            .map_err(|e| NetlinkError::failed(operation, &self.node, e))
    }

    fn receive(
        &mut self,
        operation: &'static str,
        flags: MsgFlags,
    ) -> Result<Option<&[u8]>, NetlinkError> {
        let lost = |what| NetlinkError::Lost {
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
                Err(errno) => {
                    return Err(NetlinkError::failed(operation, &self.node, errno.into()));
                }
            }
        }
    }
}

impl From<NetfilterSocket> for Socket {
    /// What is left to keep open, without a buffer.
    fn from(own: NetfilterSocket) -> Self {
        own.socket
    }
}

impl AsFd for NetfilterSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
