//! Sockets that take what somebody else sends, as the kernel lists them by sock_diag(7).
//!
//! The tables in `/proc/net` hold as much, but the kernel walks every connection of the machine to write those of one
//! namespace; here it looks only into the states that are asked for.

use std::io;
use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::{Socket, SocketAddr as Kernel, protocols::NETLINK_SOCK_DIAG};
use nix::libc::{AF_INET, IPPROTO_TCP};

use super::message::split;

/// Those of a family and of TCP or UDP (`IPPROTO_*`) in the calling thread's network namespace: TCP's that listen, UDP's
/// that are not connected, whose state the kernel calls `TCP_CLOSE`.
///
/// # Errors
///
/// `ENOENT` where the kernel has no `inet_diag`; else that of a system call or of an answer.
pub fn open_sockets(family: i32, protocol: i32) -> io::Result<Vec<SocketAddr>> {
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.send_to(&request(family, protocol), &Kernel::new(0, 0), 0)?;
    let mut found = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        for message in split(&datagram) {
            let message = message.map_err(io::Error::other)?;
            match (message.kind, message.errno()) {
                (NLMSG_ERROR | NLMSG_DONE, Some(errno)) if errno != 0 => {
                    return Err(io::Error::from_raw_os_error(errno));
                }
                (NLMSG_ERROR | NLMSG_DONE, _) => return Ok(found),
                _ => found.extend(local(message.whole)?),
            }
        }
    }
}

fn request(family: i32, protocol: i32) -> Vec<u8> {
    let states = match protocol {
        IPPROTO_TCP => StateFlags::LISTEN,
        _ => StateFlags::CLOSE,
    };
    let socket_id = match family {
        AF_INET => SocketId::new_v4(),
        _ => SocketId::new_v6(),
    };
    let asked = InetRequest {
        family: family as u8,
        protocol: protocol as u8,
        extensions: ExtensionFlags::empty(),
        states,
        socket_id,
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let payload = NetlinkPayload::from(SockDiagMessage::InetRequest(asked));
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn local(message: &[u8]) -> io::Result<Option<SocketAddr>> {
    let parsed =
        NetlinkMessage::<SockDiagMessage>::deserialize(message).map_err(io::Error::other)?;
    let NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(answer)) = parsed.payload else {
        return Ok(None);
    };
    let id = answer.header.socket_id;
    let address: IpAddr = id.source_address;
    Ok(Some((address, id.source_port).into()))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use nix::libc::{AF_INET6, IPPROTO_UDP};

    use super::*;

    /// In the test's own namespace, and on loopback alone.
    #[test]
    fn who_waits_is_found_and_who_is_connected_is_not() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let connected = TcpStream::connect(listener.local_addr()?)?;
        let waiting = UdpSocket::bind("127.0.0.1:0")?;
        let talking = UdpSocket::bind("127.0.0.1:0")?;
        talking.connect(waiting.local_addr()?)?;
        let found = open_sockets(AF_INET, IPPROTO_TCP)?;
        assert!(found.contains(&listener.local_addr()?));
        assert!(!found.contains(&connected.local_addr()?));
        let found = open_sockets(AF_INET, IPPROTO_UDP)?;
        assert!(found.contains(&waiting.local_addr()?));
        assert!(!found.contains(&talking.local_addr()?));
        assert!(
            open_sockets(AF_INET6, IPPROTO_TCP)?
                .iter()
                .all(SocketAddr::is_ipv6)
        );
        Ok(())
    }
}
