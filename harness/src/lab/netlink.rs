//! Blocking rtnetlink: many requests in one send, and the kernel's tables read back.
//!
//! The socket belongs to the namespace that it was opened in, whichever thread uses it later.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rtnetlink::packet_route::RouteNetlinkMessage;

use super::reply::{Reply, replies};
use super::{LabError, Netns};

/// One request with the words that its error needs.
#[derive(Debug)]
struct Request {
    operation: &'static str,
    object: String,
    message: RouteNetlinkMessage,
    flags: u16,
}

/// Requests that the kernel carries out in order, in one send.
#[derive(Debug, Default)]
pub(super) struct Batch {
    requests: Vec<Request>,
}

impl Batch {
    /// Adds something that must not exist yet.
    pub(super) fn create(
        &mut self,
        operation: &'static str,
        object: impl Into<String>,
        message: RouteNetlinkMessage,
    ) {
        self.push(operation, object.into(), message, NLM_F_CREATE | NLM_F_EXCL);
    }

    /// Adds something, in place of what may be there.
    pub(super) fn replace(
        &mut self,
        operation: &'static str,
        object: impl Into<String>,
        message: RouteNetlinkMessage,
    ) {
        self.push(
            operation,
            object.into(),
            message,
            NLM_F_CREATE | NLM_F_REPLACE,
        );
    }

    /// Changes something that exists.
    pub(super) fn change(
        &mut self,
        operation: &'static str,
        object: impl Into<String>,
        message: RouteNetlinkMessage,
    ) {
        self.push(operation, object.into(), message, 0);
    }

    fn push(
        &mut self,
        operation: &'static str,
        object: String,
        message: RouteNetlinkMessage,
        flags: u16,
    ) {
        self.requests.push(Request {
            operation,
            object,
            message,
            flags,
        });
    }
}

/// An rtnetlink socket in one node's namespace.
#[derive(Debug)]
pub(crate) struct RouteSocket {
    node: String,
    socket: Socket,
    sequence: u32,
}

impl RouteSocket {
    /// Opens a socket in `netns`, and joins the multicast `groups` (`RTNLGRP_*`).
    pub(crate) fn open(node: &str, netns: &Netns, groups: &[u32]) -> Result<Self, LabError> {
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.set_ext_ack(true)?;
            // The kernel's errors then come without the request that they quote.
            socket.set_cap_ack(true)?;
            groups
                .iter()
                .try_for_each(|group| socket.add_membership(*group))?;
            Ok(socket)
        };
        let socket = netns
            .run(open)?
            .map_err(|e: io::Error| LabError::system("open netlink socket in", node, e))?;
        Ok(Self {
            node: node.into(),
            socket,
            sequence: 0,
        })
    }

    /// The node whose namespace this is.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// Carries a batch out, and returns the first error. The kernel goes on after an error, so a batch that failed
    /// leaves a lab that can only be ended.
    pub(super) fn commit(&mut self, batch: Batch) -> Result<(), LabError> {
        let Some(last) = batch.requests.len().checked_sub(1) else {
            return Ok(());
        };
        let first_sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::with_capacity(128 * batch.requests.len());
        let mut named = Vec::with_capacity(batch.requests.len());
        for (position, request) in batch.requests.into_iter().enumerate() {
            let acknowledge = if position == last { NLM_F_ACK } else { 0 };
            self.append(&mut bytes, request.message, request.flags | acknowledge);
            named.push((request.operation, request.object));
        }
        self.send(&bytes, named[0].0)?;
        let mut failed = None;
        loop {
            for reply in self.receive(named[last].0)? {
                let Reply::Acknowledged {
                    sequence,
                    code,
                    explanation,
                } = reply
                else {
                    continue;
                };
                let position = sequence.wrapping_sub(first_sequence) as usize;
                let Some((operation, object)) = named.get(position) else {
                    continue;
                };
                if code != 0 && failed.is_none() {
                    failed = Some(self.refused(operation, object.clone(), code, explanation));
                }
                if position == last {
                    return failed.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Asks for one object.
    pub(super) fn get(
        &mut self,
        operation: &'static str,
        object: &str,
        message: RouteNetlinkMessage,
    ) -> Result<RouteNetlinkMessage, LabError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, message, 0);
        self.send(&bytes, operation)?;
        loop {
            for reply in self.receive(operation)? {
                match reply {
                    Reply::Object { sequence, message } if sequence == self.sequence => {
                        return Ok(*message);
                    }
                    Reply::Acknowledged {
                        sequence,
                        code,
                        explanation,
                    } if sequence == self.sequence => {
                        return Err(self.refused(operation, object.into(), code, explanation));
                    }
                    Reply::Object { .. } | Reply::Acknowledged { .. } | Reply::Done { .. } => {}
                }
            }
        }
    }

    /// Asks for a whole table.
    pub(crate) fn dump(
        &mut self,
        operation: &'static str,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, LabError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, message, NLM_F_DUMP);
        self.send(&bytes, operation)?;
        let mut rows = Vec::new();
        loop {
            for reply in self.receive(operation)? {
                match reply {
                    Reply::Object { sequence, message } if sequence == self.sequence => {
                        rows.push(*message)
                    }
                    Reply::Done { sequence } if sequence == self.sequence => return Ok(rows),
                    Reply::Acknowledged {
                        sequence,
                        code,
                        explanation,
                    } if sequence == self.sequence => {
                        return Err(self.refused(operation, "table".into(), code, explanation));
                    }
                    Reply::Object { .. } | Reply::Acknowledged { .. } | Reply::Done { .. } => {}
                }
            }
        }
    }

    /// Waits for the next messages of the joined groups and returns them.
    pub(super) fn events(&mut self) -> Result<Vec<RouteNetlinkMessage>, LabError> {
        let received = self.receive("wait for an event")?;
        Ok(received
            .into_iter()
            .filter_map(|reply| match reply {
                Reply::Object { message, .. } => Some(*message),
                Reply::Acknowledged { .. } | Reply::Done { .. } => None,
            })
            .collect())
    }

    fn append(&mut self, bytes: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut framed = NetlinkMessage::from(message);
        framed.header.flags = NLM_F_REQUEST | flags;
        framed.header.sequence_number = self.sequence;
        framed.finalize();
        let start = bytes.len();
        bytes.resize(start + framed.buffer_len().next_multiple_of(4), 0);
        framed.serialize(&mut bytes[start..]);
    }

    fn send(&self, bytes: &[u8], operation: &'static str) -> Result<(), LabError> {
        let kernel = SocketAddr::new(0, 0);
        let sent = self.socket.send_to(bytes, &kernel, 0);
        sent.map(drop).map_err(|e| self.broken(operation, e))
    }

    fn receive(&self, operation: &'static str) -> Result<Vec<Reply>, LabError> {
        let (bytes, _) = self
            .socket
            .recv_from_full()
            .map_err(|e| self.broken(operation, e))?;
        replies(&bytes).map_err(|reason| LabError::Answer {
            operation,
            node: self.node.clone(),
            reason,
        })
    }

    fn broken(&self, operation: &'static str, source: io::Error) -> LabError {
        self.failure(operation, "netlink socket".into(), None, source)
    }

    fn refused(
        &self,
        operation: &'static str,
        object: String,
        code: i32,
        explanation: Option<String>,
    ) -> LabError {
        self.failure(
            operation,
            object,
            explanation,
            io::Error::from_raw_os_error(-code),
        )
    }

    fn failure(
        &self,
        operation: &'static str,
        object: String,
        explanation: Option<String>,
        source: io::Error,
    ) -> LabError {
        LabError::Netlink {
            operation,
            object,
            node: self.node.clone(),
            explanation,
            source,
        }
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for RouteSocket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}
