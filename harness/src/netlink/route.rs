//! Route sockets: many requests of rtnetlink in one send, and the kernel's tables read back.
//!
//! It reads each datagram at its own length and keeps no buffer: a lab holds one of these for every node.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};

use super::reply::{Reply, replies};
use super::{Batch, NetlinkError};

/// An rtnetlink socket in one node's namespace.
#[derive(Debug)]
pub struct RouteSocket {
    node: String,
    socket: Socket,
    sequence: u32,
}

impl RouteSocket {
    /// Opens a socket in the calling thread's network namespace, and joins the multicast `groups` (`RTNLGRP_*`).
    pub fn open(node: &str, groups: &[u32]) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.set_ext_ack(true)?;
        // The kernel's errors then come without the request that they quote.
        socket.set_cap_ack(true)?;
        groups
            .iter()
            .try_for_each(|group| socket.add_membership(*group))?;
        Ok(Self {
            node: node.into(),
            socket,
            sequence: 0,
        })
    }

    /// The node whose namespace this is.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Carries a batch out, and returns the first error. The kernel goes on after an error, so a batch that failed
    /// leaves a lab that can only be ended.
    pub fn commit(&mut self, batch: Batch) -> Result<(), NetlinkError> {
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
                    errno,
                    explanation,
                } = reply
                else {
                    continue;
                };
                let position = sequence.wrapping_sub(first_sequence) as usize;
                let Some((operation, object)) = named.get(position) else {
                    continue;
                };
                if errno != 0 && failed.is_none() {
                    failed = Some(self.refused(operation, object.clone(), errno, explanation));
                }
                if position == last {
                    return failed.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Asks for one object.
    pub fn get(
        &mut self,
        operation: &'static str,
        object: &str,
        message: RouteNetlinkMessage,
    ) -> Result<RouteNetlinkMessage, NetlinkError> {
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
                        errno,
                        explanation,
                    } if sequence == self.sequence => {
                        return Err(self.refused(operation, object.into(), errno, explanation));
                    }
                    Reply::Object { .. } | Reply::Acknowledged { .. } | Reply::Done { .. } => {}
                }
            }
        }
    }

    /// Asks for a whole table.
    pub fn dump(
        &mut self,
        operation: &'static str,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
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
                        errno,
                        explanation,
                    } if sequence == self.sequence => {
                        return Err(self.refused(operation, "table".into(), errno, explanation));
                    }
                    Reply::Object { .. } | Reply::Acknowledged { .. } | Reply::Done { .. } => {}
                }
            }
        }
    }

    /// All links, without their counters.
    pub fn links(&mut self) -> Result<Vec<LinkMessage>, NetlinkError> {
        let mut question = LinkMessage::default();
        let without = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
        question.attributes.push(without);
        let rows = self.dump("list links", RouteNetlinkMessage::GetLink(question))?;
        let links = rows.into_iter().filter_map(|row| match row {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        });
        Ok(links.collect())
    }

    /// Waits for the next messages of the joined groups and returns them.
    pub fn events(&mut self) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
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

    fn send(&self, bytes: &[u8], operation: &'static str) -> Result<(), NetlinkError> {
        let kernel = SocketAddr::new(0, 0);
        let sent = self.socket.send_to(bytes, &kernel, 0);
        sent.map(drop).map_err(|e| self.broken(operation, e))
    }

    fn receive(&self, operation: &'static str) -> Result<Vec<Reply>, NetlinkError> {
        let (bytes, _) = self
            .socket
            .recv_from_full()
            .map_err(|e| self.broken(operation, e))?;
        replies(&bytes).map_err(|reason| NetlinkError::Answer {
            operation,
            node: self.node.clone(),
            reason,
        })
    }

    fn broken(&self, operation: &'static str, source: io::Error) -> NetlinkError {
        NetlinkError::failed(operation, &self.node, source).about("netlink socket")
    }

    fn refused(
        &self,
        operation: &'static str,
        object: String,
        errno: i32,
        explanation: Option<String>,
    ) -> NetlinkError {
        NetlinkError::Refused {
            operation,
            object: Some(object),
            node: self.node.clone(),
            explanation,
            source: io::Error::from_raw_os_error(errno),
        }
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
