//! The answering end of a flow, kept while no service listens.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

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

    /// Closes a connection, if it is one, without a packet.
    pub(crate) fn end_unheard(self) -> Result<(), Errno> {
        match &self.end {
            End::Stream(stream) => forget(stream),
            End::Datagram(_) => Ok(()),
        }
    }
}

/// Has a connection end without a packet when it is closed (Linux net/ipv4/tcp.c, `tcp_disconnect` of one under repair).
///
/// # Errors
/// The namespace is not one that the calling process may configure.
pub(crate) fn forget(connection: &impl AsFd) -> Result<(), Errno> {
    setsockopt(connection, sockopt::TcpRepair, &1)
}

#[derive(Debug)]
pub(super) enum End {
    /// The connection.
    Stream(TcpStream),
    /// The address that the caller has asked, from which it expects what comes.
    Datagram(Option<Ipv4Addr>),
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::net::TcpListener;

    use super::*;

    /// How a connection reads whose other end is closed.
    fn heard(unheard: bool) -> Result<ErrorKind, Errno> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("bound");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let (other, peer) = listener.accept().expect("it connected");
        stream.set_nonblocking(true).expect("a socket");
        let caller = Caller {
            node: "c1".into(),
            protocol: Protocol::Tcp,
            port: address.port(),
            peer,
            end: End::Stream(other),
        };
        if unheard {
            caller.end_unheard()?;
        } else {
            drop(caller);
        }
        let read = stream.read(&mut [0]);
        Ok(read.map_or_else(|error| error.kind(), |_| ErrorKind::UnexpectedEof))
    }

    #[test]
    fn who_ends_unheard_sends_nothing() {
        assert_eq!(heard(false), Ok(ErrorKind::UnexpectedEof));
        // Without the right to configure the namespace it ends as any other.
        let unheard = heard(true);
        assert!(
            matches!(unheard, Ok(ErrorKind::WouldBlock) | Err(Errno::EPERM)),
            "{unheard:?}"
        );
    }
}
