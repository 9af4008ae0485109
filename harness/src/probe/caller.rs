//! The answering end of a flow, kept while no service listens.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use crate::case::Protocol;

/// Whom a service has answered, and what it takes to send there again.
#[derive(Debug)]
pub struct Caller {
    /// The node of the service.
    pub node: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its port.
    pub port: u16,
    pub(super) peer: SocketAddr,
    pub(super) end: End,
}

impl Caller {
    /// Ends a connection, if it is one, in good order: nothing more comes from here.
    pub(crate) fn hang_up(&self) {
        if let End::Stream(stream) = &self.end {
            // Of one that is broken already nobody hears.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
}

#[derive(Debug)]
pub(super) enum End {
    /// The connection.
    Stream(TcpStream),
    /// The address that the caller has asked, from which it expects what comes.
    Datagram(Option<Ipv4Addr>),
}
