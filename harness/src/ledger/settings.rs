//! Settings and sockets of the calling thread's network namespace, as `/proc` shows them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::entry::{Entry, Socket, Sysctl};

const SETTINGS: &str = "/proc/sys/net";
/// A count, not a setting.
const CONNTRACK_COUNT: &str = "netfilter/nf_conntrack_count";
/// Tables of sockets in `/proc/thread-self/net`. Every second line of them begins a socket; the local address and the
/// state are its second and fourth column (proc_net_tcp.rst).
const SOCKETS: [&str; 6] = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"];
/// `TCP_LISTEN` (`include/net/tcp_states.h`).
const LISTEN: &str = "0A";
/// State of a datagram socket that takes what anybody sends (`TCP_CLOSE`); a connected one takes what its peer sends.
const UNCONNECTED: &str = "07";

/// All settings, sorted.
pub(super) fn sysctls() -> Vec<Entry> {
    let mut found = Vec::new();
    add_settings(Path::new(SETTINGS), &mut found);
    found.sort();
    found.into_iter().map(Entry::Sysctl).collect()
}

fn add_settings(folder: &Path, found: &mut Vec<Sysctl>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_settings(&path, found);
        } else if !path.ends_with(CONNTRACK_COUNT)
            // Some are for writing only.
            && let Ok(value) = fs::read_to_string(&path)
        {
            let name = path.strip_prefix(SETTINGS).unwrap_or(&path);
            found.push(Sysctl {
                name: name.display().to_string(),
                value: value.trim_end().to_owned(),
            });
        }
    }
}

/// Sockets that take what somebody else sends.
pub(super) fn sockets() -> Vec<Entry> {
    let mut found = Vec::new();
    for protocol in SOCKETS {
        let path = format!("/proc/thread-self/net/{protocol}");
        // A kernel without IPv6 has no tables of it.
        let text = fs::read_to_string(path).unwrap_or_default();
        found.extend(
            text.lines()
                .skip(1)
                .filter_map(|line| socket(protocol, line)),
        );
    }
    found.sort();
    found.into_iter().map(Entry::Socket).collect()
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
