//! Sockets of the calling thread's network namespace that take what somebody else sends.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::libc::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP};

use super::entry::{Entry, Socket};
use crate::netlink::open_sockets;

/// What sock_diag(7) lists, by its family and its protocol.
const LISTED: [(&str, i32, i32); 4] = [
    ("tcp", AF_INET, IPPROTO_TCP),
    ("tcp6", AF_INET6, IPPROTO_TCP),
    ("udp", AF_INET, IPPROTO_UDP),
    ("udp6", AF_INET6, IPPROTO_UDP),
];
/// What many a kernel lists in `/proc` alone (`CONFIG_INET_RAW_DIAG`).
const RAW: [&str; 2] = ["raw", "raw6"];
/// `TCP_LISTEN` (`include/net/tcp_states.h`).
const LISTEN: &str = "0A";
/// State of a datagram socket that takes what anybody sends (`TCP_CLOSE`); a connected one takes what its peer sends.
const UNCONNECTED: &str = "07";

/// All of them, sorted.
pub(super) fn sockets() -> Vec<Entry> {
    let listed = LISTED
        .iter()
        .flat_map(|(protocol, family, number)| listed(protocol, *family, *number));
    let mut found: Vec<Socket> = listed.chain(RAW.iter().flat_map(|it| table(it))).collect();
    found.sort();
    found.into_iter().map(Entry::Socket).collect()
}

/// As the kernel lists them, or as `/proc` has them where it cannot: `inet_diag` may be a module that is not there.
fn listed(protocol: &'static str, family: i32, number: i32) -> Vec<Socket> {
    let Ok(found) = open_sockets(family, number) else {
        return table(protocol);
    };
    let entry = |at: std::net::SocketAddr| Socket {
        protocol,
        address: at.ip(),
        port: at.port(),
    };
    found.into_iter().map(entry).collect()
}

/// A table in `/proc`. Every line behind the first is a socket; the local address and the state are its second and fourth
/// column (proc_net_tcp.rst).
fn table(protocol: &'static str) -> Vec<Socket> {
    let path = format!("/proc/thread-self/net/{protocol}");
    // A kernel without IPv6 has no tables of it.
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().skip(1);
    lines.filter_map(|line| socket(protocol, line)).collect()
}

/// A line of a table, none if it is a connection.
fn socket(protocol: &'static str, line: &str) -> Option<Socket> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, state, ..] = columns[..] else {
        return None;
    };
    let (address, port) = local.split_once(':')?;
    let open = if protocol.starts_with("tcp") {
        LISTEN
    } else {
        UNCONNECTED
    };
    let is_open = state == open;
    is_open.then_some(Socket {
        protocol,
        address: self::address(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
    })
}

/// `0100007F` is 127.0.0.1: each word of four bytes is written as the machine's own order of bytes has it.
fn address(text: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..text.len())
        .step_by(8)
        .map(|at| u32::from_str_radix(text.get(at..at + 8)?, 16).ok())
        .map(|word| word.map(u32::to_ne_bytes))
        .collect();
    match words?.as_slice() {
        [word] => Some(Ipv4Addr::from(*word).into()),
        words @ [_, _, _, _] => {
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the test's own namespace, and on loopback alone.
    #[test]
    fn both_lists_hold_the_same_sockets() -> std::io::Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let waiting = std::net::UdpSocket::bind("[::1]:0").ok();
        let own = |found: Vec<Socket>| -> Vec<Socket> {
            let ports = [
                listener.local_addr().ok(),
                waiting.as_ref().and_then(|it| it.local_addr().ok()),
            ];
            let is_own = |one: &Socket| ports.iter().flatten().any(|at| at.port() == one.port);
            found.into_iter().filter(is_own).collect()
        };
        for (protocol, family, number) in LISTED {
            assert_eq!(own(listed(protocol, family, number)), own(table(protocol)));
        }
        assert_eq!(own(listed("tcp", AF_INET, IPPROTO_TCP)).len(), 1);
        Ok(())
    }

    #[test]
    fn a_listening_socket_is_read_and_a_connection_is_not() {
        let line = |state: &str| {
            format!(
                "0: {:08X}:1F90 00000000:0000 {state} 0:0",
                u32::from_ne_bytes([127, 0, 0, 1])
            )
        };
        let found = socket("tcp", &line("0A")).map(Entry::Socket);
        assert_eq!(
            found.map(|one| one.to_string()).as_deref(),
            Some("tcp 127.0.0.1:8080")
        );
        assert_eq!(socket("tcp", &line("01")), None);
        assert!(socket("udp", &line("07")).is_some());
        // A process on its way to its exec may hold a probe's for a moment longer.
        assert_eq!(socket("udp", &line("01")), None);
        assert_eq!(socket("tcp", "a line of another form"), None);
        let any = address(&"0".repeat(32));
        assert_eq!(any, Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
    }
}
