//! Requests of rtnetlink that go to the kernel together.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use rtnetlink::packet_route::RouteNetlinkMessage;

/// One request with the words that its error needs.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) operation: &'static str,
    pub(super) object: String,
    pub(super) message: RouteNetlinkMessage,
    pub(super) flags: u16,
}

/// Requests that the kernel carries out in order, in one send.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) requests: Vec<Request>,
}

impl Batch {
    /// Adds something that must not exist yet.
    pub fn create(
        &mut self,
        operation: &'static str,
        object: impl Into<String>,
        message: RouteNetlinkMessage,
    ) {
        self.push(operation, object.into(), message, NLM_F_CREATE | NLM_F_EXCL);
    }

    /// Adds something, in place of what may be there.
    pub fn replace(
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
    pub fn change(
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
